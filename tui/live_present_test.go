package tui

import (
	"testing"
	"time"

	"github.com/IBM/sarama"

	"logctl/internal/testkit"
)

// TestOldReportsDoNotComeBeforeNewOnes: the last thousands of records are an hour's where few
// agents report, and of agents with thousands of entries they are gigabytes: a console read
// all of them before it showed a number.
func TestOldReportsDoNotComeBeforeNewOnes(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	p := syncProducer(t, k)
	now := time.Now()
	send := func(n int, at time.Time) {
		t.Helper()
		var list []*sarama.ProducerMessage
		for range n {
			list = append(list, &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("{}"), Timestamp: at})
		}
		if err := p.SendMessages(list); err != nil {
			t.Fatal(err)
		}
	}
	first := func() int64 {
		t.Helper()
		r, err := liveReports{cfg: k.Config(), topic: topic}.openPresent(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}()
		return r.Partitions()[0].Next
	}
	send(100, now.Add(-10*time.Minute))
	send(10, now)
	if got := first(); got != 100 {
		t.Errorf("reading begins at offset %d, want 100: the first of the last minutes", got)
	}
	send(reportsBack+5, now)
	if got, want := first(), int64(115); got != want {
		t.Errorf("reading begins at offset %d, want %d: the last %d", got, want, reportsBack)
	}
}
