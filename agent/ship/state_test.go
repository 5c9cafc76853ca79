package ship

import (
	"math"
	"testing"
	"time"

	status "logctl/agent/state"

	"github.com/IBM/sarama"
)

// TestPartitionStates gives a partition with a batch in flight each kind of
// answer and looks at where it stands then: the state, the sequence, and
// whether the same batch is still the next to go.
func TestPartitionStates(t *testing.T) {
	t.Parallel()
	const records = 5
	now := sequence{id: 7, epoch: 2, next: 100}
	tests := []struct {
		name  string
		code  sarama.KError
		tries int // failures before
		seq   sequence
		state state
		seq2  sequence
		keeps bool // the same batch is out still
		why   status.Code
	}{
		{"stored", sarama.ErrNoError, 0, now, idle, sequence{7, 2, 105}, false, ""},
		{"stored before", sarama.ErrDuplicateSequenceNumber, 3, now, idle, sequence{7, 2, 105}, false, ""},
		{"sequence wraps", sarama.ErrNoError, 0, sequence{7, 2, math.MaxInt32 - 1}, idle, sequence{7, 2, 3}, false, ""},
		{"without idempotence", sarama.ErrNoError, 0, noSequence, idle, noSequence, false, ""},
		{"retry", sarama.ErrNotEnoughReplicas, 0, now, pausing, now, true, ""},
		{"retry for long", sarama.ErrNotEnoughReplicas, 9, now, pausing, now, true, status.FewReplicas},
		{"timed out", sarama.ErrRequestTimedOut, 0, now, pausing, now, true, ""},
		{"other leader", sarama.ErrNotLeaderForPartition, 0, now, pausing, now, true, ""},
		{"missing", sarama.ErrUnknownTopicOrPartition, 0, now, pausing, now, true, ""},
		{"gap", sarama.ErrOutOfOrderSequenceNumber, 0, now, ready, sequence{7, 3, 0}, true, ""},
		{"gap again", sarama.ErrOutOfOrderSequenceNumber, 1, now, pausing, sequence{7, 3, 0}, true, status.BrokerError},
		{"forgotten", sarama.ErrUnknownProducerID, 0, now, ready, sequence{7, 3, 0}, true, ""},
		{"last epoch", sarama.ErrUnknownProducerID, 0, sequence{7, math.MaxInt16 - 1, 9}, nameless, noSequence, true, ""},
		{"fenced", sarama.ErrInvalidProducerEpoch, 0, now, nameless, noSequence, true, ""},
		{"fenced by name", sarama.ErrProducerFenced, 0, now, nameless, noSequence, true, ""},
		{"too large", sarama.ErrMessageSizeTooLarge, 0, now, ready, now, false, ""},
		{"old timestamp", sarama.ErrInvalidTimestamp, 0, now, ready, now, true, ""},
		{"denied", sarama.ErrTopicAuthorizationFailed, 0, now, pausing, now, true, status.TopicDenied},
		{"refused", sarama.ErrInvalidRecord, 0, now, pausing, now, true, status.Refused},
		{"unheard of", sarama.KError(999), 0, now, pausing, now, true, status.BrokerError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, part := offline(t)
			p.ctx = t.Context()
			p.brokers[1] = &broker{p: p, id: 1, wakeup: make(chan struct{}, 1)}
			part.leader, part.seq = 1, tt.seq
			bundle := lines(records, 10, false)
			acked := 0
			bundle.Done = func(r Result) { acked = r.Acked }
			part.accept(bundle)
			part.compose(1000, 100)
			if part.out.records != records {
				t.Fatalf("batch of %d records", part.out.records)
			}
			part.state, part.tries, part.since = flying, tt.tries, time.Now().Add(-time.Minute)
			if tt.code == sarama.ErrInvalidTimestamp {
				part.out.latest = 0
			}
			for _, e := range part.answer(&sarama.ProduceResponseBlock{Err: tt.code}, time.Now(), nil) {
				e.b.Done(e.res)
			}
			if part.resume != nil {
				part.resume.Stop()
			}
			if part.state != tt.state {
				t.Errorf("state %d, want %d", part.state, tt.state)
			}
			if part.seq != tt.seq2 {
				t.Errorf("sequence %+v, want %+v", part.seq, tt.seq2)
			}
			if got := part.full(); got != tt.keeps {
				t.Errorf("keeps the batch: %v, want %v", got, tt.keeps)
			}
			if part.why.state != tt.why {
				t.Errorf("says %q, want %q", part.why.state, tt.why)
			}
			if (acked == records) != (part.t.lines == 0) {
				t.Errorf("acknowledged %d, held %d lines", acked, part.t.lines)
			}
			if tt.code == sarama.ErrInvalidTimestamp && time.Since(time.UnixMilli(part.out.restamped)) > time.Minute {
				t.Error("the batch still has its old timestamp")
			}
		})
	}
}

// TestPutBack looks whether a batch that is put back is cut again the same way,
// with several keys and bundles in it, also after a smaller cut between.
func TestPutBack(t *testing.T) {
	t.Parallel()
	_, part := offline(t)
	for range 3 {
		for _, key := range []string{"a", "b", "c"} {
			b := lines(7, 10, true)
			b.Key = key
			part.accept(b)
		}
	}
	held := part.queued
	type run struct {
		key      string
		from, to int
	}
	cutAll := func() (out []run) {
		part.compose(1<<20, 1000)
		for _, pc := range part.out.pieces {
			out = append(out, run{pc.e.b.Key, pc.from, pc.to})
		}
		return out
	}
	first := cutAll()
	if len(first) != 9 || part.queued != 0 {
		t.Fatalf("%v, %d bytes still queued", first, part.queued)
	}
	part.putBack()
	if part.queued != held {
		t.Errorf("%d bytes queued, want %d", part.queued, held)
	}
	part.compose(400, 1000) // splits the first bundle
	if n := part.out.records; n >= 7 {
		t.Fatalf("small batch of %d records", n)
	}
	part.putBack()
	seen := map[string]int{}
	for _, r := range cutAll() {
		seen[r.key] += r.to - r.from
	}
	if seen["a"] != 21 || seen["b"] != 21 || seen["c"] != 21 || part.queued != 0 {
		t.Errorf("records by key %v, %d bytes queued", seen, part.queued)
	}
	if part.ring.head != nil {
		t.Error("the ring is not empty")
	}
}
