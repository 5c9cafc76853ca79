package kafka_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"

	"logctl/internal/kafka"
	"logctl/internal/testkit"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// mockBroker answers as librdkafka's mock cluster of 2.16 does: with a byte too many behind
// each answer about topics that has tagged fields.
func mockBroker(conn net.Conn) error {
	be := binary.BigEndian
	for {
		var head [12]byte // length, key, version, correlation
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, conn, int64(be.Uint32(head[:]))-8); err != nil {
			return err
		}
		version := int16(be.Uint16(head[6:]))
		out := append(make([]byte, 4), head[8:]...)
		switch key := int16(be.Uint16(head[4:])); key {
		case 18:
			res := kmsg.NewPtrApiVersionsResponse()
			for k, highest := range map[int16]int16{3: 12, 18: 3} {
				res.ApiKeys = append(res.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: k, MaxVersion: highest})
			}
			res.SetVersion(version)
			out = res.AppendTo(out)
		case 3:
			res := kmsg.NewPtrMetadataResponse()
			res.Brokers = []kmsg.MetadataResponseBroker{{NodeID: 7, Host: "127.0.0.1", Port: 9}}
			name := "mock"
			res.Topics = []kmsg.MetadataResponseTopic{{Topic: &name, Partitions: []kmsg.MetadataResponseTopicPartition{{Leader: 7, Replicas: []int32{7}, ISR: []int32{7}}}}}
			res.SetVersion(version)
			if version >= 9 {
				out = append(out, 0) // the header's tagged fields
			}
			if out = res.AppendTo(out); version >= 9 {
				out = append(out, 0) // the byte too many
			}
		}
		be.PutUint32(out, uint32(len(out)-4))
		if _, err := conn.Write(out); err != nil {
			return err
		}
	}
}

// An answer with tagged fields that cannot be read is asked for again without.
func TestMetadataOfAMockCluster(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		conn, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		_ = mockBroker(conn) // until the client goes
	}()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Hang)
	defer cancel()
	a := kafka.NewAdmin(kafka.Config{Addresses: []string{l.Addr().String()}})
	res, err := a.Metadata(ctx, "mock")
	if err != nil {
		t.Error(err)
	} else if len(res.Topics) != 1 || res.Topics[0].Name != "mock" || len(res.Topics[0].Partitions) != 1 || len(res.Brokers) != 1 || res.Brokers[0].ID() != 7 {
		t.Errorf("%+v", res)
	}
	_ = a.Close()
	_ = l.Close()
	<-served
}
