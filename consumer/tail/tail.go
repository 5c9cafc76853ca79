package tail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"logctl/consumer"
	"logctl/consumer/decode"
	"logctl/consumer/filter"
	"logctl/consumer/format"
	"logctl/internal/safe"
)

// Config says what is read and how it is shown.
type Config struct {
	Reader       consumer.Config // Notify, Reuse and Linger are set by Run
	Last         int             // only the last so many records of the topics together; negative: no such limit
	PerPartition bool            // Last counts in each partition
	Count        int64           // end after so many shown records; 0: no such limit
	Idle         time.Duration   // end when no record came for so long; 0: never

	Filter  *filter.Filter // nil: all pass
	Decoder decode.Decoder // of values; nil: none
	Keys    decode.Decoder // of keys; nil: none
	Printer format.Printer // nil: nothing is printed
	Rate    bool           // print rates each second in place of records
	Total   bool           // print the number of records at the end in place of records

	Out      io.Writer
	Messages io.Writer // notices and the summary
	Quiet    bool      // no messages but errors
}

// outBuffer is how much is collected before it is written, bytes.
const outBuffer = 256 << 10

// tailer is one run.
type tailer struct {
	cfg     Config
	out     []byte
	began   time.Time
	shown   int64
	passed  int64 // not shown: filtered out
	bytes   int64 // of the values shown
	record  format.Record
	key     []byte
	value   []byte
	rates   *rates
	failed  decodeFailures
	hungUp  atomic.Bool           // the reader of the output is gone
	skipped atomic.Int64          // batches that could not be read
	left    map[partitionID]int64 // first offset of each partition that was read and not looked at
	values  *consumer.Wanted      // when nothing but values is printed; nil: records are asked for
}

// Run reads until the end that cfg describes or until ctx ends, which is no error.
func Run(ctx context.Context, cfg Config) error {
	t := &tailer{cfg: cfg, began: time.Now(), out: make([]byte, 0, outBuffer+64<<10)}
	if cfg.Rate {
		t.rates = newRates()
	}
	t.values = onlyValues(&cfg)
	rc := cfg.Reader
	rc.Reuse, rc.Linger = true, -1
	rc.Notify = func(n consumer.Notice) {
		if n.Kind == consumer.RecordsSkipped {
			t.skipped.Add(1)
		}
		t.say("%s", n.Text)
	}
	follow := rc.Follow

	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { watchHangup(ctx, cfg.Out, func() { t.hungUp.Store(true); cancel() }) })

	for _, note := range slices.Concat(rc.From.Notes(), rc.To.Notes()) {
		t.say("%s", note)
	}
	r, err := t.open(ctx, rc)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	for {
		err = t.drain(ctx, r)
		if !errors.Is(err, io.EOF) || cfg.Last < 0 || cfg.PerPartition || !follow {
			break
		}
		next, nextErr := r.Continue(ctx)
		if nextErr != nil {
			err = nextErr
			break
		}
		r, follow = next, false
	}
	return t.end(ctx, r, err)
}

// open opens the reader that cfg asks for.
func (t *tailer) open(ctx context.Context, rc consumer.Config) (*consumer.Reader, error) {
	switch {
	case t.cfg.Last < 0:
		return consumer.Open(ctx, rc)
	case t.cfg.PerPartition:
		rc.From = consumer.Last(int64(t.cfg.Last))
		return consumer.Open(ctx, rc)
	}
	return consumer.OpenLast(ctx, rc, t.cfg.Last)
}

// errEnough ends the loop after Config.Count records, errIdle after Config.Idle of
// silence.
var (
	errEnough = errors.New("enough records")
	errIdle   = errors.New("silence")
)

// drain shows what the reader delivers until it ends.
func (t *tailer) drain(ctx context.Context, r *consumer.Reader) error {
	last := time.Now()
	for {
		if len(t.out) > 0 && !r.Buffered() {
			if err := t.flush(); err != nil {
				return err
			}
		}
		n, err := t.step(ctx, r, last)
		if err != nil {
			return err
		}
		if n > 0 {
			last = time.Now()
		}
		if t.rates != nil {
			if err := t.rate(r); err != nil {
				return err
			}
		}
		if n == 0 && t.cfg.Idle > 0 && time.Since(last) >= t.cfg.Idle {
			return errIdle
		}
	}
}

// step shows the next records and returns how many there were: none when it is time to
// look at the clock.
func (t *tailer) step(ctx context.Context, r *consumer.Reader, last time.Time) (n int, err error) {
	var wake time.Time
	if t.rates != nil {
		wake = t.rates.due
	}
	if t.cfg.Idle > 0 {
		if end := last.Add(t.cfg.Idle); wake.IsZero() || end.Before(wake) {
			wake = end
		}
	}
	bounded := ctx
	if !wake.IsZero() {
		var cancel context.CancelFunc
		bounded, cancel = context.WithDeadline(ctx, wake)
		defer cancel()
	}
	if t.values != nil {
		n, err = t.copyValues(bounded, r)
	} else {
		var batch []consumer.Record
		if batch, err = r.Next(bounded); err == nil {
			return len(batch), t.show(ctx, batch)
		}
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return 0, nil
	}
	return n, err
}

// show prints the records of a batch that pass.
func (t *tailer) show(ctx context.Context, batch []consumer.Record) error {
	plain := t.cfg.Filter == nil && t.cfg.Decoder == nil && t.cfg.Keys == nil
	for i := range batch {
		rec := &batch[i]
		t.record = format.Record{Record: rec, Key: rec.Key, Value: rec.Value}
		if !plain {
			if t.decode(ctx, rec); t.cfg.Filter != nil && !t.cfg.Filter.Match(rec, t.record.Key, t.record.Value) {
				t.passed++
				continue
			}
		}
		t.shown++
		t.bytes += int64(len(t.record.Value))
		if t.rates != nil {
			t.rates.add(rec)
		}
		if t.cfg.Printer != nil {
			t.out = t.cfg.Printer.Append(t.out, &t.record)
		}
		if t.cfg.Count > 0 && t.shown >= t.cfg.Count {
			t.leave(batch[i+1:])
			return errEnough
		}
		if len(t.out) >= outBuffer {
			if err := t.write(); err != nil {
				return err
			}
		}
	}
	if t.cfg.Printer != nil {
		t.out = t.cfg.Printer.Flush(t.out)
	}
	return nil
}

// leave notes the records that were read and are not looked at any more.
func (t *tailer) leave(batch []consumer.Record) {
	t.left = map[partitionID]int64{}
	for i := range batch {
		id := partitionID{batch[i].Topic, batch[i].Partition}
		if _, ok := t.left[id]; !ok {
			t.left[id] = batch[i].Offset
		}
	}
}

// flush writes everything that was printed.
func (t *tailer) flush() error {
	if t.cfg.Printer != nil {
		t.out = t.cfg.Printer.Flush(t.out)
	}
	return t.write()
}

func (t *tailer) write() error {
	if len(t.out) == 0 {
		return nil
	}
	_, err := t.cfg.Out.Write(t.out)
	t.out = t.out[:0]
	if cap(t.out) > 4*outBuffer { // a huge record must not hold its memory
		t.out = make([]byte, 0, outBuffer+64<<10)
	}
	if err != nil {
		return &writeError{err}
	}
	return nil
}

// writeError is an error of the output, as opposed to one of the reader.
type writeError struct{ err error }

func (e *writeError) Error() string { return "write output: " + e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

// end closes the reader, prints what is left and the summary, and maps the reason of
// the end to an error.
func (t *tailer) end(ctx context.Context, r *consumer.Reader, why error) error {
	stats := r.Partitions()
	for i := range stats {
		if at, ok := t.left[partitionID{stats[i].Topic, stats[i].Partition}]; ok {
			stats[i].Next = at
		}
	}
	refused, throttled := r.Refused(), r.Throttled()
	closeErr := r.Close()
	var we *writeError
	if t.hungUp.Load() {
		return nil
	}
	if errors.As(why, &we) {
		if IsClosedPipe(we) || errors.Is(we, io.ErrClosedPipe) {
			return nil
		}
		return why
	}
	flushErr := t.flush()
	if flushErr == nil && t.cfg.Total {
		_, flushErr = fmt.Fprintln(t.cfg.Out, t.shown)
	}
	if IsClosedPipe(flushErr) {
		return nil
	}
	idle := errors.Is(why, errIdle)
	quiet := errors.Is(why, io.EOF) || errors.Is(why, errEnough) || idle || ctx.Err() != nil
	left := unread(stats, idle)
	var access *consumer.AccessError
	switch {
	case !quiet && (left == nil || errors.As(why, &access)):
		return why
	case !quiet: // no partition could be read: say which
		return left
	}
	t.summary(stats, throttled, idle)
	return errors.Join(append(refused, flushErr, closeErr, left, t.missing())...)
}

// missing is the error of batches that were passed over: -q must not hide it.
func (t *tailer) missing() error {
	if n := t.skipped.Load(); n > 0 {
		return fmt.Errorf("%s passed over: the output is not complete", plural(n, "batch or record was", "batches or records were"))
	}
	return nil
}

// unread is the error of partitions that were given up: what was printed is not
// everything that was asked for. After a silence those that cannot be read are among
// them: their silence means nothing. Those that could not be read just now, when the
// user ended it, are none.
func unread(stats []consumer.PartitionStat, idle bool) error {
	return errors.Join(unfinished(stats, func(s *consumer.PartitionStat) bool {
		return (s.Done || idle) && (s.StopAt < 0 || s.Next < s.StopAt)
	})...)
}

// say prints a line for the operator; control characters in it are shown, not obeyed.
func (t *tailer) say(f string, args ...any) {
	if !t.cfg.Quiet {
		line := fmt.Appendf(nil, "logctl: "+f, args...)
		_, _ = t.cfg.Messages.Write(append(safe.Append(nil, line, true), '\n')) // nobody is left to be told
	}
}
