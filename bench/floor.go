package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// runFloor is the least that printing the values of a topic can cost: one loop that asks
// one broker for all partitions, checks the checksum of each batch, walks over its records
// and writes the values. It decompresses nothing, and knows no transactions, no leaders
// and no failures.
func runFloor(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("floor", flag.ContinueOnError)
	kafka := flags.String("kafka", "", "addresses")
	topic := flags.String("topic", "", "topic")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V2_3_0_0
	client, err := sarama.NewClient(strings.Split(*kafka, ","), cfg)
	if err != nil {
		return err
	}
	defer client.Close()
	partitions, err := client.Partitions(*topic)
	if err != nil {
		return err
	}
	leader, err := client.Leader(*topic, 0)
	if err != nil {
		return err
	}
	f := &floor{topic: *topic, next: make([]int64, len(partitions)), end: make([]int64, len(partitions)), out: make([]byte, 0, 512<<10)}
	for _, p := range partitions {
		if f.end[p], err = client.GetOffset(*topic, p, sarama.OffsetNewest); err != nil {
			return err
		}
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", leader.Addr())
	if err != nil {
		return err
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 512)
	for f.more() && ctx.Err() == nil {
		if err := f.round(conn, in); err != nil {
			return err
		}
	}
	_, err = os.Stdout.Write(f.out)
	return errors.Join(err, ctx.Err())
}

// floor is one reading.
type floor struct {
	topic     string
	next, end []int64 // by partition
	request   []byte
	answer    []byte
	out       []byte
}

func (f *floor) more() bool {
	for p := range f.next {
		if f.next[p] < f.end[p] {
			return true
		}
	}
	return false
}

// round asks once, in version 11 of Fetch, and prints the answer.
func (f *floor) round(conn net.Conn, in io.Reader) error {
	be := binary.BigEndian
	b := append(f.request[:0], 0, 0, 0, 0, 0, 1, 0, 11, 0, 0, 0, 1, 0, 5, 'f', 'l', 'o', 'o', 'r')
	b = be.AppendUint32(b, 0xffffffff) // a consumer
	b = be.AppendUint32(b, 500)        // longest wait, ms
	b = be.AppendUint32(b, 1)          // least bytes
	b = be.AppendUint32(b, 4<<20)      // most bytes
	b = append(b, 0)                   // read uncommitted
	b = be.AppendUint32(b, 0)          // no session
	b = be.AppendUint32(b, 0xffffffff)
	b = be.AppendUint32(b, 1) // topics
	b = be.AppendUint16(b, uint16(len(f.topic)))
	b = append(b, f.topic...)
	b = be.AppendUint32(b, uint32(len(f.next)))
	for p, offset := range f.next {
		b = be.AppendUint32(b, uint32(p))
		b = be.AppendUint32(b, 0xffffffff) // epoch of the leader
		b = be.AppendUint64(b, uint64(offset))
		b = be.AppendUint64(b, 0xffffffffffffffff)
		b = be.AppendUint32(b, 1<<20)
	}
	b = append(b, 0, 0, 0, 0, 0, 0) // nothing forgotten, no rack
	be.PutUint32(b, uint32(len(b)-4))
	f.request = b
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if _, err := conn.Write(b); err != nil {
		return err
	}
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return err
	}
	size := int(be.Uint32(head[:]))
	if cap(f.answer) < size {
		f.answer = make([]byte, size)
	}
	f.answer = f.answer[:size]
	if _, err := io.ReadFull(in, f.answer); err != nil {
		return err
	}
	return f.print(f.answer[4+4+2+4+4+2+len(f.topic):]) // correlation, throttle, error, session, topics, name
}

// print walks over the partitions of an answer, from their number on.
func (f *floor) print(b []byte) error {
	be := binary.BigEndian
	n := int(be.Uint32(b))
	b = b[4:]
	for range n {
		p := be.Uint32(b)
		if code := be.Uint16(b[4:]); code != 0 {
			return fmt.Errorf("partition %d: %w", p, sarama.KError(code))
		}
		aborted := max(int(int32(be.Uint32(b[30:]))), 0)
		b = b[34+16*aborted+4:]
		size := max(int(int32(be.Uint32(b))), 0)
		data := b[4 : 4+size]
		b = b[4+size:]
		for len(data) >= 61 {
			length := int(be.Uint32(data[8:])) + 12
			if length > len(data) {
				break
			}
			if err := f.batch(int(p), data[:length]); err != nil {
				return err
			}
			data = data[length:]
		}
	}
	return nil
}

// batch prints the values of one batch that is not compressed.
func (f *floor) batch(p int, b []byte) error {
	be := binary.BigEndian
	if crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)) != be.Uint32(b[17:]) {
		return errors.New("a checksum is wrong")
	}
	if b[22]&7 != 0 {
		return errors.New("the topic is compressed")
	}
	f.next[p] = int64(be.Uint64(b)) + int64(be.Uint32(b[23:])) + 1
	count := be.Uint32(b[57:])
	b = b[61:]
	for range count {
		size, n := binary.Varint(b)
		r := b[n+1 : n+int(size)]
		b = b[n+int(size):]
		for range 2 { // deltas of time and offset
			_, n = binary.Varint(r)
			r = r[n:]
		}
		key, n := binary.Varint(r)
		r = r[n+max(int(key), 0):]
		value, n := binary.Varint(r)
		f.out = append(append(f.out, r[n:n+max(int(value), 0)]...), '\n')
		if len(f.out) >= 256<<10 {
			if _, err := os.Stdout.Write(f.out); err != nil {
				return err
			}
			f.out = f.out[:0]
		}
	}
	return nil
}
