package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/IBM/sarama"

	"logctl/internal/kafka"
)

// Settings of the report topic when the reporter has to create it: an hour is
// enough for a console to show the recent past at once.
const (
	topicPartitions = 1
	topicRetention  = "3600000" // retention.ms
	topicSegment    = "600000"  // segment.ms, so that retention is not late by days
)

// ReporterConfig is what a Reporter needs.
type ReporterConfig struct {
	Kafka    kafka.Config
	Topic    string
	Interval time.Duration // between two reports
	Snapshot func() Report // called from the reporter's goroutine
	Log      *slog.Logger
}

// Reporter publishes reports. See NewReporter.
type Reporter struct{ cfg ReporterConfig }

// NewReporter returns a reporter that does nothing until Run is called.
func NewReporter(cfg ReporterConfig) *Reporter { return &Reporter{cfg: cfg} }

// Run publishes a report every interval until ctx ends. It returns only then, with
// nil: what goes wrong is logged once for each change, and tried again.
func (r *Reporter) Run(ctx context.Context) error {
	tick := time.NewTicker(r.cfg.Interval)
	defer tick.Stop()
	var producer sarama.SyncProducer
	defer func() { r.close(producer) }()
	failing := ""
	for {
		err := r.publish(ctx, &producer)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && failing == "":
			r.cfg.Log.Warn("reports cannot be published; consoles see no numbers of this agent", "topic", r.cfg.Topic, "error", kafka.Explain(err))
			failing = err.Error()
		case err == nil && failing != "":
			r.cfg.Log.Info("reports are published again", "topic", r.cfg.Topic)
			failing = ""
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// publish sends one report, connecting first when there is no producer. After an
// error the producer is given up, so that the next try starts afresh.
func (r *Reporter) publish(ctx context.Context, producer *sarama.SyncProducer) error {
	snap := r.cfg.Snapshot()
	body, err := json.Marshal(snap)
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	if *producer == nil {
		if err := r.ensureTopic(ctx); err != nil {
			return err
		}
		if *producer, err = r.connect(); err != nil {
			return err
		}
	}
	_, _, err = (*producer).SendMessage(&sarama.ProducerMessage{
		Topic: r.cfg.Topic, Key: sarama.StringEncoder(snap.Agent), Value: sarama.ByteEncoder(body),
	})
	if err != nil {
		r.close(*producer)
		*producer = nil
		return fmt.Errorf("publish report: %w", err)
	}
	return nil
}

func (r *Reporter) connect() (sarama.SyncProducer, error) {
	cfg, err := r.cfg.Kafka.Sarama()
	if err != nil {
		return nil, err
	}
	cfg.Producer.RequiredAcks = sarama.WaitForLocal
	cfg.Producer.Return.Successes = true
	cfg.Producer.Retry.Max = 1
	cfg.Producer.Timeout = 2 * time.Second
	cfg.Producer.Compression = sarama.CompressionLZ4
	cfg.Net.DialTimeout, cfg.Net.ReadTimeout, cfg.Net.WriteTimeout = 3*time.Second, 5*time.Second, 5*time.Second
	p, err := sarama.NewSyncProducer(r.cfg.Kafka.Addresses, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to publish reports: %w", err)
	}
	return p, nil
}

// ensureTopic creates the report topic when it is missing.
func (r *Reporter) ensureTopic(ctx context.Context) error {
	admin := kafka.NewAdmin(r.cfg.Kafka)
	defer func() {
		if err := admin.Close(); err != nil {
			r.cfg.Log.Debug("connection for topic administration did not close well", "error", err)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := admin.Topic(ctx, r.cfg.Topic)
	var missing *kafka.MissingTopicError
	if !errors.As(err, &missing) {
		return err
	}
	// Replication -1 is the broker's default (KIP-464).
	err = admin.CreateTopic(ctx, r.cfg.Topic, topicPartitions, -1, map[string]string{"retention.ms": topicRetention, "segment.ms": topicSegment})
	if errors.Is(err, kafka.ErrTopicExists) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create report topic %q: %w", r.cfg.Topic, err)
	}
	r.cfg.Log.Info("report topic created", "topic", r.cfg.Topic)
	return nil
}

func (r *Reporter) close(p sarama.SyncProducer) {
	if p == nil {
		return
	}
	if err := p.Close(); err != nil {
		r.cfg.Log.Debug("report producer did not close well", "error", err)
	}
}
