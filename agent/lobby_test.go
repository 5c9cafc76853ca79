package agent

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
)

func yes() bool { return true }
func no() bool  { return false }

// crowd is tasks whose pumps all want a chunk, and whose chunks do not leave.
type crowd struct {
	mu           sync.Mutex
	small, large int
}

// push lets the pumps of a door enter until ctx ends.
func (c *crowd) push(ctx context.Context, t *testing.T, wg *sync.WaitGroup, d *door, flows func() bool) {
	for range pumpsPerTask {
		wg.Go(func() {
			size, err := d.enter(ctx, flows)
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				return
			}
			c.mu.Lock()
			if size == smallChunk {
				c.small++
			} else {
				c.large++
			}
			c.mu.Unlock()
			<-ctx.Done()
			d.leave(size, false)
		})
	}
}

// TestLobbyIsBounded lets a hundred tasks stand before topics that take nothing: of
// some nothing was ever taken, others flowed until now.
func TestLobbyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lobby{}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		dead, died := &crowd{}, &crowd{}
		for range 50 {
			dead.push(ctx, t, &wg, &door{lobby: l}, yes)
			dead.push(ctx, t, &wg, &door{lobby: l, served: true}, no)
		}
		synctest.Wait()
		if dead.large != 0 || dead.small != 100 || l.held != 0 {
			t.Errorf("%d large and %d small chunks wait, %d bytes held, want one small one for each task", dead.large, dead.small, l.held)
		}
		for range 100 {
			died.push(ctx, t, &wg, &door{lobby: l, served: true}, yes)
		}
		synctest.Wait()
		if l.held > lobbySize || died.large != int(l.held/largeChunk) || died.large < pumpsPerTask || died.small > 100 {
			t.Errorf("%d large and %d small chunks wait, %d bytes held", died.large, died.small, l.held)
		}
		// Whoever comes now is not kept waiting.
		living := &door{lobby: l, served: true}
		for range 1000 {
			size, err := living.enter(ctx, yes)
			if err != nil {
				t.Fatal(err)
			}
			living.leave(size, true)
		}
		cancel()
		wg.Wait()
		if l.held != 0 {
			t.Errorf("%d bytes are held by nobody", l.held)
		}
	})
}

// TestLobbyLetsTopicsFlow has large chunks for every pump once something was accepted,
// and wakes the pumps that waited when it becomes so.
func TestLobbyLetsTopicsFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lobby{}
		d := &door{lobby: l}
		first, err := d.enter(t.Context(), yes)
		if err != nil || first != smallChunk {
			t.Fatalf("the first chunk: %d, %v", first, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		rest := &crowd{}
		rest.push(ctx, t, &wg, d, yes)
		synctest.Wait()
		if rest.small+rest.large != 0 {
			t.Errorf("%d chunks beside one that was not accepted yet", rest.small+rest.large)
		}
		d.leave(first, true)
		synctest.Wait()
		if rest.large != pumpsPerTask {
			t.Errorf("%d large chunks, want one for each pump", rest.large)
		}
		cancel()
		wg.Wait()
	})
}
