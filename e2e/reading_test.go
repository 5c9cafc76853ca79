package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"logctl/consumer"
	"logctl/internal/testkit"
)

// readAll reads the topics from their beginning, feeding the counter, until it has
// seen all lines of the ledger, or nothing new came for the given time. Then it reads
// on to the present end, for duplicates.
func (w *world) readAll(c *counter, quiet time.Duration, topics ...string) {
	w.t.Helper()
	want := c.ledger.written()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	from, err := consumer.ParseFrom("oldest")
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := consumer.Open(ctx, consumer.Config{Kafka: w.client(), Topics: topics, From: from, Follow: true, Isolation: consumer.ReadUncommitted})
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Close()
	got, since := 0, time.Now()
	for {
		next, cancelNext := context.WithTimeout(ctx, time.Second)
		records, err := r.Next(next)
		cancelNext()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			w.t.Fatal(err)
		}
		for i := range records {
			c.add(placeOf(records[i].Topic, records[i].Partition), records[i].Offset, records[i].Value, records[i].Time)
		}
		if n := c.distinct(); n > got {
			got, since = n, time.Now()
		}
		if got >= want && len(records) == 0 || time.Since(since) > quiet {
			return
		}
	}
}

// clean checks that nothing was lost, duplicated, garbled or reordered.
func (w *world) clean(c *counter, topics ...string) verdict {
	w.t.Helper()
	v := w.count(c, topics...)
	if v.Lost+v.Duplicated+v.Garbled+v.Reordered > 0 {
		w.t.Errorf("%s: %s\n%v", w.t.Name(), v, c.first)
	}
	if !w.unproved {
		w.proved()
	}
	return v
}

// spared checks that nothing was lost, garbled or reordered, and that no more than so
// many lines came twice.
func (w *world) spared(c *counter, most int, topics ...string) verdict {
	w.t.Helper()
	v := w.count(c, topics...)
	if v.Lost+v.Garbled+v.Reordered > 0 || v.Duplicated > most {
		w.t.Errorf("%s: %s, want at most %d duplicated\n%v", w.t.Name(), v, most, c.first)
	}
	return v
}

func (w *world) count(c *counter, topics ...string) verdict {
	w.t.Helper()
	w.readAll(c, testkit.Hang/2, topics...)
	v := c.verdict()
	w.t.Logf("%s", v)
	record(w.t, v)
	return v
}

// result is one line of the results file.
type result struct {
	Scenario string `json:"scenario"`
	Passed   bool   `json:"passed"`
	verdict
}

// record appends a verdict to the results file, when one is wanted.
func record(t *testing.T, v verdict) {
	path := os.Getenv("LOGCTL_RESULTS")
	if path == "" {
		return
	}
	t.Cleanup(func() {
		data, err := json.Marshal(result{Scenario: t.Name(), Passed: !t.Failed(), verdict: v})
		if err != nil {
			t.Error(err)
			return
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := fmt.Fprintln(io.Writer(f), string(data)); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
}
