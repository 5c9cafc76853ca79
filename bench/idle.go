package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	idleSettle = 10 * time.Second
	idleFor    = 20 * time.Second
)

// idle measures what many quiet files cost, without and with some that are written to.
func (l *lab) idle(ctx context.Context, r *results) error {
	quiet, err := l.watchFiles(ctx, 1000, 0)
	if err != nil {
		return fmt.Errorf("1,000 quiet files: %w", err)
	}
	r.bars = append(r.bars,
		bar{what: "1,000 quiet files, CPU", figure: fmt.Sprintf("%.2f %%", quiet.cpu), value: quiet.cpu, want: "≤ 1 % of a core", limit: 1, atMost: true},
		bar{what: "1,000 quiet files, RSS", figure: fmt.Sprintf("%.0f MB", quiet.peak), value: quiet.peak, want: "≤ 64 MB", limit: 64, atMost: true})
	busy, err := l.watchFiles(ctx, 10_000, 100)
	if err != nil {
		return fmt.Errorf("10,000 files, 100 active: %w", err)
	}
	r.bars = append(r.bars,
		bar{what: "10,000 files, 100 active at 10 lines/s each, CPU", figure: fmt.Sprintf("%.1f %%", busy.cpu), value: busy.cpu, want: "≤ 10 % of a core", limit: 10, atMost: true},
		bar{what: "10,000 files, 100 active at 10 lines/s each, RSS", figure: fmt.Sprintf("%.0f MB", busy.peak), value: busy.peak, want: "≤ 200 MB", limit: 200, atMost: true})
	return nil
}

// watched is the cost of watching: per cent of a core, and MB of RSS at most.
type watched struct{ cpu, peak float64 }

// watchFiles runs the agent on count files of which the first active get 10 lines a
// second each, and checks that every line arrives.
func (l *lab) watchFiles(ctx context.Context, count, active int) (watched, error) {
	topic, err := l.topic(3)
	if err != nil {
		return watched{}, err
	}
	defer l.drop(topic)
	dir, err := l.scratch("idle")
	if err != nil {
		return watched{}, err
	}
	if err := fillFiles(dir, count, 5); err != nil {
		return watched{}, err
	}
	p, _, err := l.agent(ctx, agentIni(""), entry{Path: filepath.Join(dir, "*.log"), Topic: topic, From: "beginning"})
	if err != nil {
		return watched{}, err
	}
	defer func() { _ = p.stop() }()
	begun := int64(count) * 5
	if err := l.await(ctx, p, topic, begun, time.Minute, 50*time.Millisecond); err != nil {
		return watched{}, err
	}
	writing, stop := context.WithTimeout(ctx, idleSettle+idleFor)
	defer stop()
	wrote := make(chan int, 1)
	go func() { wrote <- l.activity(writing, dir, active) }()
	if err := pause(ctx, idleSettle); err != nil {
		return watched{}, err
	}
	before, err := p.use()
	if err != nil {
		return watched{}, err
	}
	from := time.Now()
	n := <-wrote
	after, err := p.use()
	if err != nil {
		return watched{}, err
	}
	took := time.Since(from)
	if err := l.await(ctx, p, topic, begun+int64(n), 10*time.Second, 50*time.Millisecond); err != nil {
		return watched{}, err
	}
	got := watched{cpu: 100 * after.sub(before).Seconds() / took.Seconds(), peak: float64(after.peak) / 1e6}
	progress("idle  %d files, %d active (%d lines): %.2f %% of a core, %.0f MB (peak %.0f)", count, active, n, got.cpu, float64(after.rss)/1e6, got.peak)
	return got, nil
}

// activity appends to the first files of dir until ctx ends and returns how many lines.
func (l *lab) activity(ctx context.Context, dir string, active int) int {
	if active == 0 {
		<-ctx.Done()
		return 0
	}
	var files []*os.File
	for i := range active {
		file, err := create(fmt.Sprintf("%s/%05d.log", dir, i))
		if err != nil {
			return 0
		}
		defer file.Close()
		files = append(files, file)
	}
	n, err := stream(ctx, 10*active, files...)
	if err != nil {
		progress("write to the active files: %v", err)
	}
	return n
}
