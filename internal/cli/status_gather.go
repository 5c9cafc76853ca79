package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"logctl/agent/report"
	"logctl/consumer"
	"logctl/etcdcfg"
	"logctl/internal/kafka"
)

// gatherTime bounds what one look at both servers takes.
const gatherTime = 8 * time.Second

// settle is how long an agent is given to apply an edit before it counts as behind.
const settleTime = 2 * time.Second

// facts are what was found out, before it is judged.
type facts struct {
	at        time.Time
	list      etcdcfg.Snapshot
	presences []etcdcfg.Presence
	etcdErr   error
	reports   map[string]*reported // by agent
	kafkaErr  error
	answers   bool                 // Kafka said something of the topic of reports
	noReports bool                 // the topic does not exist
	full      bool                 // etcd's storage quota is used up
	clock     time.Duration        // how far the clock of this host is ahead of the brokers'; 0: not off, as far as known
	lastHeard map[string]time.Time // of lost agents whose last report is older than the window
}

// gather asks etcd and Kafka at the same time.
func (d *statusDesk) gather(ctx context.Context) *statusReport {
	ctx, cancel := context.WithTimeout(ctx, gatherTime)
	defer cancel()
	f := &facts{at: d.now()}
	var wg sync.WaitGroup
	wg.Go(func() { f.etcdErr = d.askEtcd(ctx, f) })
	wg.Go(func() { f.kafkaErr = d.askKafka(ctx, f) })
	wg.Wait()
	d.doubtClock(ctx, f)
	d.lookBack(ctx, f)
	return d.judge(f)
}

func (d *statusDesk) askEtcd(ctx context.Context, f *facts) error {
	var err error
	if f.list, err = d.store.Load(ctx, d.key); err != nil {
		return err
	}
	if f.presences, _, err = d.store.Presences(ctx); err != nil {
		return err
	}
	if full, err := d.store.Full(ctx); err == nil { // else its user may not ask for that
		f.full = full
	}
	if f.list.Err != nil || len(appliedBy(f.presences, d.key, f.list.ModRevision).Missing) == 0 {
		return nil
	}
	// Perhaps the list was edited just now: give agents a moment.
	timed, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	return d.store.WatchPresences(timed, func(list []etcdcfg.Presence) {
		f.presences = list
		if len(appliedBy(list, d.key, f.list.ModRevision).Missing) == 0 {
			cancel()
		}
	}, nil)
}

// askKafka reads the reports of the last moments.
func (d *statusDesk) askKafka(ctx context.Context, f *facts) error {
	if d.topic == "" { // reports are switched off
		_, err := d.admin.Ping(ctx)
		return err
	}
	_, err := d.admin.Topic(ctx, d.topic)
	var missing *kafka.MissingTopicError
	if errors.As(err, &missing) {
		f.noReports = true
		return nil
	}
	if err != nil {
		return err
	}
	f.answers = true
	f.reports, err = readReports(ctx, d.kafka, d.topic, f.at.Add(-d.flags.window))
	return err
}

// lookBack looks for the last reports of lost agents among all that the topic keeps, as
// long as that takes no time to speak of.
func (d *statusDesk) lookBack(ctx context.Context, f *facts) {
	lost := map[string]bool{}
	for _, p := range f.presences {
		if p.Duty == etcdcfg.DutyLost && f.reports[p.ID] == nil && p.CollectKey == d.key {
			lost[p.ID] = true
		}
	}
	if len(lost) == 0 || f.kafkaErr != nil || f.noReports || d.topic == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookBackTime)
	defer cancel()
	r, err := consumer.Open(ctx, consumer.Config{Kafka: d.kafka, Topics: []string{d.topic}, From: consumer.Oldest(), Linger: -1})
	if err != nil {
		return // that Kafka is away is said elsewhere
	}
	defer func() { _ = r.Close() }()
	f.lastHeard = map[string]time.Time{}
	for {
		records, err := r.Next(ctx)
		if err != nil {
			return
		}
		for i := range records {
			if id := string(records[i].Key); lost[id] && records[i].Time.After(f.lastHeard[id]) {
				f.lastHeard[id] = records[i].Time
			}
		}
	}
}

// lookBackTime is how long lookBack may take.
const lookBackTime = 2 * time.Second

// reported is what an agent reported in the window.
type reported struct {
	newest report.Report
	first  map[string]sample // by path and topic: what to compare the newest with
}

// sample is the first report of a task since its counters began, or since the window.
type sample struct {
	at   time.Time
	task report.Task
}

// readReports returns what each agent reported since a time.
func readReports(ctx context.Context, cfg kafka.Config, topic string, since time.Time) (map[string]*reported, error) {
	r, err := consumer.Open(ctx, consumer.Config{Kafka: cfg, Topics: []string{topic}, From: consumer.FromTime(since), Linger: -1, Reuse: true})
	if err != nil {
		return nil, fmt.Errorf("read reports: %w", err)
	}
	read := reportReading{kept: map[string]*reported{}, of: map[string]*lastRecord{}}
	for {
		records, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			for _, p := range r.Partitions() { // which says more than that time is over
				if p.Err != nil {
					err = p.Err
				}
			}
			var refused sarama.KError
			if errors.As(err, &refused) {
				err = &kafka.TopicError{Topic: topic, Err: err}
			}
			return nil, errors.Join(fmt.Errorf("read reports: %w", err), r.Close())
		}
		for i := range records {
			read.take(&records[i])
		}
	}
	return read.end(), r.Close()
}

// parseEach is the time for which one report of an agent is enough, for each agent of the
// fleet: rates come from the first and the last report of the window, and to parse all
// those of thousands of agents takes longer than anybody waits for a status.
const parseEach = 4 * time.Millisecond

// parseAll is the size of a fleet of which every report is parsed.
const parseAll = 100

// reportReading takes the reports of a topic, in its order.
type reportReading struct {
	kept map[string]*reported
	of   map[string]*lastRecord // by the key of the record
}

// lastRecord is what was read of an agent last.
type lastRecord struct {
	parsed  time.Time // of the record
	pending []byte    // the one after it that is not parsed, unless it is the last; empty: none
}

// take takes a record in: it is parsed now, or at the end when no later one comes.
func (r *reportReading) take(x *consumer.Record) {
	last := r.of[string(x.Key)]
	if last == nil {
		last = &lastRecord{}
		r.of[string(x.Key)] = last
	}
	if len(r.of) > parseAll && len(x.Key) > 0 && x.Time.Sub(last.parsed) < time.Duration(len(r.of))*parseEach {
		last.pending = append(last.pending[:0], x.Value...)
		return
	}
	last.parsed, last.pending = x.Time, last.pending[:0]
	r.parse(x.Value)
}

func (r *reportReading) parse(data []byte) {
	if rep, err := report.Parse(data); err == nil { // others may write here too
		keepReport(r.kept, rep)
	}
}

// end parses the last report of each agent, and returns all.
func (r *reportReading) end() map[string]*reported {
	for _, last := range r.of {
		if len(last.pending) > 0 {
			r.parse(last.pending)
		}
	}
	return r.kept
}

// keepReport takes a report in, in the order of the topic. Counters that go back, of an
// agent that was started again or a task that was, begin a new comparison.
func keepReport(out map[string]*reported, rep report.Report) {
	r := out[rep.Agent]
	if r != nil && len(r.newest.Doubts) == 0 && (rep.At.IsZero() || rep.StartedAt.IsZero()) {
		return // one that says no time that can be takes no place from one that does
	}
	if r == nil || !rep.StartedAt.Equal(r.newest.StartedAt) {
		if r != nil && rep.StartedAt.Before(r.newest.StartedAt) {
			return // the last words of the process before
		}
		r = &reported{}
		out[rep.Agent] = r
	}
	before := map[string]report.Task{}
	for _, t := range r.newest.Tasks {
		before[taskKey(t)] = t
	}
	first := make(map[string]sample, len(rep.Tasks))
	for _, t := range rep.Tasks {
		key := taskKey(t)
		old, ok := before[key]
		if ok && !old.Unknown && t.AckedLines >= old.AckedLines && t.AckedBytes >= old.AckedBytes {
			first[key] = r.first[key]
		} else {
			first[key] = sample{rep.At, t}
		}
	}
	r.newest, r.first = rep, first
}

func taskKey(t report.Task) string { return etcdcfg.Entry{Path: t.Path, Topic: t.Topic}.Key() }
