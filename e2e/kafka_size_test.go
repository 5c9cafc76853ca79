package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

// TestKafkaLongLines writes lines from 70 kB to 5 MB between ordinary ones. The
// ordinary ones are whole, the long ones come in parts that are marked, and the parts
// put together are the line, byte for byte.
func TestKafkaLongLines(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int{"usual limit": 0, "limit of 64 KiB": 64 << 10, "limit of 4 MiB": 4 << 20} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var configs []string
			if limit > 0 {
				configs = []string{"max.message.bytes", fmt.Sprint(limit)}
			}
			topic := w.kafka.Topic(t, 1, configs...)
			w.put(collect(w.path("a.log"), topic))
			agent := w.startAgent()
			l := newLedger()
			var long [][]byte
			for _, size := range []int{70_000, 200_000, 1<<20 - 100, 1 << 20, 1<<20 + 1, 3_000_000, 5_000_000} {
				appendTo(t, w.path("a.log"), l.lines("a", 50))
				line := longLine(size)
				long = append(long, line)
				appendTo(t, w.path("a.log"), append(line, '\n'))
			}
			appendTo(t, w.path("a.log"), l.lines("a", 50))
			if limit == 64<<10 {
				limitLowered(t, w, topic, l, &long)
			}
			w.checkParts(l, long, topic)
			agent.stop()
		})
	}
}

// limitLowered makes the topic take less than before while the agent runs, so that
// batches which were fine are refused.
func limitLowered(t *testing.T, w *world, topic string, l *ledger, long *[][]byte) {
	t.Helper()
	w.arrived(int64(l.written()), topic)
	value := "20000"
	err := w.clusterAdmin().IncrementalAlterConfig(sarama.TopicResource, topic,
		map[string]sarama.IncrementalAlterConfigsEntry{"max.message.bytes": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}}, false)
	if err != nil {
		t.Fatal(err)
	}
	line := longLine(60_000)
	*long = append(*long, line)
	appendTo(t, w.path("a.log"), append(line, '\n'))
	appendTo(t, w.path("a.log"), l.lines("a", 2000))
}

// longLine is a line of so many bytes in characters of one to four bytes, without a
// line break.
func longLine(size int) []byte {
	random := rand.New(rand.NewPCG(uint64(size), 7))
	letters := []string{"a", "Z", "0", " ", "é", "日", "志", "🙂", "\x00", "\xff"}
	b := make([]byte, 0, size+4)
	b = append(b, "LONG "...)
	for len(b) < size {
		b = append(b, letters[random.IntN(len(letters))]...)
	}
	return b[:size]
}

// checkParts reads the topic and checks lines and long lines in parts.
func (w *world) checkParts(l *ledger, long [][]byte, topic string) {
	w.t.Helper()
	c := newCounter(l)
	var joined [][]byte
	arrived := func() bool {
		c, joined = newCounter(l), nil
		for _, r := range w.kafka.Read(w.t, topic) {
			label, isPart := r.Headers["part"]
			switch {
			case !isPart && strings.HasPrefix(r.Value, "LONG "):
				joined = append(joined, []byte(r.Value))
			case !isPart:
				c.add(topic, r.Offset, []byte(r.Value), time.Now())
			case firstPart(label):
				joined = append(joined, []byte(r.Value))
			case len(joined) == 0:
				w.t.Fatalf("part %q without a first one", label)
			default:
				joined[len(joined)-1] = append(joined[len(joined)-1], r.Value...)
			}
		}
		return c.distinct() == l.written() && len(joined) == len(long) && len(joined[len(joined)-1]) == len(long[len(long)-1])
	}
	admin := kafka.NewAdmin(w.client())
	var last int64
	since := time.Now()
	testkit.Eventually(w.t, "nothing more arrives", func() bool {
		if now := w.ends(admin, topic); now != last {
			last, since = now, time.Now()
		}
		return last > int64(l.written()) && time.Since(since) > time.Second && (arrived() || time.Since(since) > testkit.Hang/2)
	})
	if err := admin.Close(); err != nil {
		w.t.Error(err)
	}
	v := c.verdict()
	w.t.Logf("%s; %d long lines", v, len(joined))
	v.Written += len(long)
	for i := range long {
		switch {
		case i >= len(joined):
			v.Lost++
		case !bytes.Equal(joined[i], long[i]):
			v.Garbled++
			w.t.Errorf("long line %d of %d bytes: arrived as %d bytes, the same up to %d", i, len(long[i]), len(joined[i]), commonPrefix(joined[i], long[i]))
		}
	}
	if v.Lost+v.Duplicated+v.Garbled+v.Reordered > 0 {
		w.t.Errorf("%s\n%v", v, c.first)
	}
	record(w.t, v)
}

// firstPart says whether a label of the header part, "1/3" or "1.1/?", begins a line.
func firstPart(label string) bool {
	path, _, _ := strings.Cut(label, "/")
	for _, n := range strings.Split(path, ".") {
		if n != "1" {
			return false
		}
	}
	return true
}

func commonPrefix(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
