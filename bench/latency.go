package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	latencyRate   = 1000 // lines a second
	latencyWarmUp = 3 * time.Second
	latencyFor    = 10 * time.Second
)

// latency measures the time from a line's write to its arrival at a consumer, one file at
// 1,000 lines a second, for everything that follows files.
func (l *lab) latency(ctx context.Context, r *results) error {
	var table strings.Builder
	fmt.Fprintf(&table, "## Latency\n\nOne file, %d lines a second for %v, each line written by itself; from before the write to the consumer. Medians of %d rounds in turn.\n\n"+
		"| | p50 ms | p99 ms | max ms | CPU %% of a core |\n|---|--:|--:|--:|--:|\n", latencyRate, latencyFor, l.rounds)
	var subjects []subject
	for _, s := range l.subjects() {
		if !s.ends && !strings.Contains(s.name, "3 partitions") {
			subjects = append(subjects, s)
		}
	}
	runs := map[string][]probed{}
	for range l.rounds {
		for _, s := range subjects {
			one, err := l.probe(ctx, s)
			if err != nil {
				progress("latency, %s: %v", s.name, err)
				r.fail("latency, "+s.name, err)
				continue
			}
			progress("latency  %-50s p50 %.2f  p99 %.2f ms  %.1f %%", s.name, one.p50, one.p99, one.cpu)
			runs[s.name] = append(runs[s.name], one)
		}
	}
	for _, s := range subjects {
		of := func(figure func(probed) float64) float64 { return median(runs[s.name], figure) }
		if len(runs[s.name]) == 0 {
			continue
		}
		p99, cpu := of(func(p probed) float64 { return p.p99 }), of(func(p probed) float64 { return p.cpu })
		fmt.Fprintf(&table, "| %s | %.2f | %.2f | %.2f | %.1f |\n", s.name, of(func(p probed) float64 { return p.p50 }), p99,
			of(func(p probed) float64 { return p.max }), cpu)
		if s.name == "logctl, defaults" {
			r.bars = append(r.bars,
				bar{what: "append to consumer at 1,000 lines/s, p99", figure: fmt.Sprintf("%.1f ms", p99), value: p99, want: "≤ 8 ms", limit: 8, atMost: true},
				bar{what: "CPU for that stream", figure: fmt.Sprintf("%.1f %%", cpu), value: cpu, want: "≤ 3 % of a core", limit: 3, atMost: true})
		}
	}
	r.notes = append(r.notes, table.String())
	return nil
}

// probed is what a latency run gives: milliseconds, and per cent of a core.
type probed struct{ p50, p99, max, cpu float64 }

func (l *lab) probe(ctx context.Context, s subject) (probed, error) {
	topic, err := l.topic(3)
	if err != nil {
		return probed{}, err
	}
	defer l.drop(topic)
	dir, err := l.scratch("latency")
	if err != nil {
		return probed{}, err
	}
	path := filepath.Join(dir, "stream.log")
	file, err := create(path)
	if err != nil {
		return probed{}, err
	}
	defer file.Close()
	p, err := s.start(ctx, l, s, topic, path)
	if err != nil {
		return probed{}, err
	}
	defer func() { _ = p.stop() }()

	writing, stop := context.WithTimeout(ctx, latencyWarmUp+latencyFor)
	defer stop()
	type written struct {
		n   int
		err error
	}
	done := make(chan written, 1)
	go func() {
		n, err := stream(writing, latencyRate, file)
		done <- written{n, err}
	}()
	var cpu usage
	go func() {
		_ = pause(writing, latencyWarmUp)
		cpu, _ = p.use()
	}()
	delays, err := l.delays(ctx, writing, topic)
	after, useErr := p.use()
	w := <-done
	if err := errors.Join(err, useErr, w.err); err != nil {
		return probed{}, err
	}
	if len(delays) < w.n*6/10 {
		return probed{}, fmt.Errorf("%d of %d lines came in time: %w", len(delays), w.n, p.failure())
	}
	slices.Sort(delays)
	at := func(q float64) float64 { return delays[int(q*float64(len(delays)-1))].Seconds() * 1000 }
	return probed{p50: at(0.5), p99: at(0.99), max: at(1), cpu: 100 * after.sub(cpu).Seconds() / latencyFor.Seconds()}, nil
}

// delays reads the topic until writing ends, and gives how long each line took that came
// after the warm-up.
func (l *lab) delays(ctx, writing context.Context, topic string) ([]time.Duration, error) {
	r, err := l.read(topic, 100*time.Millisecond)
	if err != nil {
		return nil, err
	}
	defer r.close()
	var delays []time.Duration
	measured := time.Now().Add(latencyWarmUp)
	for writing.Err() == nil {
		err := r.fetch(ctx, func(rec record) {
			now := time.Now()
			if at, err := stamp(rec.value); err == nil && at.After(measured) {
				delays = append(delays, now.Sub(at))
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return delays, nil
}
