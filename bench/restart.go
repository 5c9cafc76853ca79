package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// restarts measures the start of an agent that has 1,000 saved positions: from the start
// of the program to the record of a line that was written while it was stopped.
func (l *lab) restarts(ctx context.Context, r *results) error {
	const files, rounds = 1000, 5
	topic, err := l.topic(3)
	if err != nil {
		return err
	}
	defer l.drop(topic)
	dir, err := l.scratch("start")
	if err != nil {
		return err
	}
	if err := fillFiles(dir, files, 2); err != nil {
		return err
	}
	p, conf, err := l.agent(ctx, agentIni(""), entry{Path: filepath.Join(dir, "*.log"), Topic: topic, From: "beginning"})
	if err != nil {
		return err
	}
	have := int64(2 * files)
	if err := l.await(ctx, p, topic, have, time.Minute, 20*time.Millisecond); err != nil {
		_ = p.stop()
		return err
	}
	if err := p.stop(); err != nil {
		return err
	}
	var took []time.Duration
	for i := range rounds {
		file, err := create(fmt.Sprintf("%s/%05d.log", dir, 17*i))
		if err != nil {
			return err
		}
		_, err = file.Write(appendStamped(nil, time.Now(), i))
		_ = file.Close()
		if err != nil {
			return err
		}
		if p, err = l.restart(ctx, conf); err != nil {
			return err
		}
		have++
		err = l.await(ctx, p, topic, have, 20*time.Second, time.Millisecond)
		took = append(took, time.Since(p.started))
		_ = p.stop()
		if err != nil {
			return err
		}
	}
	if n, err := l.ends(topic); err != nil || n != have {
		return fmt.Errorf("%d records after the restarts, want %d: %w", n, have, err)
	}
	middle := median(took, func(d time.Duration) time.Duration { return d })
	progress("start  with %d saved positions: %v", files, took)
	r.bars = append(r.bars, bar{what: "start of the agent to first record, 1,000 saved positions", figure: fmt.Sprintf("%d ms", middle.Milliseconds()),
		value: middle.Seconds(), want: "≤ 500 ms", limit: 0.5, atMost: true})
	return nil
}
