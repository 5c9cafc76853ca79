package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// runRaw is the raw limit: one loop that reads the file, cuts it at its newlines and
// hands batches of about 900 KB to sarama's broker connections. It follows nothing,
// remembers nothing and retries nothing. One request a partition is in flight, as an
// agent that keeps order has it. sarama encodes the records, which costs more than the
// agent's own encoding does: a limit of what its connections carry, not of CPU.
func runRaw(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("raw", flag.ContinueOnError)
	kafka := flags.String("kafka", "", "addresses")
	topic := flags.String("topic", "", "topic")
	path := flags.String("file", "", "file")
	partitions := flags.Int("partitions", 3, "how many of the topic's partitions to use")
	batch := flags.Int("batch", 900<<10, "bytes of a batch")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V3_6_0_0
	client, err := sarama.NewClient(strings.Split(*kafka, ","), cfg)
	if err != nil {
		return err
	}
	defer client.Close()
	var senders []*rawSender
	for p := range *partitions {
		leader, err := client.Leader(*topic, int32(p))
		if err != nil {
			return err
		}
		senders = append(senders, newRawSender(leader, *topic, int32(p), *batch))
	}
	file, err := os.Open(*path)
	if err != nil {
		return err
	}
	defer file.Close()
	return errors.Join(sendFile(ctx, file, senders), waitAll(senders))
}

// rawSender sends to one partition: one buffer is filled while the other is in flight.
type rawSender struct {
	broker    *sarama.Broker
	topic     string
	partition int32
	free      chan *rawBatch
	flight    chan struct{} // one request at a time
	work      sync.WaitGroup
	mu        sync.Mutex
	err       error
}

type rawBatch struct {
	data    []byte
	records []sarama.Record
	refs    []*sarama.Record
}

func newRawSender(broker *sarama.Broker, topic string, partition int32, size int) *rawSender {
	s := &rawSender{broker: broker, topic: topic, partition: partition,
		free: make(chan *rawBatch, 2), flight: make(chan struct{}, 1)}
	for range cap(s.free) {
		s.free <- &rawBatch{data: make([]byte, size)}
	}
	return s
}

func (s *rawSender) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// sendFile deals the file out to the senders in turn, whole lines each.
func sendFile(ctx context.Context, file *os.File, senders []*rawSender) error {
	var rest []byte
	for i := 0; ctx.Err() == nil; i++ {
		s := senders[i%len(senders)]
		b := <-s.free
		n := copy(b.data, rest)
		read, err := io.ReadFull(file, b.data[n:])
		data := b.data[:n+read]
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		end := bytes.LastIndexByte(data, '\n') + 1
		rest = append(rest[:0], data[end:]...)
		if end > 0 {
			s.send(b, data[:end])
		}
		if err := s.failed(); err != nil || last {
			return err
		}
	}
	return ctx.Err()
}

func (s *rawSender) send(b *rawBatch, data []byte) {
	b.records = b.records[:0]
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		b.records = append(b.records, sarama.Record{Value: data[:end], OffsetDelta: int64(len(b.records))})
		data = data[end+1:]
	}
	b.refs = b.refs[:0]
	for i := range b.records {
		b.refs = append(b.refs, &b.records[i])
	}
	now := time.Now()
	request := &sarama.ProduceRequest{RequiredAcks: sarama.WaitForAll, Timeout: 10_000, Version: 7}
	request.AddBatch(s.topic, s.partition, &sarama.RecordBatch{
		Version: 2, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		FirstTimestamp: now, MaxTimestamp: now,
		LastOffsetDelta: int32(len(b.records) - 1), Records: b.refs,
	})
	s.flight <- struct{}{}
	s.work.Add(1)
	err := s.broker.AsyncProduce(request, func(answer *sarama.ProduceResponse, err error) {
		defer s.work.Done()
		s.take(answer, err)
		<-s.flight
		s.free <- b
	})
	if err != nil {
		s.work.Done()
		s.take(nil, err)
		<-s.flight
		s.free <- b
	}
}

func (s *rawSender) take(answer *sarama.ProduceResponse, err error) {
	if err == nil {
		if block := answer.GetBlock(s.topic, s.partition); block == nil {
			err = errors.New("no answer for the partition")
		} else if block.Err != sarama.ErrNoError {
			err = block.Err
		}
	}
	if err != nil {
		s.mu.Lock()
		s.err = fmt.Errorf("produce to %s/%d: %w", s.topic, s.partition, err)
		s.mu.Unlock()
	}
}

func waitAll(senders []*rawSender) error {
	var errs []error
	for _, s := range senders {
		s.work.Wait()
		errs = append(errs, s.failed())
	}
	return errors.Join(errs...)
}
