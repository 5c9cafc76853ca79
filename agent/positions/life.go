package positions

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// Beside the positions stands what the next life of the agent needs to find what this
// one had stored when it ended without a farewell (see agent/lookback):
//
//	bucket "life"     "open": there while an agent that ships has not ended well
//	                  "producers": JSON, the producer ids that were used, with the last use and epoch
//	                  "moved": JSON, files whose positions were moved by hand after a crash
//	bucket "cursors"  topic, NUL, partition (4 bytes) -> JSON Cursor
//	bucket "stored"   topic, NUL, file -> JSON StoredFile
//
// An agent of an older version leaves them alone; a missing bucket is an empty one.
var (
	bucketLife    = []byte("life")
	bucketCursors = []byte("cursors")
	bucketStored  = []byte("stored")
	keyOpen       = []byte("open")
	keyProducers  = []byte("producers")
	keyMoved      = []byte("moved")
)

// Cursor is a place in a partition: of everything that this agent has stored there from
// Offset on it is not known whether the saved positions are behind it, and of what is
// before Offset it is.
type Cursor struct {
	Topic     string   `json:"-"`
	Partition int32    `json:"-"`
	TopicID   [16]byte `json:"topic_id"` // UUID, zero where the broker tells none; a topic made anew has another one
	Offset    int64    `json:"offset"`
}

// partition names a partition of a topic.
type partition struct {
	topic string
	id    int32
}

func (p partition) key() []byte {
	return binary.BigEndian.AppendUint32(append([]byte(p.topic), 0), uint32(p.id))
}

// Producer is the last use of a producer id.
type Producer struct {
	At    time.Time `json:"at"`
	Epoch int16     `json:"epoch"`
}

// LastLife is what an earlier run left. The zero value, with Clean set, is that of a
// data directory without one.
type LastLife struct {
	Clean     bool               // it ended with everything acknowledged and saved, or there was none
	Producers map[int64]Producer // ids that it or one before it used
	Cursors   []Cursor
	Stored    Stored // found by a look back whose files were not read since
}

// life is the registry's part of it in memory. Registry.mu guards it.
type life struct {
	last      LastLife
	producers map[int64]Producer
	cursors   map[partition]Cursor
	stored    Stored
	moved     map[string]bool    // files whose positions an operator moved since a crash: they are read from there, whatever is stored
	begun     bool               // by this run
	dirty     map[partition]bool // cursors to be written
	found     map[string]bool    // topics whose stored is to be written
	touched   bool               // producers are to be written
	anew      bool               // all of stored is to be written, and nothing else to be there
	open      bool               // "open" is to stand on disk
	onDisk    bool               // and does
}

// keepProducers is how long the id of a producer that is used no more is looked for.
const keepProducers = 30 * 24 * time.Hour

func newLife() life {
	return life{
		last:      LastLife{Clean: true},
		producers: map[int64]Producer{}, cursors: map[partition]Cursor{}, stored: Stored{}, moved: map[string]bool{},
		dirty: map[partition]bool{}, found: map[string]bool{},
	}
}

// load reads what an earlier run left.
func (l *life) load(tx *bbolt.Tx) error {
	if b := tx.Bucket(bucketLife); b != nil {
		l.onDisk = b.Get(keyOpen) != nil
		l.open = l.onDisk
		if data := b.Get(keyProducers); data != nil {
			if err := json.Unmarshal(data, &l.producers); err != nil {
				return fmt.Errorf("producer ids are damaged: %w", err)
			}
		}
		if data := b.Get(keyMoved); data != nil {
			if err := json.Unmarshal(data, &l.moved); err != nil {
				return fmt.Errorf("moved files are damaged: %w", err)
			}
		}
	}
	if b := tx.Bucket(bucketCursors); b != nil {
		if err := b.ForEach(l.loadCursor); err != nil {
			return err
		}
	}
	if b := tx.Bucket(bucketStored); b != nil {
		if err := b.ForEach(l.loadStored); err != nil {
			return err
		}
	}
	return nil
}

// settle takes what an earlier run left for what it was, once the positions are known:
// what is behind the saved positions of a file, or of no file that is known, is not
// looked for any more.
func (l *life) settle(positions map[string]int64) {
	for _, files := range l.stored {
		maps.DeleteFunc(files, func(file string, f StoredFile) bool {
			pos, ok := positions[file]
			gone := !ok || pos > f.Last.Pos
			l.anew = l.anew || gone
			return gone
		})
	}
	l.last = LastLife{
		Clean: !l.onDisk, Producers: maps.Clone(l.producers),
		Cursors: slices.Collect(maps.Values(l.cursors)), Stored: l.stored.clone(),
	}
}

func (l *life) loadCursor(k, v []byte) error {
	i := len(k) - 5
	if i < 0 || k[i] != 0 {
		return fmt.Errorf("cursor %q is damaged", k)
	}
	at := partition{string(k[:i]), int32(binary.BigEndian.Uint32(k[i+1:]))}
	c := Cursor{}
	if err := json.Unmarshal(v, &c); err != nil || c.Offset < 0 {
		return errors.Join(fmt.Errorf("cursor of %s/%d is damaged: %q", at.topic, at.id, v), err)
	}
	c.Topic, c.Partition = at.topic, at.id
	l.cursors[at] = c
	return nil
}

func (l *life) loadStored(k, v []byte) error {
	topic, file, ok := cutNUL(k)
	f := StoredFile{}
	if err := json.Unmarshal(v, &f); err != nil || !ok {
		return errors.Join(fmt.Errorf("what is stored of %q is damaged", k), err)
	}
	l.stored.add(topic, file, f)
	return nil
}

func cutNUL(k []byte) (before, after string, ok bool) {
	for i, c := range k {
		if c == 0 {
			return string(k[:i]), string(k[i+1:]), true
		}
	}
	return "", "", false
}

// LastLife is what the run before this one left, as it was when the registry was opened.
func (r *Registry) LastLife() LastLife {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.life.last
}

// Begin notes that batches go out under a producer id and epoch from now on. It is on
// disk when Begin returns without an error.
func (r *Registry) Begin(producer int64, epoch int16) error {
	r.mu.Lock()
	now := time.Now().UTC().Truncate(time.Second)
	for id, p := range r.life.producers {
		if now.Sub(p.At) > keepProducers {
			delete(r.life.producers, id)
		}
	}
	r.life.producers[producer] = Producer{At: now, Epoch: epoch}
	r.life.touched, r.life.open, r.life.begun = true, true, true
	r.mu.Unlock()
	return r.Flush()
}

// SaveCursors notes from where on partitions would have to be read by a life after this
// one, before the first batch goes to them. They are on disk when it returns without an
// error.
func (r *Registry) SaveCursors(cursors []Cursor) error {
	r.mu.Lock()
	for _, c := range cursors {
		r.life.put(c)
	}
	r.mu.Unlock()
	return r.Flush()
}

// HasCursor says whether a partition of a topic with that UUID has a cursor.
func (r *Registry) HasCursor(topic string, id [16]byte, part int32) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.life.cursors[partition{topic, part}]
	return ok && c.TopicID == id
}

// put takes a cursor; one never goes back in the same topic.
func (l *life) put(c Cursor) {
	at := partition{c.Topic, c.Partition}
	if old, ok := l.cursors[at]; ok && old.TopicID == c.TopicID && old.Offset >= c.Offset {
		return
	}
	l.cursors[at], l.dirty[at] = c, true
}

// SaveStored notes what a look back found in a topic. It is on disk when it returns
// without an error, so that cursors may move on.
func (r *Registry) SaveStored(topic string, files map[string]StoredFile) error {
	r.mu.Lock()
	for name, f := range files {
		r.life.stored.add(topic, name, f)
	}
	r.life.found[topic] = true
	r.mu.Unlock()
	return r.Flush()
}

// rewind forgets what is stored of a file, because its position was moved by hand: what
// is between is wanted again. Before this run's look back that has to be remembered.
func (l *life) rewind(file string) {
	for _, files := range l.stored {
		if _, ok := files[file]; ok {
			delete(files, file)
			l.anew = true
		}
	}
	if !l.last.Clean && !l.begun {
		l.moved[file], l.touched = true, true
	}
}

// OnFlush gives the registry a function that tells how far the partitions are, asked
// before each flush takes the states that it writes. It must be called before Run.
func (r *Registry) OnFlush(cursors func() []Cursor) { r.cursors = cursors }
