package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	hpcloud "github.com/hpcloud/tail"
	nxadm "github.com/nxadm/tail"
)

const (
	lossLines     = 300_000
	lossRotations = 10
	lossRate      = 100_000 // lines a second
)

// way is how a log is rotated.
type way struct {
	name   string
	rotate func(w *rotating) error
}

var ways = []way{
	{"rename", func(w *rotating) error { return w.rename(0) }},
	{"rename, writer reopens 100 ms later", func(w *rotating) error { return w.rename(100 * time.Millisecond) }},
	{"copytruncate after a quiet 600 ms", func(w *rotating) error { return w.copyTruncate(600 * time.Millisecond) }},
}

// follower delivers lines of a file to a tally until stopped.
type follower struct {
	name  string
	start func(ctx context.Context, path string, take func(line string)) (stop func(), err error)
}

func followers() []follower {
	var all []follower
	for _, poll := range []bool{false, true} {
		how := map[bool]string{false: "inotify", true: "poll"}[poll]
		all = append(all,
			follower{"hpcloud/tail, " + how, func(ctx context.Context, path string, take func(string)) (func(), error) {
				return followHpcloud(path, poll, take)
			}},
			follower{"nxadm/tail, " + how, func(ctx context.Context, path string, take func(string)) (func(), error) {
				return followNxadm(path, poll, take)
			}})
	}
	return all
}

func followHpcloud(path string, poll bool, take func(string)) (func(), error) {
	t, err := hpcloud.TailFile(path, hpcloud.Config{ReOpen: true, Follow: true, Poll: poll, Logger: log.New(io.Discard, "", 0)})
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for line := range t.Lines {
			take(line.Text)
		}
	}()
	return func() { _ = t.Stop(); <-done }, nil
}

func followNxadm(path string, poll bool, take func(string)) (func(), error) {
	t, err := nxadm.TailFile(path, nxadm.Config{ReOpen: true, Follow: true, Poll: poll, Logger: log.New(io.Discard, "", 0)})
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for line := range t.Lines {
			take(line.Text)
		}
	}()
	return func() { _ = t.Stop(); <-done }, nil
}

// losses counts the lines that each library, alone, loses under rotation; logctl does its
// whole road, from the file to the topic.
func (l *lab) losses(ctx context.Context, r *results) error {
	var table strings.Builder
	fmt.Fprintf(&table, "## Lines lost under rotation\n\n%d numbered lines at %d a second, %d rotations. Garbled: lines that were never written so.\n\n| |", lossLines, lossRate, lossRotations)
	for _, w := range ways {
		fmt.Fprintf(&table, " %s |", w.name)
	}
	fmt.Fprint(&table, "\n|---|--:|--:|--:|\n")
	for _, f := range followers() {
		fmt.Fprintf(&table, "| %s |", f.name)
		for _, w := range ways {
			t, err := l.loseAlone(ctx, f, w)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", f.name, w.name, err)
			}
			progress("losses  %-22s %-38s %s", f.name, w.name, t)
			fmt.Fprintf(&table, " %s |", t)
		}
		fmt.Fprintln(&table)
	}
	if l.logctl != "" {
		fmt.Fprint(&table, "| logctl, file to topic |")
		for _, w := range ways {
			t, err := l.loseAgent(ctx, w)
			if err != nil {
				return fmt.Errorf("logctl, %s: %w", w.name, err)
			}
			progress("losses  %-22s %-38s %s", "logctl", w.name, t)
			fmt.Fprintf(&table, " %s |", t)
		}
		fmt.Fprintln(&table)
	}
	r.notes = append(r.notes, table.String())
	return nil
}

// tally counts numbered lines.
type tally struct {
	seen               []bool
	count, double, bad int
}

func newTally() *tally { return &tally{seen: make([]bool, lossLines)} }

func (t *tally) take(line string) {
	n, err := strconv.Atoi(strings.TrimPrefix(strings.TrimRight(line, "\r"), "line "))
	if err != nil || n < 0 || n >= lossLines || len(line) != len(numbered(0)) {
		t.bad++
		return
	}
	if t.seen[n] {
		t.double++
		return
	}
	t.seen[n] = true
	t.count++
}

func (t *tally) String() string {
	text := strconv.Itoa(lossLines - t.count)
	if t.double > 0 {
		text += fmt.Sprintf(", %d twice", t.double)
	}
	if t.bad > 0 {
		text += fmt.Sprintf(", %d garbled", t.bad)
	}
	return text
}

func numbered(n int) string { return fmt.Sprintf("line %09d", n) }

// loseAlone runs a library on a rotating log and gives it 3 quiet seconds to finish.
func (l *lab) loseAlone(ctx context.Context, f follower, w way) (*tally, error) {
	log, err := l.rotating()
	if err != nil {
		return nil, err
	}
	lines := make(chan string, 10_000)
	stop, err := f.start(ctx, log.path, func(line string) { lines <- line })
	if err != nil {
		return nil, err
	}
	t, counted := newTally(), make(chan struct{})
	wrote := make(chan error, 1)
	go func() { wrote <- log.run(ctx, w) }()
	go func() {
		defer close(counted)
		quiet := time.NewTimer(time.Hour)
		for written := false; ; {
			select {
			case line := <-lines:
				t.take(line)
				if written {
					quiet.Reset(3 * time.Second)
				}
			case err = <-wrote:
				written = true
				quiet.Reset(3 * time.Second)
			case <-quiet.C:
				return
			}
		}
	}()
	<-counted
	go func() { // the library may still hold a line
		for range lines {
		}
	}()
	stop()
	return t, err
}

// loseAgent runs the agent on a rotating log and counts what is in the topic in the end.
func (l *lab) loseAgent(ctx context.Context, w way) (*tally, error) {
	topic, err := l.topic(3)
	if err != nil {
		return nil, err
	}
	defer l.drop(topic)
	log, err := l.rotating()
	if err != nil {
		return nil, err
	}
	p, _, err := l.agent(ctx, agentIni(""), entry{Path: log.path, Topic: topic, From: "beginning"})
	if err != nil {
		return nil, err
	}
	defer func() { _ = p.stop() }()
	if err := pause(ctx, 2*time.Second); err != nil {
		return nil, err
	}
	if err := log.run(ctx, w); err != nil {
		return nil, err
	}
	err = l.await(ctx, p, topic, lossLines, 10*time.Second, 20*time.Millisecond)
	if err != nil {
		progress("losses  logctl: %v", err)
	}
	t := newTally()
	return t, l.readAll(ctx, topic, func(rec record) { t.take(string(rec.value)) })
}

// rotating is a log that is written and rotated.
type rotating struct {
	path string
	file *os.File
	made int
}

func (l *lab) rotating() (*rotating, error) {
	dir, err := l.scratch("rotate")
	if err != nil {
		return nil, err
	}
	w := &rotating{path: filepath.Join(dir, "app.log")}
	w.file, err = create(w.path)
	return w, err
}

// run writes all lines, rotating now and then.
func (w *rotating) run(ctx context.Context, how way) error {
	defer func() { _ = w.file.Close() }()
	out := bufio.NewWriterSize(nil, 4096)
	out.Reset(w.file)
	began := time.Now()
	for n := range lossLines {
		if n%1000 == 0 {
			time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / lossRate)))
		}
		if n > 0 && n%(lossLines/lossRotations) == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
			if err := how.rotate(w); err != nil {
				return err
			}
			out.Reset(w.file)
		}
		if _, err := fmt.Fprintln(out, numbered(n)); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return out.Flush()
}

func (w *rotating) rename(later time.Duration) (err error) {
	w.made++
	if err := os.Rename(w.path, fmt.Sprintf("%s.%d", w.path, w.made)); err != nil {
		return err
	}
	time.Sleep(later)
	if err := w.file.Close(); err != nil {
		return err
	}
	w.file, err = create(w.path)
	return err
}

func (w *rotating) copyTruncate(quiet time.Duration) error {
	time.Sleep(quiet)
	w.made++
	data, err := os.ReadFile(w.path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(fmt.Sprintf("%s.%d", w.path, w.made), data, 0o644); err != nil {
		return err
	}
	return w.file.Truncate(0)
}
