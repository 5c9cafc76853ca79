package consumer

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/IBM/sarama"

	"logctl/internal/kafka"
)

// maxResponse bounds what a broker may claim to send, bytes.
const maxResponse = 1 << 30

// link is a connection to one broker that sarama has dialled and authenticated, and
// that only the fetch loop speaks on from then on.
type link struct {
	addr   string
	broker *kafka.Conn
	conn   net.Conn // the broker's

	correlation int32
	out         []byte
	versions    map[int16]int16 // highest that the broker serves, by kind of request; nil: not asked
}

// firstCorrelation is far from the numbers that sarama gives the requests of its
// greeting: it gives up waiting for a broker that hangs, whose late answer must not
// be taken for the one to a fetch.
const firstCorrelation = 1 << 30

// dial connects to the broker at addr. ctx bounds the dialling only.
func dial(ctx context.Context, base *sarama.Config, addr string) (*link, error) {
	conn, err := kafka.Dial(ctx, base, addr)
	if err != nil {
		return nil, err
	}
	return &link{addr: addr, broker: conn, conn: conn.Socket(), correlation: firstCorrelation}, nil
}

// close ends the connection. It does not wait for the broker.
func (l *link) close() { _ = l.broker.Close() }

// exchange sends a fetch request and reads the response into a slice of the pool,
// without its length and correlation. patience is the longest silence of the broker
// that is borne. A context that ends cuts the connection.
func (l *link) exchange(req *fetchRequest, clientID string, pool *bufferPool, patience time.Duration) ([]byte, error) {
	return l.ask(req.appendBody(l.head(fetchKey, fetchVersion, clientID, false)), pool, patience)
}

// head begins a request, in memory that ask uses again. flexible: its version has
// tagged fields.
func (l *link) head(key, version int16, clientID string, flexible bool) []byte {
	be := binary.BigEndian
	l.correlation++
	b := be.AppendUint32(l.out[:0], 0) // length: ask knows it
	b = be.AppendUint16(b, uint16(key))
	b = be.AppendUint16(b, uint16(version))
	b = be.AppendUint32(b, uint32(l.correlation))
	b = appendString(b, clientID)
	if flexible {
		b = append(b, 0)
	}
	return b
}

// ask sends a request that head began, and reads the response like exchange. The tagged
// fields of a response of a flexible version are left at its head.
func (l *link) ask(request []byte, pool *bufferPool, patience time.Duration) ([]byte, error) {
	l.out = request
	binary.BigEndian.PutUint32(l.out, uint32(len(l.out)-4))
	if err := l.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := l.conn.Write(l.out); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(l.conn, head[:]); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(head[:])) - 4
	if size < 0 || size > maxResponse {
		return nil, fmt.Errorf("broker %s answers with %d bytes; is it a Kafka listener of the configured security protocol?", l.addr, size)
	}
	if got := int32(binary.BigEndian.Uint32(head[4:])); got != l.correlation {
		return nil, fmt.Errorf("broker %s answers request %d, want %d", l.addr, got, l.correlation)
	}
	buf := pool.get(size)[:size]
	for n := 0; n < size; {
		if err := l.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			pool.put(buf)
			return nil, err
		}
		k, err := kafka.ReadFull(l.conn, buf[n:min(size, n+1<<20)])
		n += k
		if err != nil {
			pool.put(buf)
			return nil, err
		}
	}
	return buf, nil
}

// apiVersionsKey asks which requests a broker serves, in version 0.
const apiVersionsKey = 18

// serves reports whether the broker serves a version of a kind of request. It asks once.
func (l *link) serves(key, version int16, clientID string, pool *bufferPool) (bool, error) {
	if l.versions == nil {
		body, err := l.ask(l.head(apiVersionsKey, 0, clientID, false), pool, fetchPatience)
		if err != nil {
			return false, err
		}
		defer pool.put(body)
		r := wireReader{b: body}
		if code := sarama.KError(r.int16()); code != sarama.ErrNoError {
			return false, fmt.Errorf("versions of %s: %w", l.addr, code)
		}
		versions := map[int16]int16{}
		for range r.int32() {
			of := r.int16()
			r.int16() // the lowest
			if versions[of] = r.int16(); r.err != nil {
				return false, fmt.Errorf("malformed answer of %s about its versions", l.addr)
			}
		}
		l.versions = versions
	}
	highest, known := l.versions[key]
	return known && highest >= version, nil
}
