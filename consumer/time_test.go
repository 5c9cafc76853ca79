package consumer

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"logctl/internal/testkit"
)

// An end that is a time to come ends a following read when it has come.
func TestEndInTheFuture(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 2)
	cl := client(t, k)
	write(t, cl, &kgo.Record{Topic: topic, Value: []byte("before")})
	cfg := config(k, topic)
	cfg.Follow = true
	want := []string{"before"}
	testkit.Soon(t, 6*time.Second, "a read with an end in 1.5 s", func() time.Duration {
		var err error
		if cfg.To, err = ParseTo("+1500ms"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		r := open(t, cfg)
		// Its time is that of the client: it is in time however late it is written.
		write(t, cl, &kgo.Record{Topic: topic, Partition: 1, Value: []byte("in time"), Timestamp: began})
		want = append(want, "in time")
		got := values(all(t, r), -1)
		slices.Sort(got)
		if written := time.Since(began); len(got) == len(want)-1 && written > 1500*time.Millisecond {
			return time.Hour // the machine was too slow to write it before the end: once more
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		took := time.Since(began)
		if took < 1400*time.Millisecond {
			t.Errorf("it ended after %v, want 1.5 s", took)
		}
		return took
	})
}

func TestStartsAndEndsByTime(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 1)
	write(t, client(t, k), numbered(topic, 0, 100)...)
	for _, tc := range []struct {
		from, to string
		want     int
	}{
		{"@1700000000050", "", 50}, {"@1700000000000", "@1700000000010", 10}, {"@1700000000099", "", 1},
		{"@1700000000100", "", 0}, {"oldest", "@1700000009999", 100}, {"1990-01-01", "-95", 5}, {"+98", "+1", 1}, {"-10", "95", 5},
	} {
		cfg := config(k, topic)
		var err error
		if cfg.From, err = ParseFrom(tc.from); err != nil {
			t.Fatal(err)
		}
		if cfg.To, err = ParseTo(tc.to); err != nil {
			t.Fatal(err)
		}
		if got := all(t, open(t, cfg)); len(got) != tc.want {
			t.Errorf("from %s to %s: %d records, want %d", tc.from, tc.to, len(got), tc.want)
		}
	}
}

// A merged read that follows holds a record for the older one of another partition,
// and no longer than the window when that is silent.
func TestSortWhileFollowing(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 2)
	cl := client(t, k)
	cfg := config(k, topic)
	cfg.Follow, cfg.Sort, cfg.SortWindow = true, true, 400*time.Millisecond
	r := open(t, cfg)
	now := time.Now().Add(10 * time.Minute) // a clock ahead holds no longer
	for i := range 10 {
		write(t, cl, &kgo.Record{Topic: topic, Partition: int32(i % 2), Value: fmt.Appendf(nil, "%d", 9-i), Timestamp: now.Add(time.Duration(9-i) * time.Second)})
	}
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Hang)
	defer cancel()
	var got []Record
	for len(got) < 10 {
		batch, err := r.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch {
			got = append(got, batch[i].Clone())
		}
	}
	ordered(t, got)
	if len(got) != 10 {
		t.Errorf("%d records", len(got))
	}
}

// An end that is a time to come is before the first record of that time, also when
// records are written on and on.
func TestEndInTheFutureIsExact(t *testing.T) {
	for _, sorted := range []bool{false, true} {
		k := testkit.Kafka(t)
		topic := k.Topic(t, 1)
		cl := client(t, k)
		cfg := config(k, topic)
		cfg.Follow, cfg.Sort = true, sorted
		var err error
		if cfg.To, err = ParseTo("+10m"); err != nil {
			t.Fatal(err)
		}
		r := open(t, cfg)
		now := time.Now()
		for i, after := range []time.Duration{0, time.Minute, 11 * time.Minute, time.Minute} {
			write(t, cl, &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "%d", i), Timestamp: now.Add(after)})
		}
		if got := values(all(t, r), -1); !slices.Equal(got, []string{"0", "1"}) {
			t.Errorf("sorted %v: got %q", sorted, got)
		}
		if s := r.Partitions()[0]; s.Next != 2 || s.StopAt != 2 || !s.Done {
			t.Errorf("sorted %v: it ended at %d of %d", sorted, s.Next, s.StopAt)
		}
	}
}

func TestStartInTheFutureIsTold(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 3)
	for _, tc := range []struct {
		from string
		said int
	}{{"+1h", 1}, {"-1m", 0}} {
		var said notices
		cfg := config(k, topic)
		cfg.Notify = said.add
		var err error
		if cfg.From, err = ParseFrom(tc.from); err != nil {
			t.Fatal(err)
		}
		if got := all(t, open(t, cfg)); len(got) != 0 || said.count(OffsetClamped) != tc.said {
			t.Errorf("from %s: %d records and %v", tc.from, len(got), said.all())
		}
	}
}
