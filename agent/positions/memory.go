package positions

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"maps"
	"slices"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"logctl/agent/tail"
)

// What a source remembers beside its positions stands in the bucket "memory", in a bucket
// for each source key:
//
//	"e", number (8 bytes, big-endian) -> a generation that ended; numbers grow
//	"n", path of a log                -> names of its old generations
//
// A value is CRC-32C of the rest, then JSON. Without it lines may come twice, no more: so it
// is no part of the digest, and what is damaged is left out. An agent of an older version
// leaves the bucket alone.
var bucketMemory = []byte("memory")

// Bounds of what is remembered, in records of some 700 bytes.
const (
	endedMost = 4096  // generations of one source
	namesMost = 4096  // logs of one source
	totalMost = 16384 // generations of all sources
)

// remembered is what a source remembers. What is written stands on disk only.
type remembered struct {
	first, next uint64                // numbers of what is remembered: from first to before next
	written     uint64                // what is below stands on disk
	erased      uint64                // what is below stands on disk no longer
	ended       []tail.Ended          // from written to before next
	names       map[string]tail.Names // to be written; none seen: to be deleted
	logs        map[string]struct{}   // with names, on disk or waiting
}

// memoryChange is what one flush writes of what a source remembers.
type memoryChange struct {
	ended  []tail.Ended
	number uint64 // of the first of them
	from   uint64 // what stands on disk from here
	below  uint64 // to before here is deleted
	names  map[string]tail.Names
}

// storedEnded and storedNames are records as JSON has them. Names of files are bytes.
type storedEnded struct {
	State stored
	Marks []byte
	Vague bool `json:",omitempty"`
}

type storedNames struct {
	Path []byte
	Seen []storedPattern
}

type storedPattern struct {
	Dir   []byte
	Parts [][]byte
}

// Remember notes a generation of a source that ended. Call it when all of it was
// delivered, before Drop. Of very many the oldest are forgotten.
func (r *Registry) Remember(key string, e tail.Ended) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := &r.source(key).memory
	m.add(e)
	if m.next%64 == 0 {
		r.boundMemory()
	}
	r.stir()
}

// Learn notes the names of a log of a source, in place of those that it had. Of very many
// logs some are forgotten.
func (r *Registry) Learn(key string, n tail.Names) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.source(key).memory.name(n)
	r.stir()
}

// Memory returns what a source remembers. What cannot be read is left out, and logged.
func (r *Registry) Memory(key string) tail.Memory {
	r.flushing.Lock() // what was taken to be written is on disk then, or waits again
	defer r.flushing.Unlock()
	var waits remembered
	r.mu.Lock()
	if s := r.sources[key]; s != nil {
		waits = s.memory
		waits.ended, waits.names = slices.Clone(waits.ended), maps.Clone(waits.names)
	}
	r.mu.Unlock()
	var out tail.Memory
	bad := 0
	err := guard(func() error {
		return r.db.View(func(tx *bbolt.Tx) error {
			b := memoryOf(tx, key)
			if b == nil {
				return nil
			}
			return b.ForEach(func(k, v []byte) error {
				if !takeRecord(&out, k, v, waits.first) {
					bad++
				}
				return nil
			})
		})
	})
	if err != nil || bad > 0 {
		r.log.Warn("some of what is remembered of a source is damaged and left out: copies of its old files may be sent again",
			"path", r.path, "source", key, "records", bad, "error", err)
	}
	out.Ended = append(out.Ended, waits.ended...)
	for path, n := range waits.names {
		out.Names = slices.DeleteFunc(out.Names, func(o tail.Names) bool { return o.Path == path })
		if len(n.Seen) > 0 {
			out.Names = append(out.Names, n)
		}
	}
	return out
}

func (m *remembered) add(e tail.Ended) {
	m.ended = append(m.ended, e)
	m.next++
	if m.next-m.first > endedMost {
		m.forget(endedMost / 8)
	}
}

// forget forgets the oldest n generations.
func (m *remembered) forget(n uint64) {
	m.first = min(m.first+n, m.next)
	if m.first > m.written {
		m.ended = slices.Clone(m.ended[m.first-m.written:])
		m.written = m.first
	}
}

func (m *remembered) name(n tail.Names) {
	if m.names == nil {
		m.names = map[string]tail.Names{}
	}
	if _, known := m.logs[n.Path]; !known {
		for path := range m.logs { // any one
			if len(m.logs) < namesMost {
				break
			}
			delete(m.logs, path)
			m.names[path] = tail.Names{Path: path}
		}
		if m.logs == nil {
			m.logs = map[string]struct{}{}
		}
		m.logs[n.Path] = struct{}{}
	}
	m.names[n.Path] = n
}

// boundMemory forgets the oldest generations of the source with the most, when all
// sources together have very many. r.mu is held.
func (r *Registry) boundMemory() {
	total, most := uint64(0), (*remembered)(nil)
	for _, s := range r.sources {
		n := s.memory.next - s.memory.first
		if total += n; most == nil || n > most.next-most.first {
			most = &s.memory
		}
	}
	if total > totalMost {
		most.forget(max(total-totalMost, (most.next-most.first)/8))
	}
}

// inherit takes what another source remembered.
func (m *remembered) inherit(o tail.Memory) {
	for _, e := range o.Ended {
		m.add(e)
	}
	for _, n := range o.Names {
		m.name(n)
	}
}

func (m *remembered) unchanged() bool {
	return len(m.ended) == 0 && len(m.names) == 0 && m.erased == min(m.first, m.written)
}

// take moves what waits into a change. Registry.mu is held, also for restore.
func (m *remembered) take() memoryChange {
	c := memoryChange{ended: m.ended, number: m.written, from: m.erased, below: m.first, names: m.names}
	m.ended, m.names, m.written, m.erased = nil, nil, m.next, m.first
	return c
}

// restore lets what was not written wait again.
func (m *remembered) restore(c memoryChange) {
	m.ended = append(c.ended, m.ended...)
	m.written, m.erased = c.number, c.from
	if m.first > m.written {
		m.forget(0)
	}
	for path, n := range c.names {
		if _, newer := m.names[path]; !newer {
			if m.names == nil {
				m.names = map[string]tail.Names{}
			}
			m.names[path] = n
		}
	}
}

// write puts a change on disk; anew: what stands there goes first.
func (c *memoryChange) write(tx *bbolt.Tx, key string, anew bool) error {
	if anew {
		if err := forgetMemory(tx, key); err != nil {
			return err
		}
	}
	if len(c.ended) == 0 && len(c.names) == 0 && c.from == c.below {
		return nil
	}
	top, err := tx.CreateBucketIfNotExists(bucketMemory)
	if err != nil {
		return err
	}
	b, err := top.CreateBucketIfNotExists([]byte(key))
	if errors.Is(err, bolterrors.ErrIncompatibleValue) { // not ours
		if err = top.Delete([]byte(key)); err == nil {
			b, err = top.CreateBucket([]byte(key))
		}
	}
	if err != nil {
		return err
	}
	if err := deleteBelow(b, c.below); err != nil {
		return err
	}
	for i, e := range c.ended {
		if err := b.Put(endedKey(c.number+uint64(i)), encodeRecord(storedEnded{State: asStored(e.State), Marks: e.Marks, Vague: e.Vague})); err != nil {
			return err
		}
	}
	for path, n := range c.names {
		k := append([]byte("n"), path...)
		if len(n.Seen) == 0 {
			err = b.Delete(k)
		} else {
			err = b.Put(k, encodeRecord(asStoredNames(n)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// deleteBelow deletes the generations with lower numbers.
func deleteBelow(b *bbolt.Bucket, number uint64) error {
	var old [][]byte
	c := b.Cursor()
	for k, _ := c.Seek([]byte("e")); bytes.Compare(k, endedKey(number)) < 0 && k != nil; k, _ = c.Next() {
		old = append(old, bytes.Clone(k))
	}
	for _, k := range old {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

// memoryOf returns the bucket of a source; nil: there is none.
func memoryOf(tx *bbolt.Tx, key string) *bbolt.Bucket {
	if top := tx.Bucket(bucketMemory); top != nil {
		return top.Bucket([]byte(key))
	}
	return nil
}

func forgetMemory(tx *bbolt.Tx, key string) error {
	if memoryOf(tx, key) == nil {
		return nil
	}
	return tx.Bucket(bucketMemory).DeleteBucket([]byte(key))
}

// loadMemory finds out what is remembered of each source. It reads no values: damage there
// is met by who wants them.
func (r *Registry) loadMemory(tx *bbolt.Tx) error {
	for key, s := range r.sources {
		b := memoryOf(tx, key)
		if b == nil {
			continue
		}
		m := &s.memory
		err := b.ForEach(func(k, _ []byte) error {
			switch n, ok := endedNumber(k); {
			case ok && n != m.next: // the first one, or one behind a gap that is not ours
				m.first, m.next = n, n+1
			case ok:
				m.next++
			case len(k) > 1 && k[0] == 'n':
				if m.logs == nil {
					m.logs = map[string]struct{}{}
				}
				m.logs[string(k[1:])] = struct{}{}
			}
			return nil
		})
		if err != nil {
			return err
		}
		m.erased, m.written = m.first, m.next
	}
	return nil
}

func endedKey(n uint64) []byte { return binary.BigEndian.AppendUint64([]byte("e"), n) }

func endedNumber(k []byte) (n uint64, ok bool) {
	if len(k) != 9 || k[0] != 'e' {
		return 0, false
	}
	n = binary.BigEndian.Uint64(k[1:])
	return n, n < 1<<62 // no damaged number makes the next ones overflow
}

// encodeRecord is CRC-32C of the rest, 4 bytes big-endian, then JSON.
func encodeRecord(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil { // of what is not written there is nothing to remember
		body = nil
	}
	return append(binary.BigEndian.AppendUint32(nil, crc32.Checksum(body, castagnoli)), body...)
}

// takeRecord adds a record to what is remembered. It returns false for a damaged one, and
// for one that is not ours.
func takeRecord(out *tail.Memory, k, v []byte, first uint64) bool {
	if len(v) < 4 || binary.BigEndian.Uint32(v) != crc32.Checksum(v[4:], castagnoli) {
		return false
	}
	if n, ok := endedNumber(k); ok {
		var e storedEnded
		if json.Unmarshal(v[4:], &e) != nil || !e.State.sound() {
			return false
		}
		if n >= first {
			out.Ended = append(out.Ended, tail.Ended{State: e.State.state(), Marks: e.Marks, Vague: e.Vague})
		}
		return true
	}
	var n storedNames
	if len(k) < 2 || k[0] != 'n' || json.Unmarshal(v[4:], &n) != nil || !bytes.Equal(n.Path, k[1:]) {
		return false
	}
	out.Names = append(out.Names, n.names())
	return true
}

func asStoredNames(n tail.Names) storedNames {
	out := storedNames{Path: []byte(n.Path)}
	for _, p := range n.Seen {
		s := storedPattern{Dir: []byte(p.Dir)}
		for _, part := range p.Parts {
			s.Parts = append(s.Parts, []byte(part))
		}
		out.Seen = append(out.Seen, s)
	}
	return out
}

func (n *storedNames) names() tail.Names {
	out := tail.Names{Path: string(n.Path)}
	for _, s := range n.Seen {
		p := tail.NamePattern{Dir: string(s.Dir)}
		for _, part := range s.Parts {
			p.Parts = append(p.Parts, string(part))
		}
		out.Seen = append(out.Seen, p)
	}
	return out
}
