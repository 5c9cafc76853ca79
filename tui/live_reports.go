package tui

import (
	"cmp"
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
	reportsBack  = 5000             // records of each partition read when the console opens, at most
	reportsOld   = 3 * time.Minute  // older ones are not worth parsing
	reportsSpare = 8 * time.Second  // while catching up, one report of an agent in this time is enough
	pastNear     = 3 * time.Minute  // of the past, what is nearer is read as finely
	pastSpare    = 30 * time.Second // and of what is older, one report of an agent in this time
	pastMost     = 400_000          // records of the past read at most: the newest
	reportsPace  = 500              // reports a second that are parsed of a fleet at work
	reportsRoom  = 4 << 20          // bytes fetched ahead
	reportsMost  = 128 << 20        // bytes of decompressed batches; one of them may have a quarter
)

// liveReports reads the report topic.
type liveReports struct {
	cfg   kafka.Config
	topic string
	log   *slog.Logger
}

func (l liveReports) Reports(ctx context.Context, onReports func([]report.Report, []heard), onState func(error)) error {
	topic := cmp.Or(l.topic, report.DefaultTopic)
	r, err := l.openPresent(ctx, time.Now())
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

// openPresent opens a reader of what is worth parsing, of a big fleet of the newest records.
// It does not count records alone: those of an agent with thousands of entries have
// megabytes each, and the last thousands of them are an hour's.
func (l liveReports) openPresent(ctx context.Context, now time.Time) (*consumer.Reader, error) {
	cfg := l.reader(consumer.FromTime(now.Add(-reportsOld)))
	cfg.Follow = true
	r, err := consumer.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	records, parts := lengthOf(r)
	if records <= reportsBack*max(parts, 1) {
		return r, nil
	}
	if err := r.Close(); err != nil {
		return nil, err
	}
	cfg.From = consumer.Last(reportsBack)
	return consumer.Open(ctx, cfg)
}

func (l liveReports) reader(from consumer.From) consumer.Config {
	return consumer.Config{
		Kafka: l.cfg, Topics: []string{cmp.Or(l.topic, report.DefaultTopic)}, From: from,
		Isolation: consumer.ReadUncommitted, Linger: 200 * time.Millisecond, Reuse: true, Log: l.log,
		Buffer: reportsRoom, MaxMemory: reportsMost,
	}
}

// Past reads the reports of the last hour, of a big fleet the newest of them.
func (l liveReports) Past(ctx context.Context, onReports func([]report.Report)) (err error) {
	now := time.Now()
	r, err := consumer.Open(ctx, l.reader(consumer.FromTime(now.Add(-trendSpan))))
	if err != nil {
		return err
	}
	if records, parts := lengthOf(r); records > pastMost {
		err = r.Close()
		if err != nil {
			return err
		}
		if r, err = consumer.Open(ctx, l.reader(consumer.Last(pastMost/max(parts, 1)))); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	taken := map[string]time.Time{}
	for {
		list, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if out := parsePast(list, taken, now); len(out) > 0 {
			onReports(out)
		}
	}
}

// lengthOf is how many records lie before a reader, and in how many partitions.
func lengthOf(r *consumer.Reader) (records, partitions int64) {
	for _, p := range r.Partitions() {
		partitions++
		if p.Next >= 0 && p.End > p.Next {
			records += p.End - p.Next
		}
	}
	return records, partitions
}

// parsePast parses the reports of the past that trends need; taken is when the last one of
// each agent was.
func parsePast(list []consumer.Record, taken map[string]time.Time, now time.Time) []report.Report {
	var out []report.Report
	for i := range list {
		x := &list[i]
		spare := pastSpare
		if now.Sub(x.Time) < pastNear {
			spare = reportInterval
		}
		spare = max(spare, 2*paceOf(len(taken)))
		if last, ok := taken[string(x.Key)]; ok && x.Time.Sub(last) < spare {
			continue
		}
		rep, err := report.Parse(x.Value)
		if err != nil {
			continue // somebody else's record
		}
		taken[string(x.Key)] = x.Time
		out = append(out, rep)
	}
	return out
}

func pumpReports(ctx context.Context, r *consumer.Reader, onReports func([]report.Report, []heard), onState func(error)) error {
	seen := newReportsSeen()
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
		if out, who := seen.parse(list, time.Now()); len(who) > 0 {
			onReports(out, who)
		}
	}
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
