package kafka_test

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"slices"
	"testing"
	"time"

	"logctl/internal/kafka"
	"logctl/internal/testkit"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// encoded is the array of topics of a produce request with one record, made by
// another client's encoder.
func encoded(topic, value string) []byte {
	record := kmsg.Record{Value: []byte(value), Length: 1}
	size := len(record.AppendTo(nil)) - 1
	record.Length = int32(size)
	batch := kmsg.RecordBatch{Magic: 2, PartitionLeaderEpoch: -1, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		FirstTimestamp: 1_700_000_000_000, MaxTimestamp: 1_700_000_000_000, NumRecords: 1, Records: record.AppendTo(nil)}
	batch.Length = int32(len(batch.AppendTo(nil)) - 12)
	batch.CRC = int32(crc32.Checksum(batch.AppendTo(nil)[21:], crc32.MakeTable(crc32.Castagnoli)))
	req := kmsg.NewProduceRequest()
	req.Version = 8
	req.Topics = []kmsg.ProduceRequestTopic{{Topic: topic, Partitions: []kmsg.ProduceRequestTopicPartition{{Records: batch.AppendTo(nil)}}}}
	return req.AppendTo(nil)[8:] // behind transaction, acks and timeout
}

// produce sends topics in pieces of n bytes and waits for the answer.
func produce(t *testing.T, conn *kafka.Conn, topics []byte, n int) error {
	t.Helper()
	failed := make(chan error, 1)
	pieces := net.Buffers(slices.Collect(slices.Chunk(topics, n)))
	err := conn.ProduceEncoded(sarama.WaitForAll, time.Second, pieces, func(res *sarama.ProduceResponse, err error) {
		if err == nil {
			for _, parts := range res.Blocks {
				if code := parts[0].Err; code != sarama.ErrNoError {
					err = code
				}
			}
		}
		failed <- err
	})
	if err != nil {
		return err
	}
	return <-failed
}

// TestProduceEncoded sends small and large requests over plain and TLS
// connections, among other requests, and past the end of a SASL session.
func TestProduceEncoded(t *testing.T) {
	t.Parallel()
	certs := testkit.NewCerts(t)
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("secure=%v", secure), func(t *testing.T) {
			t.Parallel()
			session := time.Duration(0)
			var opts []kfake.Opt
			if secure {
				session = time.Second
				opts = append(opts, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "agent", "pw"), kfake.TLS(certs.Server),
					kfake.BrokerConfigs(map[string]string{"connections.max.reauth.ms": "1000"}))
			}
			k := testkit.Kafka(t, testkit.Embedded(opts...))
			cfg := k.Config()
			if secure {
				cfg = k.ConfigSASL(t, "SCRAM-SHA-512", "agent", "pw")
				cfg.CAFile = certs.CAFile
				k = k.As(cfg)
			}
			settings, err := cfg.Sarama()
			if err != nil {
				t.Fatal(err)
			}
			topic := k.Topic(t, 1)
			conn, err := kafka.Dial(t.Context(), settings, k.Addr())
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for began := time.Now(); len(want) < 8 || time.Since(began) < session*3/2; {
				size := 100 << (2 * (len(want) % 7)) // up to 400 KB
				value := fmt.Sprint(len(want)) + string(bytes.Repeat([]byte("x"), size))
				if err := produce(t, conn, encoded(topic, value), 1+size/3); err != nil {
					t.Fatalf("request %d: %v", len(want), err)
				}
				want = append(want, value)
				if _, err := conn.GetMetadata(sarama.NewMetadataRequest(settings.Version, []string{topic})); err != nil {
					t.Fatal(err)
				}
			}
			if err := conn.Close(); err != nil {
				t.Error(err)
			}
			var got []string
			for _, r := range k.Read(t, topic) {
				got = append(got, r.Value)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d records, want the %d that were sent", len(got), len(want))
			}
		})
	}
}

func TestProduceEncodedTooLarge(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	settings, err := k.Config().Sarama()
	if err != nil {
		t.Fatal(err)
	}
	topic := k.Topic(t, 1)
	conn, err := kafka.Dial(t.Context(), settings, k.Addr())
	if err != nil {
		t.Fatal(err)
	}
	megabyte := make([]byte, 1<<20)
	var pieces net.Buffers
	for range sarama.MaxRequestSize>>20 + 1 {
		pieces = append(pieces, megabyte)
	}
	var tooLarge sarama.PacketEncodingError
	err = conn.ProduceEncoded(sarama.WaitForAll, time.Second, pieces, func(*sarama.ProduceResponse, error) { t.Error("called back") })
	if !errors.As(err, &tooLarge) {
		t.Errorf("error %v", err)
	}
	if err := produce(t, conn, encoded(topic, "small"), 1<<20); err != nil {
		t.Errorf("the next request: %v", err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := produce(t, conn, encoded(topic, "closed"), 1<<20); err == nil {
		t.Error("sent on a closed connection")
	}
}
