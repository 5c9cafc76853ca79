package tui

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"logctl/agent/report"
	"logctl/consumer"
	"logctl/internal/kafka"
)

const (
	reportsBack  = 5000            // records of each partition read when the console opens
	reportsOld   = 3 * time.Minute // older ones are not worth parsing
	reportsSpare = 8 * time.Second // while catching up, one report of an agent in this time is enough
)

// liveReports reads the report topic.
type liveReports struct {
	cfg   kafka.Config
	topic string
	log   *slog.Logger
}

func (l liveReports) Reports(ctx context.Context, onReports func([]report.Report), onState func(error)) error {
	topic := l.topic
	if topic == "" {
		topic = report.DefaultTopic
	}
	cfg := consumer.Config{
		Kafka: l.cfg, Topics: []string{topic}, From: consumer.Last(reportsBack), Follow: true,
		Isolation: consumer.ReadUncommitted, Linger: 200 * time.Millisecond, Reuse: true, Log: l.log,
	}
	r, err := consumer.Open(ctx, cfg)
	var missing *kafka.MissingTopicError
	switch {
	case errors.As(err, &missing):
		return errors.New("the report topic " + topic + " does not exist yet: agents create it when they start")
	case err != nil:
		return errors.New(kafka.Explain(err))
	}
	defer func() {
		if err := r.Close(); err != nil && l.log != nil {
			l.log.Warn("report reader not closed cleanly", "err", err)
		}
	}()
	return pumpReports(ctx, r, onReports, onState)
}

func pumpReports(ctx context.Context, r *consumer.Reader, onReports func([]report.Report), onState func(error)) error {
	kept := map[string]time.Time{}
	for {
		sub, cancel := context.WithTimeout(ctx, 5*time.Second)
		list, err := r.Next(sub)
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && errors.Is(err, context.DeadlineExceeded):
		case errors.Is(err, io.EOF):
			return errors.New("the report topic has no partitions")
		case err != nil:
			return errors.New(kafka.Explain(err))
		}
		onState(partitionsError(r))
		if out := parseReports(list, kept, time.Now()); len(out) > 0 {
			onReports(out)
		}
	}
}

// parseReports parses what is worth it; kept is when the last report of each
// agent was taken.
func parseReports(list []consumer.Record, kept map[string]time.Time, now time.Time) []report.Report {
	out := make([]report.Report, 0, len(list))
	for i := range list {
		x := &list[i]
		age := now.Sub(x.Time)
		if age > reportsOld || age > 2*reportsSpare && x.Time.Sub(kept[string(x.Key)]) < reportsSpare {
			continue
		}
		rep, err := report.Parse(x.Value)
		if err != nil {
			continue // somebody else's record: not worth a word on each one
		}
		kept[string(x.Key)] = x.Time
		out = append(out, rep)
	}
	return out
}

// partitionsError is why reports do not come, nil when at least one partition
// can be read.
func partitionsError(r *consumer.Reader) error {
	var err error
	for _, p := range r.Partitions() {
		if p.Err == nil {
			return nil
		}
		err = errors.New(kafka.Explain(p.Err))
	}
	return err
}
