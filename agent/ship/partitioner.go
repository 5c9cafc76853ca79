package ship

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// partitioner is how a bundle finds its partition.
type partitioner uint8

const (
	byFile     partitioner = iota // a hash of the key; one partition as long as the key is running
	byChance                      // any partition that has a leader, for each bundle
	roundRobin                    // the next partition that has a leader, for each bundle
)

func parsePartitioner(s string) (partitioner, error) {
	switch strings.ToLower(s) {
	case "", "file":
		return byFile, nil
	case "random":
		return byChance, nil
	case "round_robin":
		return roundRobin, nil
	}
	return 0, fmt.Errorf("partitioner %q is unknown: use file, random or round_robin", s)
}

// choose returns the partition of a bundle of this key. The topic has at least
// one.
func (t *topic) choose(key string) *partition {
	n := len(t.parts)
	switch t.p.assign {
	case byChance:
		return t.led(rand.IntN(n))
	case roundRobin:
		t.turn++
		return t.led(t.turn % n)
	}
	if q := t.keys[keyID{key: key, part: -1}]; q != nil {
		return q.part
	}
	return t.parts[xxhash.Sum64String(key)%uint64(n)]
}

// led is the first partition from i on that has a leader, or i's if none has.
func (t *topic) led(i int) *partition {
	for j := range t.parts {
		if part := t.parts[(i+j)%len(t.parts)]; part.leader >= 0 {
			return part
		}
	}
	return t.parts[i]
}

// queueOf returns the queue of a key in its partition, made when it is new.
func (t *topic) queueOf(key string, part *partition) *keyQueue {
	id := keyID{key: key, part: -1}
	if t.p.assign != byFile {
		id.part = part.id
	}
	q := t.keys[id]
	if q == nil {
		q = &keyQueue{id: id, part: part}
		t.keys[id] = q
	}
	return q
}
