package consumer

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"logctl/internal/testkit"

	"github.com/IBM/sarama"
)

// A broker that hung answers the greeting that sarama gave up waiting for when the
// first fetch has been sent: its answer is not one to the fetch.
func TestALateGreetingIsNoFetch(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	served := make(chan error, 1)
	go func() { served <- greetLate(l) }()

	cfg := sarama.NewConfig()
	cfg.Net.ReadTimeout = 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Hang)
	defer cancel()
	k, err := dial(ctx, cfg, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	req := &fetchRequest{maxWaitMS: 1, maxBytes: 1, parts: []fetchPart{{topic: "t"}}}
	body, err := k.exchange(req, "test", &bufferPool{}, testkit.Hang)
	if err == nil || !strings.Contains(err.Error(), "answers request") {
		t.Errorf("the greeting was taken for a fetch: %x, %v", body, err)
	}
	k.close()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// greetLate reads requests until it sees a fetch, and then answers the ones before.
func greetLate(l net.Listener) error {
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	var late []uint32
	for {
		var head [12]byte // length, key, version, correlation
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, conn, int64(binary.BigEndian.Uint32(head[:]))-8); err != nil {
			return err
		}
		if binary.BigEndian.Uint16(head[4:]) == fetchKey {
			break
		}
		late = append(late, binary.BigEndian.Uint32(head[8:]))
	}
	// The newest first: that is the one whose number a fetch could have.
	out := binary.BigEndian.AppendUint32(nil, 4+2+4)
	out = binary.BigEndian.AppendUint32(out, late[len(late)-1])
	out = binary.BigEndian.AppendUint16(out, 0)  // no error
	out = binary.BigEndian.AppendUint32(out, 62) // kinds of requests it knows
	_, err = conn.Write(out)
	return err
}
