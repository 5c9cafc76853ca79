package tail

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
	"weak"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/lines"
	"logctl/internal/glob"
)

// ErrClosed is returned by Ready after Close.
var ErrClosed = errors.New("tail: closed")

// Set follows the files of one path or glob.
type Set struct {
	cfg    Config
	log    *slog.Logger
	sys    fsys.System
	pools  *pools
	walker *fsys.Walker
	stalls stalls
	closed chan struct{}
	once   sync.Once

	looks // before mu

	mu guard
	index
	inherited
	notices
	readyFiles
	telling
	memory   memory
	counters Status
	err      error // of the last scan as a whole
}

// looks is what the looks at the file system, of which one goes on at a time, have for
// themselves. It is guarded by scanMu.
type looks struct {
	scanMu sync.Mutex // held while slots and generations are looked at; before mu
	scans  uint64     // scans begun
	begun  time.Time  // when the Set was opened
	trusts bool       // a directory whose time is the same has the same names; not so on network file systems
	lists  map[string]*listing
	kept   map[string]*listing              // read since the last scan began; nil: without trusts
	beside map[string]weak.Pointer[besides] // of the directories of logs
}

// familyOf is what was found out about the names of a log's old generations. It is
// guarded by scanMu.
type familyOf struct {
	learned []lesson            // names under which some were seen
	doubted map[string]struct{} // names said to be of no known log
	rotated *besides            // what Config.Rotated names
}

// Open returns a Set that follows cfg.Path. Nothing is read before the first Scan,
// which Run does.
func Open(cfg Config) (*Set, error) { return open(cfg, fsys.System{Now: time.Now}) }

// open is Open for a file system that need not be that of this machine.
func open(cfg Config, sys fsys.System) (*Set, error) {
	if !filepath.IsAbs(cfg.Path) {
		return nil, fmt.Errorf("follow %q: the path must be absolute", cfg.Path)
	}
	for _, g := range cfg.Rotated {
		if _, err := glob.Compile(g); err != nil {
			return nil, fmt.Errorf("follow %q: rotated %q: %w", cfg.Path, g, err)
		}
	}
	cfg.defaults()
	s := &Set{
		cfg: cfg, log: cfg.Log, sys: sys, closed: make(chan struct{}), looks: looks{trusts: !cfg.Poll},
		index: newIndex(), notices: newNotices(cfg.Watcher), readyFiles: readyFiles{notify: make(chan struct{}, 1)},
		inherited: inherited{saved: map[fsys.Inode][]State{}, newest: map[string]State{}},
	}
	s.mu.done, s.mu.left = s.tellLocked, s.sweepEnded
	var err error
	s.stalls.after, s.begun = hangAfter, s.now()
	if s.walker, err = fsys.NewWalker(&s.sys, cfg.Path, cfg.Exclude, cfg.AllowedDir); err != nil {
		return nil, fmt.Errorf("follow %q: %w", cfg.Path, err)
	}
	if s.watcher == nil && !cfg.Poll {
		s.watcher, s.own = NewWatcher(cfg.Log), true
	}
	s.pools = &pools{}
	if s.watcher != nil {
		s.pools = &s.watcher.pools
	}
	for _, st := range cfg.Saved {
		k := fsys.Inode{Dev: st.ID.Dev, Ino: st.ID.Ino}
		s.saved[k] = append(s.saved[k], st)
		s.lastGen = max(s.lastGen, st.ID.Gen)
		if n, ok := s.newestAt(st.Path); !ok || n.ID.Gen < st.ID.Gen {
			s.newest[s.key(st.Path)] = st
		}
	}
	s.loaded = s.lastGen
	s.memory.load(cfg.Memory, s.log)
	s.cfg.Saved, s.cfg.Memory = nil, Memory{}
	s.counters.Watching = "notify"
	if cfg.Poll {
		s.counters.Watching = "poll"
	}
	return s, nil
}

func (s *Set) now() time.Time { return s.sys.Now() }

func (cfg *Config) defaults() {
	if cfg.Interval <= 0 {
		cfg.Interval = time.Second
	}
	if cfg.MaxLine == nil {
		cfg.MaxLine = func() int { return 1 << 20 }
	}
	if cfg.ChunkSize <= 0 {
		cfg.ChunkSize = 256 << 10
	}
	if cfg.ChunkSize < 16 {
		cfg.ChunkSize = 16
	}
	if cfg.MaxOpen <= 0 {
		cfg.MaxOpen = max(4, min(4096, fsys.OpenLimit()/4))
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
}

// splitter returns the splitter for the next read.
func (s *Set) splitter() lines.Splitter {
	n := min(max(s.cfg.MaxLine(), 4), 1<<30) &^ 1
	if s.cfg.Newline == NewlineLF {
		n = min(max(s.cfg.MaxLine(), 4), 1<<30)
	}
	return lines.Splitter{Newline: s.cfg.Newline, Long: s.cfg.LongLines, MaxLine: n, MaxLines: linesMost}
}

// handleOf returns the open file of f, opening it if need be; nil: it cannot be
// opened now, and f says why.
func (s *Set) handleOf(f *File) *os.File {
	s.mu.Lock()
	h, name := f.handle, f.name
	s.mu.Unlock()
	if h != nil {
		return h
	}
	h, st, err := s.openRetry(name)
	if err == nil && !f.isIn(h, &st) {
		_ = h.Close()
		err = fsys.ErrChanged
	}
	if st.ID != f.inode() && s.leftToScan(f, err) {
		return nil
	}
	if errors.Is(err, fsys.ErrChanged) || fsys.IsGone(err) {
		h, name, err = s.search(f)
		if err == nil && h == nil {
			s.beginLook()
			s.endDeleted(f, true, "deleted before it was read to its end")
			s.endLook()
			return nil
		}
	}
	if err != nil {
		s.failed(f, err)
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.handle, f.checkup, f.dead = h, true, false
	s.renameLocked(f, name)
	s.open++
	s.limitLocked()
	return h
}

// search is find for the holder of f.
func (s *Set) search(f *File) (*os.File, string, error) {
	s.beginLook()
	defer s.endLook()
	return s.find(map[string]*listing{}, f) // what is kept is in it
}

func (f *File) inode() fsys.Inode { return fsys.Inode{Dev: f.id.Dev, Ino: f.id.Ino} }

// openRetry opens path; when descriptors have run out, it closes some first.
func (s *Set) openRetry(path string) (*os.File, fsys.Stat, error) {
	h, st, err := s.openOnce(path)
	if err != nil && fsys.IsTooMany(err) {
		s.mu.Lock()
		n := s.closeQuietLocked(max(1, s.open/8))
		s.mu.Unlock()
		if n > 0 {
			return s.openOnce(path)
		}
	}
	return h, st, err
}

// failed notes why f cannot be read now. It is tried again at each scan.
func (s *Set) failed(f *File, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !fsys.IsUnshared(err) && (f.err == nil || f.err.Error() != err.Error()) { // the state tells of that, if it lasts
		s.log.Warn("file cannot be read now", "path", f.path, "name", f.name, "file", f.id.String(), "error", words(err))
	}
	if f.err == nil {
		f.failedAt = s.now()
	}
	f.err = err
	f.home.refusedLocked(err)
	f.atEnd = true
	s.deadLocked(f, err)
}

// unnameLocked forgets where f was.
func (s *Set) unnameLocked(f *File) {
	if k := s.key(f.name); s.byName[k] == f {
		delete(s.byName, k)
	}
}

// renameLocked notes where f is now.
func (s *Set) renameLocked(f *File, name string) {
	s.unnameLocked(f)
	f.name = name
	s.byName[s.key(name)] = f
}
