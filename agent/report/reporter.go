package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math"
	"slices"
	"sync/atomic"
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

// topicSettings are those of a report topic that an agent creates. The broker stamps the
// reports: its answers tell how far this host's clock is off, and no report is refused for
// its time.
func topicSettings() map[string]string {
	return map[string]string{"retention.ms": topicRetention, "segment.ms": topicSegment, "message.timestamp.type": "LogAppendTime"}
}

// skewTrip is the longest way of a report there and back that still tells the broker's clock.
const skewTrip = 2 * time.Second

// ReporterConfig is what a Reporter needs.
type ReporterConfig struct {
	Kafka    kafka.Config
	Topic    string
	Interval time.Duration // between two reports
	Snapshot func() Report // called from the reporter's goroutine
	Log      *slog.Logger
}

// publishTimeout bounds one report, connecting included. Nothing waits for a report,
// and the next one says all that this one would have.
const publishTimeout = 5 * time.Second

// Reporter publishes reports. See NewReporter.
type Reporter struct {
	cfg   ReporterConfig
	admin *kafka.Admin

	// conn goes to the leader of partition; nil when there is none.
	conn      *kafka.Conn
	partition int32
	quiet     time.Time // the broker wants no report before

	skew  atomic.Int64 // nanoseconds, see Skew
	asked atomic.Bool  // skew was measured
}

// NewReporter returns a reporter that does nothing until Run is called.
func NewReporter(cfg ReporterConfig) *Reporter {
	return &Reporter{cfg: cfg, admin: kafka.NewAdmin(cfg.Kafka)}
}

// Skew is how far this host's clock is ahead of the broker's (behind: below zero), by the
// answer to the last report. It is not known before the first one, and where the topic does
// not have message.timestamp.type=LogAppendTime. It may be called from any goroutine.
func (r *Reporter) Skew() (skew time.Duration, known bool) {
	return time.Duration(r.skew.Load()), r.asked.Load()
}

// measure takes the broker's clock from its answer to a report.
func (r *Reporter) measure(sent, answered, stamped time.Time) {
	trip := answered.Sub(sent)
	if stamped.IsZero() || trip > skewTrip {
		return
	}
	was, known := r.Skew()
	skew := sent.Add(trip / 2).Sub(stamped)
	r.skew.Store(int64(skew))
	r.asked.Store(true)
	switch off := skew.Abs() >= ClockLimit; {
	case off && (!known || was.Abs() < ClockLimit):
		r.cfg.Log.Warn("the clock of this host differs from the broker's: set the one that is wrong (chronyc tracking, timedatectl)", "clock", ClockText(skew))
	case !off && known && was.Abs() >= ClockLimit:
		r.cfg.Log.Info("the clock of this host and the broker's agree again", "clock", ClockText(skew))
	}
}

// ClockLimit is the difference of a host's clock and the brokers' from which it is worth a word.
const ClockLimit = 10 * time.Second

// ClockText puts a difference of clocks in words.
func ClockText(skew time.Duration) string {
	if skew < 0 {
		return "this host's clock is " + (-skew).Round(time.Second).String() + " behind the broker's"
	}
	return "this host's clock is " + skew.Round(time.Second).String() + " ahead of the broker's"
}

// Run publishes a report every interval until ctx ends, which also ends a request
// that is under way. It returns only then, with nil: what goes wrong is logged once
// for each change, and tried again. It may be called once.
func (r *Reporter) Run(ctx context.Context) error {
	tick := time.NewTicker(r.cfg.Interval)
	defer tick.Stop()
	defer r.close()
	failing := false
	for {
		err := r.publish(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !failing:
			r.cfg.Log.Warn("reports cannot be published; consoles see no numbers of this agent", "topic", r.cfg.Topic, "error", kafka.Explain(err))
			failing = true
		case err == nil && failing:
			r.cfg.Log.Info("reports are published again", "topic", r.cfg.Topic)
			failing = false
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// publish sends one report, connecting first when there is no connection. After an
// error the connection is given up, so that the next try finds the leader anew.
func (r *Reporter) publish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if d := time.Until(r.quiet); d > 0 {
		return fmt.Errorf("a quota of the brokers is used up: they want nothing from us for another %v", d.Round(time.Second))
	}
	snap := r.cfg.Snapshot()
	body, err := json.Marshal(snap)
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	if r.conn == nil {
		if err := r.connect(ctx, snap.Agent); err != nil {
			return err
		}
	}
	if err := r.send(ctx, snap.Agent, body); err != nil {
		r.hangUp()
		return fmt.Errorf("publish report: %w", err)
	}
	return nil
}

// connect finds the partition of this agent's reports, making the topic when it is
// missing, and connects to its leader.
func (r *Reporter) connect(ctx context.Context, agent string) error {
	topic, err := r.topic(ctx)
	if err != nil {
		return err
	}
	sum := fnv.New32a() // as sarama's producers find the partition of a key
	_, _ = sum.Write([]byte(agent))
	part := topic.Partitions[int(sum.Sum32()&math.MaxInt32)%len(topic.Partitions)]
	brokers, err := r.admin.Brokers(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(brokers, func(b kafka.Broker) bool { return b.ID == part.Leader })
	if i < 0 {
		return &kafka.TopicError{Topic: r.cfg.Topic, Err: sarama.ErrLeaderNotAvailable}
	}
	conf, err := r.cfg.Kafka.Sarama()
	if err != nil {
		return err
	}
	if r.conn, err = kafka.Dial(ctx, conf, brokers[i].Address); err != nil {
		return kafka.Announced(brokers[i].ID, brokers[i].Address, err) // the cluster itself has just answered
	}
	r.partition = part.ID
	return nil
}

// topic looks the report topic up and creates it when it is missing.
func (r *Reporter) topic(ctx context.Context) (kafka.Topic, error) {
	topic, err := r.admin.Topic(ctx, r.cfg.Topic)
	var missing *kafka.MissingTopicError
	if errors.As(err, &missing) {
		// Replication -1 is the broker's default (KIP-464).
		err = r.admin.CreateTopic(ctx, r.cfg.Topic, topicPartitions, -1, topicSettings())
		switch {
		case err == nil:
			r.cfg.Log.Info("report topic created", "topic", r.cfg.Topic)
		case !errors.Is(err, kafka.ErrTopicExists):
			return topic, fmt.Errorf("create report topic %q: %w", r.cfg.Topic, err)
		}
		topic, err = r.appears(ctx)
	}
	if err == nil && len(topic.Partitions) == 0 {
		err = &kafka.TopicError{Topic: r.cfg.Topic, Err: sarama.ErrLeaderNotAvailable}
	}
	return topic, err
}

// appears waits until a topic that was just created is known and led: brokers answer a
// creation before the news of it has reached them all.
func (r *Reporter) appears(ctx context.Context) (kafka.Topic, error) {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		topic, err := r.admin.Topic(ctx, r.cfg.Topic)
		var missing *kafka.MissingTopicError
		led := len(topic.Partitions) > 0 && !slices.ContainsFunc(topic.Partitions, func(p kafka.Partition) bool { return p.Leader < 0 })
		if err == nil && led || err != nil && !errors.As(err, &missing) {
			return topic, err
		}
		select {
		case <-ctx.Done():
			return topic, err // the last answer says more than that time is up
		case <-again.C:
		}
	}
}

// send sends one record and waits for the leader's acknowledgement.
func (r *Reporter) send(ctx context.Context, agent string, body []byte) error {
	now := time.Now()
	req := &sarama.ProduceRequest{RequiredAcks: sarama.WaitForLocal, Timeout: int32(publishTimeout / time.Millisecond), Version: 7}
	req.AddBatch(r.cfg.Topic, r.partition, &sarama.RecordBatch{
		Version: 2, Codec: sarama.CompressionLZ4, CompressionLevel: sarama.CompressionLevelDefault,
		FirstTimestamp: now, MaxTimestamp: now, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		Records: []*sarama.Record{{Key: []byte(agent), Value: body}},
	})
	var res *sarama.ProduceResponse
	err := r.conn.Do(ctx, func(b *sarama.Broker) (err error) {
		res, err = b.Produce(req)
		return err
	})
	if err != nil {
		return err
	}
	answered := time.Now()
	r.quiet = answered.Add(res.ThrottleTime)
	block := res.GetBlock(r.cfg.Topic, r.partition)
	if block == nil {
		return &kafka.TopicError{Topic: r.cfg.Topic, Err: sarama.ErrIncompleteResponse}
	}
	if block.Err != sarama.ErrNoError {
		return &kafka.TopicError{Topic: r.cfg.Topic, Err: block.Err}
	}
	r.measure(now, answered, block.Timestamp)
	return nil
}

func (r *Reporter) hangUp() {
	if r.conn == nil {
		return
	}
	if err := r.conn.Close(); err != nil {
		r.cfg.Log.Debug("connection of the reports did not close well", "error", err)
	}
	r.conn = nil
}

func (r *Reporter) close() {
	r.hangUp()
	if err := r.admin.Close(); err != nil {
		r.cfg.Log.Debug("connection for topic administration did not close well", "error", err)
	}
}
