//go:build unix

package e2e

import (
	"bytes"
	enc "encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"logctl/internal/testkit"
)

// zeros are read without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// hugeBatch is a batch of one record of size zero bytes, compressed as it is made.
func hugeBatch(t *testing.T, size int64, codec int16) []byte {
	t.Helper()
	body := []byte{0, 0, 0}             // attributes, time and offset: the first of the batch
	body = enc.AppendVarint(body, -1)   // no key
	body = enc.AppendVarint(body, size) // of the value
	var packed bytes.Buffer
	var w io.WriteCloser = lz4.NewWriter(&packed)
	if codec == 1 {
		w = gzip.NewWriter(&packed)
	}
	head := enc.AppendVarint(nil, int64(len(body))+size+1)
	record := io.MultiReader(bytes.NewReader(append(head, body...)), io.LimitReader(zeros{}, size), bytes.NewReader([]byte{0}))
	_, err := io.Copy(struct{ io.Writer }{w}, record)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UnixMilli()
	b := kmsg.RecordBatch{PartitionLeaderEpoch: -1, Magic: 2, Attributes: codec, FirstTimestamp: now, MaxTimestamp: now,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: 1, Records: packed.Bytes()}
	raw := b.AppendTo(nil)
	enc.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
	enc.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

// TestHugeRecords: records of 200 and 400 MiB that gzip and lz4 make small are one notice
// each, with partition and offset, and the rest is read, within the memory that was asked for.
func TestHugeRecords(t *testing.T) {
	w := newWorld(t, testkit.Embedded())
	topic := w.kafka.Topic(t, 2, "max.message.bytes", "16777216")
	client, err := kgo.NewClient(kgo.SeedBrokers(w.kafka.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxVersions(kversion.V2_8_0()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	send := func(partition int32, raw []byte) {
		t.Helper()
		r := kmsg.NewPtrProduceRequest()
		r.Acks, r.TimeoutMillis = -1, 10_000
		r.Topics = []kmsg.ProduceRequestTopic{{Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: partition, Records: raw}}}}
		resp, err := r.RequestWith(t.Context(), client)
		if err != nil {
			t.Fatal(err)
		}
		if err := kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode); err != nil {
			t.Fatal(err)
		}
	}
	for partition, huge := range [][]byte{hugeBatch(t, 200<<20, 1), hugeBatch(t, 400<<20, 3)} {
		line := func(text string) {
			t.Helper()
			if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Partition: int32(partition), Value: fmt.Appendf(nil, "%s %d", text, partition)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		line("before")
		send(int32(partition), huge)
		line("after")
	}
	for _, c := range []struct {
		name    string
		flags   []string
		notices []string
		lines   int
		rss     int64 // MiB at most
	}{
		{"as it is", nil, []string{"offset 1 of partition 0 of " + topic, "offset 1 of partition 1 of " + topic}, 4, 640},
		{"with more memory", []string{"--max-memory", "1GiB", "-p", "0"}, []string{"offset 1 of partition 0 of " + topic}, 2, 1152},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, nil, append([]string{"tail-topic", topic, "--kafka", strings.Join(w.kafka.Addrs(), ","), "--from", "oldest", "--no-follow", "-o", "raw"}, c.flags...)...)
			if code := p.wait(); code != 1 {
				t.Errorf("exit code %d, want 1: not everything was read", code)
			}
			if got := strings.Count(p.out.String(), "\n"); got != c.lines || strings.Count(p.out.String(), "after") != c.lines/2 {
				t.Errorf("%d lines, want %d:\n%.500s", got, c.lines, p.out.String())
			}
			said := p.err.String()
			for _, n := range c.notices {
				if strings.Count(said, n) != 1 {
					t.Errorf("%q is said %d times:\n%.2000s", n, strings.Count(said, n), said)
				}
			}
			usage, ok := p.cmd.ProcessState.SysUsage().(*syscall.Rusage)
			if !ok {
				return
			}
			rss := usage.Maxrss >> 10 // KiB
			if runtime.GOOS == "darwin" {
				rss >>= 10 // bytes
			}
			t.Logf("%d MiB; %s", rss, strings.TrimSpace(said))
			if rss > c.rss && !testkit.Race {
				t.Errorf("%d MiB of memory, want at most %d", rss, c.rss)
			}
		})
	}
}
