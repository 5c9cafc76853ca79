//go:build !nodemo

package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"logctl/consumer"
	"logctl/consumer/format"
	"logctl/internal/safe"
)

// openReader reads the demo's topics from where they end now.
func (st *demoStage) openReader(ctx context.Context) (*consumer.Reader, error) {
	var topics []string
	for _, e := range st.entries {
		topics = append(topics, e.Topic)
	}
	return consumer.Open(ctx, consumer.Config{Kafka: st.kafkaConfig(), Topics: topics, Follow: true, Log: st.log})
}

// demoHeadless prints the records of the demo's topics until ctx ends, then waits
// until written, shipped and consumed are the same.
func (a *app) demoHeadless(ctx context.Context, st *demoStage, r *consumer.Reader, printer format.Printer) error {
	reading, stopReading := context.WithCancel(context.WithoutCancel(ctx))
	defer stopReading()
	var consumed atomic.Int64
	printed := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() { printed <- a.printAll(reading, r, printer, &consumed) })
	wg.Go(func() { a.throughput(reading, st, &consumed) })
	defer wg.Wait()
	defer stopReading()

	select {
	case err := <-printed: // a closed pipe, or a failure: nobody reads on
		return err
	case <-st.agentDone:
		return st.agentErr
	case <-ctx.Done():
	}
	t := st.finish(context.WithoutCancel(ctx), finishTime)
	if t.shipped != t.written {
		t.err = errors.Join(t.err, fmt.Errorf("demo: of %d lines written %d were shipped", t.written, t.shipped))
	}
	deadline := time.NewTimer(finishTime)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := false; consumed.Load() < t.shipped && !late; {
		select {
		case err := <-printed:
			return err
		case <-tick.C:
		case <-deadline.C:
			late = true
		}
	}
	stopReading()
	wg.Wait() // the summary is the last line
	safe.Fprintf(a.Err, "demo: %d lines written, %d shipped, %d consumed\n", t.written, t.shipped, consumed.Load())
	if n := consumed.Load(); n != t.shipped {
		t.err = errors.Join(t.err, fmt.Errorf("demo: of %d lines shipped %d were consumed", t.shipped, n))
	}
	return t.err
}

// printAll prints records until ctx ends; stdout is flushed after every batch.
func (a *app) printAll(ctx context.Context, r *consumer.Reader, printer format.Printer, consumed *atomic.Int64) error {
	out := bufio.NewWriterSize(a.Out, 64<<10)
	var buf []byte
	for {
		records, err := r.Next(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		buf = buf[:0]
		for i := range records {
			rec := &records[i]
			buf = printer.Append(buf, &format.Record{Record: rec, Key: rec.Key, Value: rec.Value})
		}
		buf = printer.Flush(buf)
		if _, err := out.Write(buf); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
		consumed.Add(int64(len(records)))
	}
}

// throughput prints a line on stderr every second until ctx ends.
func (a *app) throughput(ctx context.Context, st *demoStage, consumed *atomic.Int64) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var last int64
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			t, n := st.totals(), consumed.Load()
			safe.Fprintf(a.Err, "%s  %d lines/s  written %d  shipped %d  consumed %d\n", now.Format("15:04:05"), n-last, t.written, t.shipped, n)
			last = n
		}
	}
}
