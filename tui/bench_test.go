package tui

import (
	"context"
	"fmt"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

// benchRoot is a console on a thousand agents.
func benchRoot(b *testing.B) *root {
	b.Helper()
	f, _, at := bigFleet(b)
	ctx, cancel := context.WithCancel(b.Context())
	keep := &keeper{dir: b.TempDir(), stop: cancel}
	b.Cleanup(func() {
		cancel()
		keep.wait(time.Second)
	})
	r := newRoot(ctx, Config{CollectKey: "collect_log_conf", Theme: ThemeDark}, ports{}, keep, nil)
	r.env.now = func() time.Time { return at }
	r.env.feed.fleet = f
	r.env.feed.current.Store(f.build(at))
	r.Update(tea.WindowSizeMsg{Width: 200, Height: 50})
	r.Update(feedMsg{})
	return r
}

func benchKeys(b *testing.B, r *root, keys ...string) {
	b.Helper()
	for _, k := range keys {
		r.Update(press(k))
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		r.Update(press([]string{"down", "up"}[n%2]))
		if r.View().Content == "" {
			b.Fatal("nothing drawn")
		}
	}
}

func BenchmarkEntriesFrame(b *testing.B) { benchKeys(b, benchRoot(b)) }
func BenchmarkAgentsFrame(b *testing.B)  { benchKeys(b, benchRoot(b), "2", "G") }
func BenchmarkEntryFrame(b *testing.B)   { benchKeys(b, benchRoot(b), "enter") }

func BenchmarkNewsFrame(b *testing.B) {
	r := benchRoot(b)
	r.Update(press("2"))
	b.ReportAllocs()
	for b.Loop() {
		r.env.feed.current.Store(r.env.feed.fleet.build(r.env.now()))
		r.Update(feedMsg{})
		if r.View().Content == "" {
			b.Fatal("nothing drawn")
		}
	}
}

// BenchmarkStream is one second of 20,000 records: 20 batches and 16 frames.
func BenchmarkStream(b *testing.B) {
	r := benchRoot(b)
	s := &streamFake{feed: make(chan []*rec)}
	r.env.ports.streams = s
	r.openStream(streamQuery{topic: "t"})
	f, err := parseFilter("item")
	if err != nil {
		b.Fatal(err)
	}
	r.stream.sess.ring.use(f)
	batches := make([][]*rec, 20)
	for i := range batches {
		for k := range 1000 {
			batches[i] = append(batches[i], &rec{partition: int32(k % 8), offset: int64(k), time: day, arrived: day, value: fmt.Appendf(nil, `10.0.0.7 - - "GET /item/%d HTTP/1.1" 200 5120 "-" "Mozilla/5.0 (X11; Linux x86_64)"`, k)})
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for i, batch := range batches {
			r.stream.sess.ring.push(batch)
			r.stream.sess.count(batch, day)
			if i < 16 {
				r.Update(streamTick{r.stream.gen})
				r.View()
			}
		}
	}
}

// streamFake opens readers that never have anything.
type streamFake struct{ feed chan []*rec }

func (f *streamFake) CheckFrom(string) error       { return nil }
func (f *streamFake) CheckPartitions(string) error { return nil }
func (f *streamFake) Open(context.Context, streamQuery, func(streamNotice)) (streamReader, error) {
	return &fakeReader{&fakeStreams{feed: f.feed}}, nil
}
