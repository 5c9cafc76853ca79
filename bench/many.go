package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// many compares 1,000 files of 2,000 lines that are there at once with one file of as
// many lines, in turn.
func (l *lab) many(ctx context.Context, r *results) error {
	const files, lines = 1000, 2000
	single, err := l.input(files * lines)
	if err != nil {
		return err
	}
	dir, err := l.scratch("many")
	if err != nil {
		return err
	}
	if err := fillFiles(dir, files, lines); err != nil {
		return err
	}
	agent := subject{name: "logctl, defaults", start: startAgent, config: agentIni("")}
	var one, all []shipped
	for range l.rounds {
		a, err := l.ship(ctx, agent, single, files*lines)
		if err != nil {
			return fmt.Errorf("one file: %w", err)
		}
		b, err := l.ship(ctx, agent, filepath.Join(dir, "*.log"), files*lines)
		if err != nil {
			return fmt.Errorf("1,000 files: %w", err)
		}
		progress("many  one file %.0f lines/s, 1,000 files %.0f lines/s, peak %.0f MB", a.rate, b.rate, float64(b.peak)/1e6)
		one, all = append(one, a), append(all, b)
	}
	rate := func(s shipped) float64 { return s.rate }
	value := median(all, rate) / median(one, rate)
	r.bars = append(r.bars, bar{what: "1,000 files × 2,000 lines at once, lines/s against one file",
		figure: fmt.Sprintf("%.2f (%.0f lines/s)", value, median(all, rate)), value: value, want: "≥ 0.7", limit: 0.7})
	return os.RemoveAll(dir)
}

// fairness writes a line now and then beside a backlog of 1 GB of the same topic and asks
// the broker's stamps how long each took.
func (l *lab) fairness(ctx context.Context, r *results) error {
	const backlog = 1_000_000_000/lineBytes + 1
	topic, err := l.topic(3)
	if err != nil {
		return err
	}
	defer l.drop(topic)
	big, err := l.input(backlog)
	if err != nil {
		return err
	}
	defer os.Remove(big)
	dir, err := l.scratch("fair")
	if err != nil {
		return err
	}
	file, err := create(filepath.Join(dir, "quiet.log"))
	if err != nil {
		return err
	}
	defer file.Close()
	p, _, err := l.agent(ctx, agentIni(""), entry{Path: big, Topic: topic, From: "beginning"},
		entry{Path: file.Name(), Topic: topic, From: "beginning"})
	if err != nil {
		return err
	}
	defer func() { _ = p.stop() }()
	if err := l.await(ctx, p, topic, 1, 20*time.Second, time.Millisecond); err != nil {
		return err
	}
	writing, stop := context.WithCancel(ctx)
	wrote := make(chan int, 1)
	go func() {
		n, _ := stream(writing, 4, file)
		wrote <- n
	}()
	err = l.await(ctx, p, topic, backlog, patience, 20*time.Millisecond)
	stop()
	n := <-wrote
	if err == nil {
		err = l.await(ctx, p, topic, backlog+int64(n), 20*time.Second, 20*time.Millisecond)
	}
	if err := errors.Join(err, p.stop()); err != nil {
		return err
	}
	var worst time.Duration
	found := 0
	err = l.readAll(ctx, topic, func(rec record) {
		if at, err := stamp(rec.value); err == nil && at.Year() >= 2020 {
			found++
			worst = max(worst, rec.appended.Sub(at))
		}
	})
	if err != nil {
		return err
	}
	if found != n || n == 0 {
		return fmt.Errorf("%d of the %d lines written beside the backlog came", found, n)
	}
	progress("fairness  %d lines beside the backlog, the slowest took %v", n, worst)
	r.bars = append(r.bars, bar{what: fmt.Sprintf("a line now and then beside a 1 GB backlog of the topic: slowest of %d", n),
		figure: fmt.Sprintf("%.2f s", worst.Seconds()), value: worst.Seconds(), want: "≤ 1 s", limit: 1, atMost: true})
	return nil
}
