package kafka

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// produceVersion is the version of produce requests: the highest before the
// flexible encoding. Versions 3 to 8 have the same body.
const produceVersion = 8

const (
	produceKey = 0
	emptyArray = 4        // bytes of an array without elements
	copied     = 16 << 10 // requests up to this size are copied together for one write
)

// splice is the connection under sarama. It puts the topics of ProduceEncoded
// into the produce request that sarama writes.
type splice struct {
	net.Conn

	mu     sync.Mutex
	topics net.Buffers // to go into the next produce request; nil: none
	size   int         // of topics, bytes

	small  []byte // of Write
	pieces net.Buffers
}

// ProduceEncoded sends a produce request whose topics the caller has encoded, as
// the protocol has them in versions 3 to 8: the array of topics, in pieces that
// are sent one behind the other. The pieces may be used again when it returns;
// done is called from the connection's goroutine with
// the answer, or with the reason why there is none, after this has returned
// without an error. A request larger than sarama.MaxRequestSize is a
// sarama.PacketEncodingError; after any other error nothing is known about the
// request.
//
// sarama's own way encodes every record four times over and into fresh memory:
// its size, its bytes, and both again for the frame. Here sarama makes a request
// without topics, for the header, the correlation and all that it minds (quotas,
// SASL sessions that expire, deadlines), and topics take the place of its empty
// array on the way to the socket.
func (c *Conn) ProduceEncoded(acks sarama.RequiredAcks, timeout time.Duration, topics net.Buffers, done sarama.ProduceCallback) error {
	size := 0
	for _, b := range topics {
		size += len(b)
	}
	if size > int(sarama.MaxRequestSize) {
		return sarama.PacketEncodingError{Info: fmt.Sprintf("produce request of %d bytes is larger than %d", size, sarama.MaxRequestSize)}
	}
	if err := c.await(); err != nil {
		return err
	}
	c.splice.mu.Lock()
	c.splice.topics, c.splice.size = topics, size
	c.splice.mu.Unlock()
	req := &sarama.ProduceRequest{RequiredAcks: acks, Timeout: int32(timeout / time.Millisecond), Version: produceVersion}
	err := c.AsyncProduce(req, func(res *sarama.ProduceResponse, err error) {
		if err == nil {
			c.Throttle(res.ThrottleTime)
		}
		done(res, err)
	})
	c.splice.drop()
	return err
}

// drop forgets topics that were not sent.
func (s *splice) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.topics = nil
}

// Write writes what sarama encoded, with the topics of ProduceEncoded in it where
// it is the produce request that they are for. sarama writes a request at once.
func (s *splice) Write(b []byte) (int, error) {
	s.mu.Lock()
	topics, size := s.topics, s.size
	if topics == nil || len(b) < 8 || binary.BigEndian.Uint16(b[4:]) != produceKey {
		s.mu.Unlock()
		return s.Conn.Write(b)
	}
	s.topics = nil
	s.mu.Unlock()

	b = b[:len(b)-emptyArray]
	binary.BigEndian.PutUint32(b, uint32(len(b)-4+size))
	if size <= copied {
		s.small = append(s.small[:0], b...)
		for _, t := range topics {
			s.small = append(s.small, t...)
		}
		if _, err := s.Conn.Write(s.small); err != nil {
			return 0, err
		}
		return len(b) + emptyArray, nil
	}
	s.pieces = append(append(s.pieces[:0], b), topics...)
	out := s.pieces // WriteTo moves its slice forward
	_, err := out.WriteTo(s.Conn)
	clear(s.pieces)
	if err != nil {
		return 0, err
	}
	return len(b) + emptyArray, nil
}
