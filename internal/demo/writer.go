package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// WriterOptions says what a Writer writes.
type WriterOptions struct {
	// Rate is about how many lines are written a second, all logs together and bursts
	// aside. Zero: 400.
	Rate int
	// RotateBytes is the size at which a log is renamed away and begun anew. Zero: what is
	// written in about ten seconds, 1 MiB at least, so that a follower has time for each
	// generation before it is deleted.
	RotateBytes int64
	// Keep is how many renamed generations of a log stay. Zero: 3.
	Keep int
	// Seed makes the same lines come again. Zero: new ones each time.
	Seed uint64
}

// Sample is one of the logs a Writer writes and the topic it is meant for.
type Sample struct {
	Path  string
	Topic string
}

// Writer writes three sample logs at once: an access log, a JSON application log and one
// with Chinese text. It rotates them by renaming and counts every line.
type Writer struct {
	dir     string
	made    bool // dir is ours to remove
	logs    []*sampleLog
	random  *rand.Rand
	rate    float64
	running atomic.Bool
}

// NewWriter prepares the logs in dir, which is made if missing. Nothing is written
// before Run.
func NewWriter(dir string, opts WriterOptions) (*Writer, error) {
	opts = opts.withDefaults()
	_, statErr := os.Stat(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the directory of the sample logs: %w", err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find the directory of the sample logs: %w", err)
	}
	w := &Writer{dir: dir, made: errors.Is(statErr, os.ErrNotExist), rate: float64(opts.Rate)}
	w.random = rand.New(rand.NewPCG(opts.Seed, opts.Seed^0x9e3779b97f4a7c15))
	for _, kind := range []struct {
		name, topic string
		share       float64 // of the rate
		line        lineFunc
	}{
		{"access.log", "nginx_log", 0.6, accessLine},
		{"app.json", "app_log", 0.3, appLine},
		{"交易.log", "trade_log", 0.1, tradeLine},
	} {
		w.logs = append(w.logs, &sampleLog{
			path: filepath.Join(dir, kind.name), topic: kind.topic, share: kind.share, line: kind.line,
			rotateBytes: opts.RotateBytes, keep: opts.Keep,
		})
	}
	return w, nil
}

// Samples are the logs being written.
func (w *Writer) Samples() []Sample {
	samples := make([]Sample, len(w.logs))
	for i, log := range w.logs {
		samples[i] = Sample{Path: log.path, Topic: log.topic}
	}
	return samples
}

// Lines says how many whole lines each log has got so far, over all its generations, by
// path.
func (w *Writer) Lines() map[string]int64 {
	lines := make(map[string]int64, len(w.logs))
	for _, log := range w.logs {
		lines[log.path] = log.lines.Load()
	}
	return lines
}

// Total is the sum of Lines.
func (w *Writer) Total() int64 {
	var n int64
	for _, log := range w.logs {
		n += log.lines.Load()
	}
	return n
}

// tick is how often lines are written: often enough to look alive.
const tick = 50 * time.Millisecond

// Run writes until ctx ends, then ends each unfinished line and returns nil. The first
// lines are written at once.
func (w *Writer) Run(ctx context.Context) (err error) {
	if w.running.Swap(true) {
		return errors.New("write sample logs: this writer runs already")
	}
	defer func() {
		for _, log := range w.logs {
			err = errors.Join(err, log.finish())
		}
	}()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	start := time.Now()
	for now := start; ; {
		busy, burst := w.load(now.Sub(start))
		for _, log := range w.logs {
			want := w.rate * log.share * busy * tick.Seconds()
			if err := log.write(w.random, now, want, burst); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case now = <-ticker.C:
		}
	}
}

// load says how busy the imagined site is after running for d: a slow swell, and two
// seconds of trouble every fifteen.
func (w *Writer) load(d time.Duration) (busy float64, burst bool) {
	second := d.Seconds()
	if in := second - 15*float64(int(second/15)); in >= 11 && in < 13 {
		return 2.5, true
	}
	return 0.7 + 0.6*w.random.Float64(), false
}

// Close removes the logs and their renamed generations, and the directory if NewWriter
// made it and nothing else is in it. Run must have returned.
func (w *Writer) Close() error {
	var errs []error
	for _, log := range w.logs {
		errs = append(errs, log.remove())
	}
	if w.made {
		// Somebody may have put something else there; that stays.
		_ = os.Remove(w.dir)
	}
	return errors.Join(errs...)
}

// sampleLineBytes is about the length of a sample line.
const sampleLineBytes = 170

func (o WriterOptions) withDefaults() WriterOptions {
	if o.Rate <= 0 {
		o.Rate = 400
	}
	if o.RotateBytes <= 0 {
		o.RotateBytes = max(1<<20, int64(o.Rate)*10*sampleLineBytes)
	}
	if o.Keep <= 0 {
		o.Keep = 3
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	return o
}
