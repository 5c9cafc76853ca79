package agent

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"logctl/agent/tail"
)

// TestAPlaceIsKeptUntilItsLinesAreAcknowledged: places that were given back as soon as a chunk
// is on its way let the chunks of 5,000 entries be on their way when their topic was created.
func TestAPlaceIsKeptUntilItsLinesAreAcknowledged(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(s *stream, seg *segment, late chan struct{}, stop func())
	}{
		{"acknowledged", func(s *stream, seg *segment, _ chan struct{}, _ func()) { s.window.ack(seg) }},
		{"late", func(_ *stream, _ *segment, late chan struct{}, _ func()) { close(late) }},
		{"stopped", func(_ *stream, _ *segment, _ chan struct{}, stop func()) { stop() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				s := &stream{}
				seg := s.window.track(tail.State{Pos: 10}, false, time.Now())
				p := &pumps{ctx: ctx, task: &task{streams: map[tail.FileID]*stream{{Ino: 1}: s}}}
				late, ended := make(chan struct{}), false
				go func() {
					p.acked(late)
					ended = true
				}()
				synctest.Wait()
				if ended {
					t.Fatal("the place is given back while a chunk is on its way")
				}
				tt.end(s, seg, late, stop)
				synctest.Wait()
				if !ended {
					t.Error("the place is kept")
				}
			})
		})
	}
}
