package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// shipped is one measured run of a subject.
type shipped struct {
	rate  float64       // lines a second between the first and the last record seen
	whole time.Duration // from the start of the program to the last record
	cpu   float64       // CPU seconds per GB (10^9 bytes) of the file, start included
	peak  int64         // bytes of RSS at most
	lines int64         // records in the topic in the end
}

// throughput runs every subject once per round, in turn.
func (l *lab) throughput(ctx context.Context, r *results) error {
	file, err := l.input(l.lines)
	if err != nil {
		return err
	}
	subjects := l.subjects()
	for _, s := range subjects {
		r.configs = append(r.configs, namedConfig{s.name, s.config})
	}
	for round := range l.rounds {
		for _, s := range subjects {
			one, err := l.ship(ctx, s, file, int64(l.lines))
			if err != nil {
				progress("%s: %v", s.name, err)
				r.fail(s.name, err)
				continue
			}
			progress("round %d  %-50s %9.0f lines/s  %5.2f CPU s/GB  %4.0f MB  %5.2f s", round+1, s.name,
				one.rate, one.cpu, float64(one.peak)/1e6, one.whole.Seconds())
			r.add(s.name, one)
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}

// patience is how long a run may take before it counts as failed.
const patience = 3 * time.Minute

// ship runs one subject on a fresh topic and watches the end offsets until all lines are
// there.
func (l *lab) ship(ctx context.Context, s subject, file string, lines int64) (shipped, error) {
	topic, err := l.topic(3)
	if err != nil {
		return shipped{}, err
	}
	defer l.drop(topic)
	p, err := s.start(ctx, l, s, topic, file)
	if err != nil {
		return shipped{}, err
	}
	peak := watchPeak(p.cmd.Process.Pid)
	defer peak()
	one, err := l.watch(ctx, p, topic, lines)
	if err != nil {
		_ = p.stop()
		return shipped{}, err
	}
	if s.ends {
		<-p.ended
	}
	u, err := p.use()
	one.peak = max(peak(), u.peak)
	if err != nil {
		return shipped{}, err
	}
	if err := p.stop(); err != nil {
		return shipped{}, err
	}
	one.cpu = u.cpu.Seconds() / (float64(lines*lineBytes) / 1e9)
	return one, nil
}

// watch polls the end offsets until the topic holds all lines.
func (l *lab) watch(ctx context.Context, p *process, topic string, lines int64) (shipped, error) {
	var first time.Time
	var before int64
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		n, err := l.ends(topic)
		if err != nil {
			return shipped{}, err
		}
		now := time.Now()
		switch {
		case n > 0 && first.IsZero():
			first, before = now, n
		case n > lines:
			return shipped{}, fmt.Errorf("%d records for %d lines", n, lines)
		}
		if n == lines {
			return shipped{lines: n, whole: now.Sub(p.started), rate: float64(n-before) / now.Sub(first).Seconds()}, nil
		}
		select {
		case <-p.ended:
			if n, err = l.ends(topic); err == nil && n < lines {
				return shipped{}, p.failure()
			}
		case <-ticker.C:
		case <-ctx.Done():
			return shipped{}, ctx.Err()
		}
		if time.Since(p.started) > patience {
			return shipped{}, fmt.Errorf("only %d of %d lines after %v", n, lines, patience)
		}
	}
}

func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}
