package main

import (
	"context"
	"flag"
	"io"
	"log"
	"strings"

	"github.com/IBM/sarama"
	"github.com/hpcloud/tail"
)

// runLesson is the pipeline this project grew out of: hpcloud/tail, one channel of
// messages, sarama's asynchronous producer with acks from all replicas and a random
// partition for each line.
func runLesson(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("lesson", flag.ContinueOnError)
	kafka := flags.String("kafka", "", "addresses")
	topic := flags.String("topic", "", "topic")
	path := flags.String("file", "", "file")
	poll := flags.Bool("poll", true, "poll instead of inotify")
	whence := flags.Int("whence", io.SeekStart, "where to start in the file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V3_6_0_0
	cfg.Producer.RequiredAcks = sarama.WaitForAll
	cfg.Producer.Partitioner = sarama.NewRandomPartitioner
	cfg.Producer.Return.Successes = true
	producer, err := sarama.NewAsyncProducer(strings.Split(*kafka, ","), cfg)
	if err != nil {
		return err
	}
	defer producer.AsyncClose()
	follow, err := tail.TailFile(*path, tail.Config{
		ReOpen: true, Follow: true, Poll: *poll, MustExist: false,
		Location: &tail.SeekInfo{Whence: *whence},
		Logger:   log.New(io.Discard, "", 0),
	})
	if err != nil {
		return err
	}
	messages := make(chan *sarama.ProducerMessage, 100_000)
	go func() {
		for line := range follow.Lines {
			messages <- &sarama.ProducerMessage{Topic: *topic, Value: sarama.StringEncoder(line.Text)}
		}
	}()
	go func() {
		for range producer.Successes() {
		}
	}()
	for {
		select {
		case m := <-messages:
			select {
			case producer.Input() <- m:
			case err := <-producer.Errors():
				return err
			}
		case err := <-producer.Errors():
			return err
		case <-ctx.Done():
			return nil
		}
	}
}
