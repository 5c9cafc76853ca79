package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// restartRounds is how often an agent is started after each kind of end.
const restartRounds = 5

// restarts measures the start of an agent that has saved positions: from the start of the
// program to the record of a line that was written while it was stopped. Clean ends and
// kills take turns, so that both have the same machine.
func (l *lab) restarts(ctx context.Context, r *results) error {
	many, err := l.restartsOf(ctx, 1000)
	if err != nil {
		return err
	}
	few, err := l.restartsOf(ctx, 10)
	if err != nil {
		return err
	}
	clean := many.clean.middle()
	r.bars = append(r.bars, bar{what: "start of the agent to first record, 1,000 saved positions", figure: fmt.Sprintf("%d ms", clean.Milliseconds()),
		value: clean.Seconds(), want: "≤ 500 ms", limit: 0.5, atMost: true})
	more := many.killed.middle() - clean
	r.bars = append(r.bars, bar{what: "the same after kill -9, with lines of 1,000 files on their way: how much later", figure: fmt.Sprintf("%d ms", more.Milliseconds()),
		value: more.Seconds(), want: "≤ 1 s", limit: 1, atMost: true})
	memory := float64(many.killed.peak-many.clean.peak) / (1 << 20)
	r.bars = append(r.bars, bar{what: "the same: how much more memory at most", figure: fmt.Sprintf("%.0f MiB", memory),
		value: memory, want: "≤ 64 MiB", limit: 64, atMost: true})
	more = few.killed.middle() - few.clean.middle()
	r.bars = append(r.bars, bar{what: "start after kill -9 with 10 files: how much later than after a clean end", figure: fmt.Sprintf("%d ms", more.Milliseconds()),
		value: more.Seconds(), want: "≤ 500 ms", limit: 0.5, atMost: true})
	return nil
}

// starts are those of one kind.
type starts struct {
	took []time.Duration
	peak int64 // bytes of memory at most, of the worst
}

func (s *starts) middle() time.Duration {
	return median(s.took, func(d time.Duration) time.Duration { return d })
}

// restarted is what starts took after clean ends and after kills.
type restarted struct{ clean, killed starts }

// restartsOf measures with so many files.
func (l *lab) restartsOf(ctx context.Context, files int) (out restarted, err error) {
	const partitions = 3
	topic, err := l.topic(partitions)
	if err != nil {
		return out, err
	}
	defer l.drop(topic)
	dir, err := l.scratch("start")
	if err != nil {
		return out, err
	}
	if err := fillFiles(dir, files, 2); err != nil {
		return out, err
	}
	p, conf, err := l.agent(ctx, agentIni(""), entry{Path: filepath.Join(dir, "*.log"), Topic: topic, From: "beginning"})
	if err != nil {
		return out, err
	}
	defer func() { _ = p.stop() }()
	have := int64(2 * files)
	if err := l.await(ctx, p, topic, have, time.Minute, 20*time.Millisecond); err != nil {
		return out, err
	}
	for i := range 2 * restartRounds {
		of := &out.clean
		if i%2 == 1 {
			of = &out.killed
			if err := addLines(dir, files); err != nil {
				return out, err
			}
			have += int64(files)
			if err := l.await(ctx, p, topic, have, time.Minute, time.Millisecond); err != nil {
				return out, err
			}
			_ = p.cmd.Process.Kill() // positions of the last quarter of a second are not saved
			<-p.ended
			have += partitions // the fence leaves a marker in each
		} else if err := p.stop(); err != nil {
			return out, err
		}
		if err := addLine(dir, i%files); err != nil {
			return out, err
		}
		if p, err = l.restart(ctx, conf); err != nil {
			return out, err
		}
		have++
		if err := l.await(ctx, p, topic, have, 20*time.Second, time.Millisecond); err != nil {
			return out, err
		}
		of.took = append(of.took, time.Since(p.started))
		if u, err := p.use(); err == nil {
			of.peak = max(of.peak, u.peak)
		}
	}
	if n, err := l.ends(topic); err != nil || n != have {
		return out, fmt.Errorf("%d records and markers after the restarts, want %d: %w", n, have, err)
	}
	progress("start  with %d saved positions: clean %v, killed %v, %d and %d MiB", files, out.clean.took, out.killed.took, out.clean.peak>>20, out.killed.peak>>20)
	return out, nil
}

// addLine adds a line to a file of fillFiles.
func addLine(dir string, i int) error {
	f, err := os.OpenFile(fmt.Sprintf("%s/%05d.log", dir, i), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(appendStamped(nil, time.Now(), i))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// addLines adds a line to each of them.
func addLines(dir string, count int) error {
	for i := range count {
		if err := addLine(dir, i); err != nil {
			return err
		}
	}
	return nil
}
