package positions

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"logctl/agent/tail"
	"logctl/internal/ownfile"
)

// Layout of the database: the bucket "sources" holds a bucket for each source key;
// in it stand "updated" and, once it was left, "left" (RFC 3339), the topics that it
// "was" sent to before (separated by NUL), and the bucket "files", file identity to
// encoded state. The bucket "meta" holds "version". Of the others tell life.go and memory.go.
var (
	bucketMeta    = []byte("meta")
	bucketSources = []byte("sources")
	bucketFiles   = []byte("files")
	keyVersion    = []byte("version")
	keyUpdated    = []byte("updated")
	keyLeft       = []byte("left")
	keyWas        = []byte("was")
)

const layoutVersion = "logctl-positions-1"

// lockTimeout is how long Open waits for the lock of an agent that is just ending.
const lockTimeout = 2 * time.Second

// guard runs a piece of work on the database in this goroutine and turns a panic of
// the library, or a fault in the mapped file, on damaged pages into an error.
func guard(work func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged: %v", p)
		}
	}()
	return work()
}

// open opens the database and reads all of it, which also finds damage.
func (r *Registry) open() error { return guard(r.openAndLoad) }

func (r *Registry) openAndLoad() (err error) {
	made := false     // by us, now
	var file *os.File // of the database
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged: %v", p)
		}
		if err != nil && r.db != nil {
			_ = r.db.Close()
			r.db = nil
		}
		if err != nil && file != nil {
			_ = file.Close() // a library that gave up on damaged pages left it open; Windows renames no open file
		}
		if err != nil && made && !errors.Is(err, ErrLocked) {
			// The next start must not take what a full disk left of it for a damaged one.
			_ = os.Remove(r.path)
		}
	}()
	// Neither followed nor waited for: a link could name any file, a FIFO hangs.
	if err := ownfile.Check(r.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	st, err := os.Stat(r.path)
	if err == nil && st.Size() == 0 {
		return errors.New("the file is empty") // bbolt would take it for a new one
	}
	if errors.Is(err, fs.ErrNotExist) {
		if err := r.create(); err != nil {
			return err
		}
		made = true
	}
	if err := r.examine(); err != nil {
		return err
	}
	db, err := bbolt.Open(r.path, 0o600, &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType,
		OpenFile: func(name string, flag int, perm fs.FileMode) (*os.File, error) {
			var err error
			file, err = ownfile.OpenShared(name, flag, perm) // a damaged one is set aside while its pages may still be in memory
			return file, err
		}})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return ErrLocked
	}
	if err != nil {
		return err
	}
	r.db, r.sync = db, db.Sync
	if err := checkPages(r.path); err != nil { // now that nobody else writes to it
		return err
	}
	// One that is there is only read: on a full disk an agent can still start.
	return db.View(r.load)
}

// examine looks at all pages while nobody else writes to them, before bbolt takes what
// they say for true. For that the database is open for reading, where bbolt does not load
// its list of free pages: a damaged one says how much memory it wants.
func (r *Registry) examine() error {
	var file *os.File
	db, err := bbolt.Open(r.path, 0o600, &bbolt.Options{Timeout: lockTimeout, ReadOnly: true,
		OpenFile: func(name string, flag int, perm fs.FileMode) (*os.File, error) {
			var err error
			file, err = ownfile.OpenShared(name, flag, perm)
			return file, err
		}})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return ErrLocked
	case err != nil:
		if file != nil {
			_ = file.Close() // closed already, unless the library gave up on it
		}
		return err
	}
	return errors.Join(checkPages(r.path), db.Close())
}

// create makes an empty database. Under its name it appears whole: a kill, or a power cut,
// in between leaves none.
func (r *Registry) create() (err error) {
	next := r.path + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	defer func() { err = errors.Join(err, ignoreMissing(os.Remove(next))) }()
	db, err := bbolt.Open(next, 0o600, &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return err
	}
	if err := errors.Join(db.Update(layOut), db.Close()); err != nil {
		return err
	}
	// A link does not take the place of what another agent made meanwhile.
	if err := os.Link(next, r.path); err != nil && !errors.Is(err, fs.ErrExist) {
		if err := os.Rename(next, r.path); err != nil { // a file system without links
			return err
		}
	}
	return syncDir(filepath.Dir(r.path))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// syncDir has the names in a directory on disk before it returns, where the system can.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil && isDiskError(err) {
		return errors.Join(err, d.Close())
	}
	return d.Close()
}

// load reads all of a database.
func (r *Registry) load(tx *bbolt.Tx) error {
	first, _ := tx.Cursor().First()
	if first == nil {
		return errors.New("nothing is in it")
	}
	meta, sources := tx.Bucket(bucketMeta), tx.Bucket(bucketSources)
	if meta == nil {
		return fmt.Errorf("it is another program's: it holds %q", first)
	}
	if version := string(meta.Get(keyVersion)); version != layoutVersion || sources == nil {
		return fmt.Errorf("layout %q is not %q", version, layoutVersion)
	}
	if err := sources.ForEachBucket(func(key []byte) error { return r.loadSource(string(key), sources.Bucket(key)) }); err != nil {
		return err
	}
	r.life = newLife()
	if err := r.life.load(tx); err != nil {
		return err
	}
	if err := r.digest.read(tx); err != nil {
		return err
	}
	r.life.settle(r.furthestBack())
	return r.loadMemory(tx)
}

// layOut makes an empty database ours.
func layOut(tx *bbolt.Tx) error {
	meta, err := tx.CreateBucket(bucketMeta)
	if err != nil {
		return err
	}
	if _, err := tx.CreateBucket(bucketSources); err != nil {
		return err
	}
	return meta.Put(keyVersion, []byte(layoutVersion))
}

func (r *Registry) loadSource(key string, b *bbolt.Bucket) error {
	s := &source{states: map[tail.FileID]tail.State{}, dirty: map[tail.FileID]bool{}, saved: true}
	if err := s.updated.UnmarshalText(b.Get(keyUpdated)); err != nil {
		return fmt.Errorf("source %q: %w", key, err)
	}
	if left := b.Get(keyLeft); left != nil {
		if err := s.left.UnmarshalText(left); err != nil {
			return fmt.Errorf("source %q: %w", key, err)
		}
	}
	if was := b.Get(keyWas); was != nil {
		s.was = strings.Split(string(was), "\x00")
	}
	r.sources[key] = s
	files := b.Bucket(bucketFiles)
	if files == nil {
		return nil
	}
	return files.ForEach(func(k, v []byte) error {
		st, err := decode(v)
		if err != nil {
			return fmt.Errorf("source %q: file %s: %w", key, k, err)
		}
		s.states[st.ID] = st
		return nil
	})
}

// Flush writes what was put and not written yet, in one transaction with fsync.
func (r *Registry) Flush() error { return r.flush(false) }

// flush is Flush; shut says that this was the last one of a run that ended well.
func (r *Registry) flush(shut bool) error {
	r.flushing.Lock()
	defer r.flushing.Unlock()
	var cursors []Cursor
	if r.cursors != nil {
		cursors = r.cursors() // before the states: what moves meanwhile is only looked at once more
	}
	batch, life := r.take(cursors, shut)
	if len(batch) == 0 && life.empty() {
		return nil
	}
	err := r.update(func(tx *bbolt.Tx, d *digest) error {
		sources, err := d.top(tx, bucketSources)
		if err != nil {
			return err
		}
		written := 0
		for key, c := range batch {
			if written++; written%residentEvery == 0 {
				r.unmap(tx)
			}
			if err := c.write(sources, key); err != nil {
				return fmt.Errorf("source %q: %w", key, err)
			}
			if err := c.memory.write(tx, key, c.forget); err != nil {
				return fmt.Errorf("what is remembered of source %q: %w", key, err)
			}
		}
		return life.write(tx, d)
	})
	if err != nil {
		err = fmt.Errorf("save positions %s: %w", r.path, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
	if err != nil {
		r.restore(batch)
		r.life.restore(&life)
		return err
	}
	r.life.written(&life)
	for key, c := range batch {
		if s := r.sources[key]; s != nil && c.source {
			s.saved = true
		}
	}
	return nil
}

// change is what one flush writes of one source.
type change struct {
	forget  bool // what is on disk
	source  bool // there is one, to be written
	updated time.Time
	left    time.Time
	was     []string
	put     map[tail.FileID]tail.State
	drop    []tail.FileID
	memory  memoryChange
}

// take moves what is dirty into a batch.
func (r *Registry) take(cursors []Cursor, shut bool) (map[string]change, lifeChange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range cursors {
		r.life.put(c)
	}
	batch := map[string]change{}
	for key, s := range r.sources {
		if len(s.dirty) == 0 && !s.touched && s.memory.unchanged() {
			continue
		}
		c := change{source: true, put: map[tail.FileID]tail.State{}}
		for id := range s.dirty {
			if st, ok := s.states[id]; ok {
				c.put[id] = st
			} else {
				c.drop = append(c.drop, id)
			}
		}
		s.touched, c.updated, c.left, c.was, c.memory = false, s.updated, s.left, s.was, s.memory.take()
		clear(s.dirty)
		batch[key] = c
	}
	for key := range r.moved {
		c := batch[key]
		c.forget = true
		batch[key] = c
	}
	clear(r.moved)
	return batch, r.life.take(shut)
}

// restore marks a batch dirty again after a failed write. r.mu is held.
func (r *Registry) restore(batch map[string]change) {
	r.stir()
	for key, c := range batch {
		if c.forget {
			r.moved[key] = true
		}
		s := r.sources[key]
		if s == nil {
			continue // it was moved
		}
		s.touched = true
		s.memory.restore(c.memory)
		for id := range maps.Keys(c.put) {
			s.dirty[id] = true
		}
		for _, id := range c.drop {
			s.dirty[id] = true
		}
	}
}

func (c change) write(sources box, key string) error {
	if c.forget {
		if err := sources.drop([]byte(key)); err != nil {
			return err
		}
	}
	if !c.source {
		return nil
	}
	b, err := sources.within([]byte(key))
	if err != nil {
		return err
	}
	if err := putTime(b, keyUpdated, c.updated); err != nil {
		return err
	}
	if !c.left.IsZero() {
		if err := putTime(b, keyLeft, c.left); err != nil {
			return err
		}
	}
	if len(c.was) > 0 {
		if err := b.Put(keyWas, []byte(strings.Join(c.was, "\x00"))); err != nil {
			return err
		}
	}
	files, err := b.within(bucketFiles)
	if err != nil {
		return err
	}
	for id, st := range c.put {
		if err := files.Put([]byte(id.String()), encode(st)); err != nil {
			return err
		}
	}
	for _, id := range c.drop {
		if err := files.Delete([]byte(id.String())); err != nil {
			return err
		}
	}
	return nil
}

func putTime(b box, key []byte, at time.Time) error {
	stamp, err := at.UTC().MarshalText()
	if err != nil {
		return err
	}
	return b.Put(key, stamp)
}

// forget removes a source from memory and disk.
func (r *Registry) forget(key string) error {
	r.flushing.Lock()
	defer r.flushing.Unlock()
	r.mu.Lock()
	delete(r.sources, key)
	r.mu.Unlock()
	err := r.update(func(tx *bbolt.Tx, d *digest) error {
		sources, err := d.top(tx, bucketSources)
		if err != nil {
			return err
		}
		return errors.Join(sources.drop([]byte(key)), forgetMemory(tx, key))
	})
	if err != nil {
		return fmt.Errorf("forget positions of %q: %w", key, err)
	}
	return nil
}

// setAside renames a file to a name that says when.
func setAside(path string) (string, error) {
	name := fmt.Sprintf("%s.bad-%s", path, time.Now().UTC().Format("20060102T150405.000000000"))
	return name, os.Rename(path, name)
}
