package tui

import (
	"sync"
	"time"
)

const eventsKept = 500

// event is something that happened while the console was open.
type event struct {
	at   time.Time
	kind string // one word: etcd, kafka, edit, agent, list, stream, console
	bad  bool
	text string // cleaned
}

// journal keeps the newest events. It is safe for concurrent use.
type journal struct {
	mu      sync.Mutex
	list    []event
	version uint64
	log     func(event) // also told of each event; may be nil
}

func (j *journal) add(kind string, bad bool, text string) {
	e := event{at: time.Now(), kind: kind, bad: bad, text: clean(text)}
	j.mu.Lock()
	if len(j.list) >= eventsKept {
		j.list = append(j.list[:0:0], j.list[len(j.list)-eventsKept+1:]...)
	}
	j.list = append(j.list, e)
	j.version++
	log := j.log
	j.mu.Unlock()
	if log != nil {
		log(e)
	}
}

// all returns the events, oldest first.
func (j *journal) all() ([]event, uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]event(nil), j.list...), j.version
}
