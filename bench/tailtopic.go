package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// tailTopic compares reading a whole topic with logctl tail-topic and with kcat, both into
// a pipe that is emptied at once, in turn.
func (l *lab) tailTopic(ctx context.Context, r *results) error {
	if _, err := exec.LookPath("kcat"); err != nil {
		return err
	}
	topic, err := l.topic(3)
	if err != nil {
		return err
	}
	defer l.drop(topic)
	file, err := l.input(l.lines)
	if err != nil {
		return err
	}
	if err := l.load(ctx, topic, file); err != nil {
		return err
	}
	ours := []string{l.logctl, "tail-topic", topic, "--kafka", l.kafka, "--from", "oldest", "--no-follow", "-o", "raw"}
	theirs := []string{"kcat", "-C", "-q", "-b", l.kafka, "-t", topic, "-o", "beginning", "-e"}
	var us, them []consumed
	for range l.rounds {
		a, err := l.consume(ctx, ours)
		if err != nil {
			return err
		}
		b, err := l.consume(ctx, theirs)
		if err != nil {
			return err
		}
		progress("tail-topic  logctl %.2f s, %.2f CPU s, %.0f MB; kcat %.2f s, %.2f CPU s, %.0f MB", a.wall, a.cpu, a.peak, b.wall, b.cpu, b.peak)
		us, them = append(us, a), append(them, b)
	}
	wall := func(c consumed) float64 { return c.wall }
	cpu := func(c consumed) float64 { return c.cpu }
	peak := func(c consumed) float64 { return c.peak }
	value := median(them, wall) / median(us, wall)
	r.bars = append(r.bars, bar{what: fmt.Sprintf("tail-topic --from oldest --no-follow -o raw of %d records against kcat -C -e", l.lines),
		figure: ratio(median(them, wall), median(us, wall)), value: value, want: "≥ 1.0", limit: 1})
	r.notes = append(r.notes, fmt.Sprintf("## Reading a topic\n\n%d records of %d bytes over 3 partitions, into a pipe, medians of %d rounds.\n\n"+
		"| | s | records/s | CPU s | peak RSS MB |\n|---|--:|--:|--:|--:|\n| logctl tail-topic -o raw | %.2f | %.0f | %.2f | %.0f |\n| kcat -C -e | %.2f | %.0f | %.2f | %.0f |\n",
		l.lines, lineBytes-1, l.rounds, median(us, wall), float64(l.lines)/median(us, wall), median(us, cpu), median(us, peak),
		median(them, wall), float64(l.lines)/median(them, wall), median(them, cpu), median(them, peak)))
	return nil
}

// load brings the file into the topic by the quickest way.
func (l *lab) load(ctx context.Context, topic, file string) error {
	p, err := start(ctx, l.dir, l.self, "raw", "-kafka", l.kafka, "-topic", topic, "-file", file)
	if err != nil {
		return err
	}
	<-p.ended
	if p.err != nil {
		return p.failure()
	}
	return nil
}

// consumed is what one reading of a topic took: seconds, CPU seconds, MB.
type consumed struct{ wall, cpu, peak float64 }

// consume runs a program and checks that it prints as many lines as were loaded.
func (l *lab) consume(ctx context.Context, args []string) (consumed, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return consumed{}, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return consumed{}, err
	}
	peak := watchPeak(cmd.Process.Pid)
	defer peak()
	lines, buf := 0, make([]byte, 1<<20)
	for {
		n, err := out.Read(buf)
		lines += bytes.Count(buf[:n], []byte{'\n'})
		if err == io.EOF {
			break
		}
		if err != nil {
			return consumed{}, err
		}
	}
	if err := cmd.Wait(); err != nil {
		return consumed{}, fmt.Errorf("%s: %w: %s", args[0], err, stderr.String())
	}
	wall := time.Since(began).Seconds()
	if lines != l.lines {
		return consumed{}, fmt.Errorf("%s printed %d lines of %d", args[0], lines, l.lines)
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	close(p.ended)
	u, err := p.use()
	return consumed{wall: wall, cpu: u.cpu.Seconds(), peak: float64(peak()) / 1e6}, err
}
