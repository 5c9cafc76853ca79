package positions

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"

	"go.etcd.io/bbolt"
)

// lifeChange is what one flush writes of a life.
type lifeChange struct {
	cursors   []Cursor
	producers []byte // nil: not changed
	moved     []byte // with producers
	stored    Stored
	open      bool
	shut      bool // "open" goes
	anew      bool // stored is all that there is
}

func (c *lifeChange) empty() bool {
	return len(c.cursors) == 0 && c.producers == nil && len(c.stored) == 0 && !c.open && !c.shut && !c.anew
}

// take moves what is dirty into a change. Registry.mu is held.
func (l *life) take(shut bool) lifeChange {
	c := lifeChange{stored: Stored{}}
	for at := range l.dirty {
		c.cursors = append(c.cursors, l.cursors[at])
	}
	clear(l.dirty)
	if l.touched {
		c.producers, _ = json.Marshal(l.producers) // of numbers and times it cannot fail
		c.moved, _ = json.Marshal(l.moved)
		l.touched = false
	}
	for topic := range l.found {
		c.stored[topic] = maps.Clone(l.stored[topic])
	}
	clear(l.found)
	if c.anew = l.anew; l.anew {
		c.stored, l.anew = l.stored.clone(), false
	}
	c.open = l.open && !l.onDisk && !shut
	c.shut = shut && l.onDisk
	return c
}

// restore marks what was not written dirty again. Registry.mu is held.
func (l *life) restore(c *lifeChange) {
	for _, cur := range c.cursors {
		l.dirty[partition{cur.Topic, cur.Partition}] = true
	}
	l.touched = l.touched || c.producers != nil
	for topic := range c.stored {
		l.found[topic] = true
	}
	l.anew = l.anew || c.anew
}

// written notes that a change is on disk. Registry.mu is held.
func (l *life) written(c *lifeChange) {
	l.onDisk = (l.onDisk || c.open) && !c.shut
}

func (c *lifeChange) write(tx *bbolt.Tx, d *digest) error {
	if c.empty() {
		return nil
	}
	b, err := d.top(tx, bucketLife)
	if err != nil {
		return err
	}
	if c.producers != nil {
		if err := errors.Join(b.Put(keyProducers, c.producers), b.Put(keyMoved, c.moved)); err != nil {
			return err
		}
	}
	switch {
	case c.open:
		err = b.Put(keyOpen, []byte("1"))
	case c.shut:
		err = errors.Join(b.Delete(keyOpen), b.Delete(keyMoved))
	}
	if err != nil {
		return err
	}
	if b, err = d.top(tx, bucketCursors); err != nil {
		return err
	}
	for _, cur := range c.cursors {
		data, err := json.Marshal(cur)
		if err != nil {
			return err
		}
		if err := b.Put(partition{cur.Topic, cur.Partition}.key(), data); err != nil {
			return err
		}
	}
	return c.writeStored(tx, d)
}

func (c *lifeChange) writeStored(tx *bbolt.Tx, d *digest) error {
	if !c.anew && len(c.stored) == 0 {
		return nil
	}
	b, err := d.top(tx, bucketStored)
	if err != nil {
		return err
	}
	if c.anew {
		var old [][]byte
		if err := b.ForEach(func(k, _ []byte) error { old = append(old, bytes.Clone(k)); return nil }); err != nil {
			return err
		}
		for _, k := range old {
			if err := b.Delete(k); err != nil {
				return err
			}
		}
	}
	for topic, files := range c.stored {
		for file, f := range files {
			data, err := json.Marshal(f)
			if err != nil {
				return err
			}
			if err := b.Put([]byte(topic+"\x00"+file), data); err != nil {
				return err
			}
		}
	}
	return nil
}
