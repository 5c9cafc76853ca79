package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// expression is what readers look for: it has no literal at its head, and 200 of 100,000
// lines match.
const expression = `(GET|POST) /api/v1/orders/1234[0-9] `

// readers are the programs of one comparison, ours first, and the topic they read.
type readers struct {
	name  string
	codec string
	parts int
	pipe  bool // into a pipe that is emptied at once; else into /dev/null
	ours  []string
	peers map[string][]string
}

// reading compares reading a whole topic with logctl tail-topic, kcat and the least
// program that can do it, in turn.
func (l *lab) reading(ctx context.Context, r *results) error {
	if _, err := exec.LookPath("kcat"); err != nil {
		return err
	}
	const topic = "{topic}"
	ours := []string{l.logctl, "tail-topic", topic, "--kafka", l.kafka, "--from", "oldest", "--no-follow", "-o", "raw", "-q"}
	kcat := []string{"kcat", "-C", "-q", "-b", l.kafka, "-t", topic, "-o", "beginning", "-e"}
	floor := []string{l.self, "floor", "-kafka", l.kafka, "-topic", topic}
	grep := []string{"sh", "-c", strings.Join(kcat, " ") + " | grep -E '" + expression + "'"}
	forms := []readers{
		{name: "into /dev/null", parts: 3, ours: ours, peers: map[string][]string{"kcat": kcat, "floor": floor}},
		{name: "into a pipe", parts: 3, pipe: true, ours: ours, peers: map[string][]string{"kcat": kcat, "floor": floor}},
		{name: "lines that match", parts: 3, pipe: true, ours: append(ours[:len(ours):len(ours)], "-i", expression), peers: map[string][]string{"kcat": grep}},
		{name: "lz4", codec: "lz4", parts: 3, ours: ours, peers: map[string][]string{"kcat": kcat}},
		{name: "zstd", codec: "zstd", parts: 3, ours: ours, peers: map[string][]string{"kcat": kcat}},
		{name: "1,000 partitions", parts: 1000, ours: ours, peers: map[string][]string{"kcat": kcat, "floor": floor}},
	}
	file, err := l.input(l.lines)
	if err != nil {
		return err
	}
	var table strings.Builder
	fmt.Fprintf(&table, "## Reading a topic\n\n%d records of %d bytes, `tail-topic --from oldest --no-follow -o raw` against `kcat -C -e` and the floor (`bench floor`: receive, check, walk, write; no more), medians of %d rounds in turn. "+
		"CPU seconds are per 10^9 bytes of values. Lines that match: `-i '%s'` against `kcat | grep -E`.\n\n"+
		"| | | s | records/s | CPU s/GB | peak RSS MB |\n|---|---|--:|--:|--:|--:|\n", l.lines, lineBytes-1, l.rounds, expression)
	topics := map[string]string{}
	defer func() {
		for _, name := range topics {
			l.drop(name)
		}
	}()
	for i := range forms {
		f := &forms[i]
		kind := f.codec + strconv.Itoa(f.parts)
		if topics[kind] == "" {
			if topics[kind], err = l.filled(ctx, f, file); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
		if err := l.compare(ctx, r, &table, f, topics[kind]); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if err := l.followed(ctx, r, &table, &forms[len(forms)-1], file); err != nil {
		return fmt.Errorf("followed: %w", err)
	}
	r.notes = append(r.notes, table.String())
	return nil
}

// followed measures how far a follower of a topic is behind when its last record has been
// acknowledged.
func (l *lab) followed(ctx context.Context, r *results, table *strings.Builder, f *readers, file string) error {
	var late, took float64
	var err error
	for range 5 { // a busy broker may lose the controller for a moment
		var name string
		if name, err = l.empty(f); err == nil {
			late, took, err = l.behind(ctx, name, file, f.parts)
		}
		l.drop(name)
		if err == nil || ctx.Err() != nil {
			break
		}
		progress("reading  followed: %v; once more", err)
	}
	if err != nil {
		return err
	}
	progress("reading  %s, followed: written in %.2f s, all read %.2f s later", f.name, took, late)
	fmt.Fprintf(table, "\n%s, followed from their first record on while %d records are written in %.2f s: all of them are printed %.2f s after the last one is acknowledged.\n",
		f.name, l.lines, took, late)
	r.bars = append(r.bars, bar{what: "tail-topic, " + f.name + ", followed: behind at the end", figure: fmt.Sprintf("%.2f s", late), value: late, want: "≤ 1.0 s", limit: 1, atMost: true})
	return nil
}

// behind follows an empty topic while the file is brought into it. It returns how many
// seconds after the last acknowledgement all was printed, and what the writing took.
func (l *lab) behind(ctx context.Context, topic, file string, parts int) (late, took float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, l.logctl, "tail-topic", topic, "--kafka", l.kafka, "--from", "oldest", "-o", "raw", "-q")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	all := make(chan time.Time, 1)
	go func() {
		defer close(all)
		buf := make([]byte, 1<<20)
		for lines := 0; lines < l.lines; {
			n, err := out.Read(buf)
			if lines += bytes.Count(buf[:n], []byte{'\n'}); err != nil {
				return
			}
		}
		all <- time.Now()
	}()
	began := time.Now()
	err = l.load(ctx, topic, file, parts)
	loaded := time.Now()
	if err != nil {
		cancel()
	}
	read, complete := <-all
	cancel()
	_ = cmd.Wait() // it was killed
	switch {
	case err != nil:
		return 0, 0, err
	case !complete:
		return 0, 0, errors.New("the follower ended, or did not print all in three minutes")
	}
	return max(read.Sub(loaded).Seconds(), 0), loaded.Sub(began).Seconds(), nil
}

// filled makes a topic and brings the file into it. On a busy machine a broker may lose the
// controller for a moment and lead nothing meanwhile: then another topic is tried.
func (l *lab) filled(ctx context.Context, f *readers, file string) (name string, err error) {
	for range 5 {
		if name, err = l.fillOnce(ctx, f, file); err == nil || ctx.Err() != nil {
			break
		}
		progress("reading  %s: %v; once more", f.name, err)
		l.drop(name)
	}
	return name, err
}

// fillOnce is one try of filled.
func (l *lab) fillOnce(ctx context.Context, f *readers, file string) (string, error) {
	name, err := l.empty(f)
	if err != nil {
		return name, err
	}
	return name, l.load(ctx, name, file, f.parts)
}

// empty makes a topic and waits until all of its partitions have leaders.
func (l *lab) empty(f *readers) (string, error) {
	name := l.name("reading")
	detail := &sarama.TopicDetail{NumPartitions: int32(f.parts), ReplicationFactor: 1, ConfigEntries: map[string]*string{}}
	if f.codec != "" {
		detail.ConfigEntries["compression.type"] = &f.codec
	}
	if err := l.admin.CreateTopic(name, detail, false); err != nil {
		return "", err
	}
	err := retry(20*time.Second, func() error {
		if err := l.client.RefreshMetadata(name); err != nil {
			return err
		}
		_, err := l.ends(name)
		return err
	})
	return name, err
}

// load brings the file into the topic by the quickest way.
func (l *lab) load(ctx context.Context, topic, file string, partitions int) error {
	batch := 900 << 10
	if partitions > 100 {
		batch = 32 << 10
	}
	p, err := start(ctx, l.dir, l.self, "raw", "-kafka", l.kafka, "-topic", topic, "-file", file, "-partitions", strconv.Itoa(partitions), "-batch", strconv.Itoa(batch))
	if err != nil {
		return err
	}
	<-p.ended
	if p.err != nil {
		return p.failure()
	}
	return nil
}

// compare runs the programs of one form in turn and judges the medians.
func (l *lab) compare(ctx context.Context, r *results, table *strings.Builder, f *readers, topic string) error {
	names := []string{"logctl"}
	for _, name := range []string{"kcat", "floor"} {
		if f.peers[name] != nil {
			names = append(names, name)
		}
	}
	runs := map[string][]consumed{}
	for range l.rounds {
		lines := -1
		for _, name := range names {
			args := f.peers[name]
			if name == "logctl" {
				args = f.ours
			}
			args = append([]string(nil), args...)
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "{topic}", topic)
			}
			one, err := l.consume(ctx, args, f.pipe)
			if err != nil {
				return err
			}
			progress("reading  %s: %s %.2f s, %.2f CPU s, %.0f MB", f.name, name, one.wall, one.cpu, one.peak)
			if f.pipe && lines >= 0 && one.lines != lines {
				return fmt.Errorf("%s printed %d lines, logctl %d", name, one.lines, lines)
			}
			lines = one.lines
			runs[name] = append(runs[name], one)
		}
	}
	gigabytes := float64(l.lines) * (lineBytes - 1) / 1e9
	wall := func(name string) float64 { return median(runs[name], func(c consumed) float64 { return c.wall }) }
	cpu := func(name string) float64 {
		return median(runs[name], func(c consumed) float64 { return c.cpu }) / gigabytes
	}
	peak := func(name string) float64 { return median(runs[name], func(c consumed) float64 { return c.peak }) }
	for _, name := range names {
		fmt.Fprintf(table, "| %s | %s | %.2f | %.0f | %.2f | %.0f |\n", f.name, name, wall(name), float64(l.lines)/wall(name), cpu(name), peak(name))
	}
	r.readingBars(f.name, wall, cpu, peak("logctl"))
	return nil
}

// readingBars holds one form against what the project asks of itself.
func (r *results) readingBars(form string, wall, cpu func(string) float64, peak float64) {
	faster := map[string]float64{"into /dev/null": 5, "into a pipe": 9, "lines that match": 2.5, "lz4": 3, "zstd": 3, "1,000 partitions": 1}[form]
	r.bars = append(r.bars, bar{what: "tail-topic, " + form + ": rate against kcat's", figure: ratio(wall("kcat"), wall("logctl")), value: wall("kcat") / wall("logctl"),
		want: fmt.Sprintf("≥ %.1f", faster), limit: faster})
	if form == "into /dev/null" {
		r.bars = append(r.bars,
			bar{what: "tail-topic, " + form + ": CPU s/GB", figure: fmt.Sprintf("%.2f", cpu("logctl")), value: cpu("logctl"), want: "≤ 0.7", limit: 0.7, atMost: true},
			bar{what: "tail-topic, " + form + ": CPU against kcat's", figure: ratio(cpu("logctl"), cpu("kcat")), value: cpu("logctl") / cpu("kcat"), want: "≤ 0.2", limit: 0.2, atMost: true})
	}
	r.bars = append(r.bars, bar{what: "tail-topic, " + form + ": peak RSS", figure: fmt.Sprintf("%.0f MB", peak), value: peak, want: "≤ 60 MB", limit: 60, atMost: true})
}

// consumed is what one reading of a topic took: seconds, CPU seconds, MB; and the lines
// that were printed, -1 when they were not counted.
type consumed struct {
	wall, cpu, peak float64
	lines           int
}

// consume runs a program to its end, with its output into a pipe or into /dev/null.
func (l *lab) consume(ctx context.Context, args []string, pipe bool) (consumed, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	var out io.Reader = strings.NewReader("")
	if pipe {
		var err error
		if out, err = cmd.StdoutPipe(); err != nil {
			return consumed{}, err
		}
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
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return consumed{}, err
		}
	}
	if err := cmd.Wait(); err != nil {
		return consumed{}, fmt.Errorf("%s: %w: %s", args[0], err, stderr.String())
	}
	c := consumed{wall: time.Since(began).Seconds(), lines: -1}
	if pipe {
		c.lines = lines
	}
	used := cmd.ProcessState
	c.cpu, c.peak = (used.UserTime() + used.SystemTime()).Seconds(), float64(peak())/1e6
	return c, nil
}
