package positions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"logctl/agent/tail"
	"logctl/internal/ownfile"
)

// FileName is the name of the database in the data directory.
const FileName = "positions.db"

// ErrLocked is returned by Open when another process holds the data directory.
var ErrLocked = errors.New("another agent uses this data directory")

// FlushInterval is the least time between two writes of Run: how long a position waits
// in memory at most. The first one after a silence is written at once, so that an agent
// that dies again and again soon after its start moves on all the same.
const FlushInterval = 250 * time.Millisecond

// Registry holds the positions of an agent. Its methods may be called from any
// goroutine.
type Registry struct {
	db       *bbolt.DB
	path     string
	log      *slog.Logger
	setAside string

	flushing sync.Mutex    // one writer at a time, taken before mu
	wake     chan struct{} // capacity 1: there is something to write

	mu       sync.Mutex
	sources  map[string]*source
	moved    map[string]bool // sources to be deleted on disk, with what is written next
	err      error           // of the last flush
	life     life
	digest   digest // of what is on disk; under flushing
	unsure   bool   // a save failed: what it wrote may be on disk or not; under flushing
	sync     func() error
	unmapped time.Time // when pages were given back last; under flushing

	cursors func() []Cursor // see OnFlush
}

// source is one source in memory. The maps hold what is on disk and what is to be.
type source struct {
	states  map[tail.FileID]tail.State
	dirty   map[tail.FileID]bool // to be written, or deleted when not in states
	updated time.Time
	left    time.Time // when it was followed no longer; zero: never
	touched bool      // updated and left are to be written
	saved   bool      // it stands on disk, be it in an older state
	was     []string  // topics that its lines went to before the present one, latest last
	memory  remembered
}

// keepTopics is how many topics that a source was sent to before are remembered.
const keepTopics = 4

// Open opens or creates the registry in dir, which it creates too (mode 0700). It
// returns ErrLocked (wrapped) when another process holds it, and an error that
// names the directory when it cannot be written.
func Open(dir string, log *slog.Logger) (*Registry, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open data directory: %w; set [agent] data_dir to a directory this user can write", err)
	}
	r := &Registry{path: filepath.Join(dir, FileName), log: log, sources: map[string]*source{}, moved: map[string]bool{}, wake: make(chan struct{}, 1), life: newLife()}
	err := r.open()
	if err == nil {
		return r, nil
	}
	if errors.Is(err, ownfile.ErrNotOurs) || errors.Is(err, ErrLocked) || errors.Is(err, os.ErrPermission) || isDiskError(err) {
		return nil, fmt.Errorf("open positions %s: %w", r.path, err)
	}
	aside, renameErr := setAside(r.path)
	if renameErr != nil {
		return nil, fmt.Errorf("open positions %s: %w; and it cannot be set aside: %w", r.path, err, renameErr)
	}
	log.Warn("positions file is not readable and was set aside; files are read from their beginning; to have them go on where Kafka is instead, stop the agent, remove the new positions file and run: logctl positions rebuild",
		"path", r.path, "set_aside", aside, "error", err)
	r.setAside, r.sources, r.life = aside, map[string]*source{}, newLife()
	if err := r.open(); err != nil {
		return nil, fmt.Errorf("open positions %s: %w", r.path, err)
	}
	return r, nil
}

// SetAside is the name that an unreadable database was given by Open, or empty.
func (r *Registry) SetAside() string { return r.setAside }

// Err is the error of the last write, nil when it went well.
func (r *Registry) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Known says whether the source was registered by an earlier call of Register,
// in this run or another.
func (r *Registry) Known(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.sources[key]
	return ok
}

// Since returns when the source last changed, which is when it was last known to be
// followed; the zero time when it is not known.
func (r *Registry) Since(key string) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.sources[key]; s != nil {
		return s.updated
	}
	return time.Time{}
}

// States returns the saved states of a source, in no particular order.
func (r *Registry) States(key string) []tail.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sources[key]
	if s == nil {
		return nil
	}
	return slices.Collect(maps.Values(s.states))
}

// Register makes a source known, with its first states, and writes them before it
// returns: a kill right after it cannot make the next start a first start again. Where
// the disk refuses that, it is an error only for a source that was never on disk; for
// another one, Run tells of it and goes on trying, and a kill costs what it always does.
func (r *Registry) Register(key string, first []tail.State) error {
	r.mu.Lock()
	s := r.source(key)
	for _, st := range first {
		s.put(st)
	}
	s.touch()
	saved := s.saved
	r.mu.Unlock()
	if err := r.Flush(); err != nil && !saved {
		return err
	}
	return nil
}

// Put notes the state of a file. It is written with the next flush.
func (r *Registry) Put(key string, st tail.State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.source(key).put(st)
	r.stir()
}

// Add notes the state of a file as it was first seen, or first seen with content.
// Unlike Put it never takes a position back: what was acknowledged meanwhile is newer.
func (r *Registry) Add(key string, st tail.State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.source(key)
	if old, known := s.states[st.ID]; !known || old.Pos == st.Pos || old.CopyOf != (tail.FileID{}) {
		s.put(st)
		r.stir()
	}
}

// Drop forgets a file of a source that is finished for good.
func (r *Registry) Drop(key string, id tail.FileID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.sources[key]; s != nil {
		if _, ok := s.states[id]; ok {
			delete(s.states, id)
			s.dirty[id], s.updated = true, time.Now()
			r.stir()
		}
	}
}

// Move gives the states of one source to another that has none of its own, and
// forgets the first: the topic of an entry changed. It is written before it returns,
// both in one, so that a kill leaves the one source or the other. What the disk refuses
// is an error as it is of Register.
func (r *Registry) Move(from, to string) error {
	remembered := r.Memory(from)
	r.mu.Lock()
	src := r.sources[from]
	if src == nil {
		r.mu.Unlock()
		return nil
	}
	dst := r.source(to)
	for _, st := range src.states {
		dst.put(st)
	}
	dst.memory.inherit(remembered)
	dst.updated, dst.touched = src.updated, true // it was followed until then
	// Until that is written, a start finds the first source, and moves it again.
	dst.saved = dst.saved || src.saved
	if _, topic, ok := strings.Cut(from, "\x00"); ok {
		dst.was = append(slices.Clone(src.was), topic)
		dst.was = dst.was[max(0, len(dst.was)-keepTopics):]
	}
	saved := dst.saved
	delete(r.sources, from)
	r.moved[from] = true
	r.mu.Unlock()
	if err := r.Flush(); err != nil && !saved {
		return err
	}
	return nil
}

// Leave notes that a source is followed no longer, from now on.
func (r *Registry) Leave(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.sources[key]; s != nil {
		s.left, s.touched = time.Now(), true
		r.stir()
	}
}

// EachKey calls visit for each source with the time of its last change, in no order and
// under a lock: visit must not call the Registry.
func (r *Registry) EachKey(visit func(key string, updated time.Time)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k, s := range r.sources {
		visit(k, s.updated)
	}
}

// Keys returns the sources by name with the time of their last change.
func (r *Registry) Keys() map[string]time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[string]time.Time, len(r.sources))
	for k, s := range r.sources {
		out[k] = s.updated
	}
	return out
}

// Expire forgets the sources that did not change since the given time, nor were followed
// then, apart from those that keep says are in use.
func (r *Registry) Expire(before time.Time, keep func(key string) bool) error {
	var errs []error
	for key, used := range r.used() {
		if used.Before(before) && !keep(key) {
			r.log.Info("forgetting positions of a source that is gone", "source", key, "last_use", used)
			errs = append(errs, r.forget(key))
		}
	}
	return errors.Join(errs...)
}

// used returns when each source changed last or was left, whichever is later: a file may
// have been quiet for long when its entry leaves the list.
func (r *Registry) used() map[string]time.Time {
	out := r.Keys()
	r.mu.Lock()
	defer r.mu.Unlock()
	for k, s := range r.sources {
		if s.left.After(out[k]) {
			out[k] = s.left
		}
	}
	return out
}

// stir lets Run write.
func (r *Registry) stir() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run writes what was put, at once or FlushInterval after the last write, until ctx
// ends, and once more then.
func (r *Registry) Run(ctx context.Context) error {
	pause := time.NewTimer(0)
	defer pause.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return r.Flush()
		case <-pause.C:
		}
		select {
		case <-ctx.Done():
			return r.Flush()
		case <-r.wake:
		}
		err := r.Flush()
		pause.Reset(FlushInterval)
		if err != nil && !failing {
			r.log.Error("positions cannot be saved; shipping goes on, a crash now would send lines again", "path", r.path, "error", err)
		} else if err == nil && failing {
			r.log.Info("positions are saved again", "path", r.path)
		}
		failing = err != nil
	}
}

// Close writes what is left and releases the data directory.
func (r *Registry) Close() error {
	return errors.Join(r.Flush(), r.db.Close())
}

// CloseWell is Close at the end of a run that had everything that was read acknowledged:
// the next one need not look for anything.
func (r *Registry) CloseWell() error {
	return errors.Join(r.flush(true), r.db.Close())
}

// Topics are the topics that the lines of a source may have gone to: the present one,
// which is part of its key, and those before it.
func (r *Registry) Topics(key string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, topic, _ := strings.Cut(key, "\x00")
	out := []string{topic}
	if s := r.sources[key]; s != nil {
		out = append(out, s.was...)
	}
	return out
}

// Know has a generation on disk, by which the next run knows its file again, before it
// returns: a line of it is about to be sent. st is its state before that line.
func (r *Registry) Know(key string, st tail.State) error {
	r.flushing.Lock() // a flush that has taken it ends first
	r.mu.Lock()
	s := r.source(key)
	old, known := s.states[st.ID]
	if !known || old.Pos <= st.Pos && old.HeadLen < st.HeadLen {
		s.put(st)
	}
	unsaved := s.dirty[st.ID]
	r.mu.Unlock()
	r.flushing.Unlock()
	if !unsaved {
		return nil
	}
	return r.Flush()
}

// furthestBack is the lowest saved position of each file, by short name.
func (r *Registry) furthestBack() map[string]int64 {
	out := map[string]int64{}
	for _, s := range r.sources {
		for _, st := range s.states {
			name := st.Origins().Short()
			if pos, ok := out[name]; !ok || st.Pos < pos {
				out[name] = st.Pos
			}
		}
	}
	return out
}

// source returns the source of a key, made when it is new. r.mu is held.
func (r *Registry) source(key string) *source {
	s := r.sources[key]
	if s == nil {
		s = &source{states: map[tail.FileID]tail.State{}, dirty: map[tail.FileID]bool{}}
		s.touch()
		r.sources[key] = s
	}
	return s
}

func (s *source) put(st tail.State) {
	s.states[st.ID] = st
	s.dirty[st.ID] = true
	s.updated = time.Now()
}

func (s *source) touch() { s.updated, s.touched = time.Now(), true }
