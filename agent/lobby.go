package agent

import (
	"context"
	"sync"
	"sync/atomic"
)

// A chunk that was read waits until ship has room for it. The lobby bounds what may
// wait so over all tasks, however many there are and whatever is wrong with their
// topics: what waits longer is better left in its file.
//
//   - A task whose topic takes nothing holds one small chunk.
//   - A task whose topic flows reads large chunks, one for each of its pumps, as long as
//     it holds no more than is still free; else small ones, one at a time.
//
// So the wait of a pump always ends with a chunk of its own task that leaves, and no
// task waits for another one's topic.

// Sizes in bytes of data; a chunk takes up to twice as much memory, with its lines.
const (
	lobbySize  = 16 << 20  // large chunks that wait, over all tasks
	largeChunk = 256 << 10 // of a topic that flows
	smallChunk = 16 << 10  // of one that does not: one for each task, beside lobbySize
)

// lobby is what all doors of an agent lead to. The zero value is empty.
type lobby struct {
	events atomic.Int64 // bytes kept for events of several lines: see heldMost

	mu   sync.Mutex
	held int64 // by large chunks
}

// door is the way of one task into the lobby.
type door struct {
	lobby *lobby

	// Guarded by lobby.mu.
	inside int   // chunks that wait
	held   int64 // by the large ones of them
	served bool  // something was accepted before
	left   chan struct{}
}

// enter waits until the task may read a chunk, and returns of what size at most. Each
// enter that succeeded is followed by a leave. flows says whether ship sees nothing
// wrong with the topic.
func (d *door) enter(ctx context.Context, flows func() bool) (size int, err error) {
	for {
		well := flows()
		l := d.lobby
		l.mu.Lock()
		if well && d.served && d.held+largeChunk <= lobbySize-l.held {
			l.held += largeChunk
			d.held += largeChunk
			d.inside++
			l.mu.Unlock()
			return largeChunk, nil
		}
		if d.inside == 0 {
			d.inside++
			l.mu.Unlock()
			return smallChunk, nil
		}
		if d.left == nil {
			d.left = make(chan struct{})
		}
		left := d.left
		l.mu.Unlock()
		select {
		case <-left:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// leave is called when a chunk was accepted, or will not be, or there was none.
func (d *door) leave(size int, accepted bool) {
	l := d.lobby
	l.mu.Lock()
	defer l.mu.Unlock()
	d.inside--
	d.served = d.served || accepted
	if size == largeChunk {
		d.held -= largeChunk
		l.held -= largeChunk
	}
	if d.left != nil {
		close(d.left)
		d.left = nil
	}
}
