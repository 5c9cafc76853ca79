package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"logctl/internal/kafka"
)

// kafka looks at the brokers, the topics of the entries and the rights on them.
func (d *doctor) kafka(ctx context.Context, console bool) {
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	where := strings.Join(d.c.Kafka.Address, ", ")
	admin := d.admin()
	defer func() { _ = admin.Close() }() // nothing was written
	took, err := admin.Ping(ctx)
	if err != nil {
		d.problem("kafka", where, explainKafka(err), "lines wait in their files until a broker answers")
		return
	}
	d.ok("kafka", where, fmt.Sprintf("answers within %v", took.Round(100*time.Microsecond)))
	brokers, err := admin.Brokers(ctx)
	if err != nil {
		d.problem("kafka", where, explainKafka(err), "")
		return
	}
	for _, b := range brokers {
		at := fmt.Sprintf("broker %d at %s", b.ID, b.Address)
		if err := admin.Reach(ctx, b); err != nil {
			d.problem("kafka", at, explainKafka(err), "")
		} else {
			d.ok("kafka", at, "can be reached at the address that it announces")
			d.brokerCertificate(ctx, at, b.Address)
		}
	}
	d.reportedClock(ctx)
	if !console {
		d.transactions(ctx, admin)
	}
	topics := slices.Clone(d.topics)
	if d.c.Agent.ReportTopic != "" {
		topics = append(topics, d.c.Agent.ReportTopic)
	}
	if len(topics) == 0 {
		return
	}
	d.settingsOf(ctx, admin, topics)
	for _, name := range topics {
		d.topic(ctx, admin, name)
	}
	d.rightsOn(ctx, admin, topics, console)
	if !console {
		d.kafkaVoices(ctx, admin)
	}
}

// topic looks whether a topic is there and can be written to.
func (d *doctor) topic(ctx context.Context, admin *kafka.Admin, name string) {
	t, err := admin.Topic(ctx, name)
	var missing *kafka.MissingTopicError
	switch {
	case errors.As(err, &missing) && name == d.c.Agent.ReportTopic:
		d.warn("topics", name, "the topic of the reports does not exist: agents create it where they may", "grant Create on it, or create it: 1 partition, retention.ms=3600000")
		return
	case errors.As(err, &missing):
		d.problem("topics", name, err.Error(), "create it: n on the entry in the console")
		return
	case err != nil && name == d.c.Agent.ReportTopic:
		d.warn("topics", name, explainKafka(err), "grant Describe and Write on it, without which consoles see no numbers of this agent")
		return
	case err != nil:
		d.problem("topics", name, explainKafka(err), "")
		return
	}
	for _, p := range t.Partitions {
		at := fmt.Sprintf("%s/%d", name, p.ID)
		switch {
		case p.Leader < 0 && len(p.Unstored) > 0:
			d.problem("topics", at, fmt.Sprintf("the partition has no leader: broker %d is up, and the log directory of its replica is offline", p.Unstored[0]),
				"look at that broker's disk and log, then restart it")
		case p.Leader < 0:
			d.problem("topics", at, "the partition has no leader", "bring the brokers that hold its replicas back")
		case len(p.ISR) < len(p.Replicas):
			d.warn("topics", at, fmt.Sprintf("%d of %d replicas are in sync", len(p.ISR), len(p.Replicas)), "look at the other brokers")
		}
	}
	d.ok("topics", name, plural(len(t.Partitions), "partition", "partitions"))
}

// settingsOf looks at the settings of topics that keep lines out or lose them.
func (d *doctor) settingsOf(ctx context.Context, admin *kafka.Admin, topics []string) {
	all, err := admin.SettingsOf(ctx, []string{kafka.MaxMessageBytes, "cleanup.policy", "min.insync.replicas", "message.timestamp.type",
		"message.timestamp.before.max.ms", "message.timestamp.after.max.ms"}, topics...)
	switch {
	case errors.Is(err, sarama.ErrUnknownTopicOrPartition):
		return // told of the topic
	case errors.Is(err, sarama.ErrTopicAuthorizationFailed):
		d.warn("topics", "settings", "our user may not read the settings of the topics: what hurts in them is not known", "grant DescribeConfigs on the topics")
		return
	case err != nil:
		d.warn("topics", "settings", explainKafka(err), "grant DescribeConfigs on the topics, so that their settings can be looked at")
		return
	}
	for name, m := range all {
		number := func(key string) int64 {
			n, err := strconv.ParseInt(m[key], 10, 64)
			if err != nil {
				return -1
			}
			return n
		}
		if strings.Contains(m["cleanup.policy"], "compact") {
			d.problem("topics", name, "it is compacted: it takes no record without a key, and lines have none", "set cleanup.policy=delete on it, or choose another topic")
		}
		if n := number(kafka.MaxMessageBytes); n > 0 && n < d.c.Agent.MaxLine {
			d.warn("topics", name, fmt.Sprintf("max.message.bytes is %d: lines longer than that are sent in parts", n), "raise it to [agent] max_line, or mind the header part")
		}
		if m["message.timestamp.type"] == "LogAppendTime" {
			continue
		}
		for key, effect := range map[string]string{
			"message.timestamp.before.max.ms": "lines that waited longer get the time of sending (the time of reading stands in the header read_at)",
			"message.timestamp.after.max.ms":  "a host whose clock is further ahead can send nothing",
		} {
			if n := number(key); n > 0 && n <= int64(24*time.Hour/time.Millisecond) {
				d.warn("topics", name, fmt.Sprintf("%s is %v: %s", key, time.Duration(n)*time.Millisecond, effect), "keep the clocks right, or widen the limit")
			}
		}
	}
}

// rightsOn compares the rights on topics with those that the mode needs.
func (d *doctor) rightsOn(ctx context.Context, admin *kafka.Admin, topics []string, console bool) {
	rights, err := admin.RightsOn(ctx, topics...)
	if err != nil {
		d.warn("kafka", "rights", explainKafka(err), "")
		return
	}
	for _, name := range topics {
		r := rights[name]
		switch {
		case !r.Known:
		case console && !r.Read:
			d.warn("kafka", name, "our user may not read the topic: it cannot be streamed", "grant Read on it")
		case console:
			d.ok("kafka", name, "may be read")
		case !r.Write && name == d.c.Agent.ReportTopic:
			d.warn("kafka", name, "our user may not write reports: consoles see no numbers of this agent", "grant Write on it")
		case !r.Write:
			d.problem("kafka", name, "our user may not write to the topic", "grant Describe and Write on it (before Kafka 3.0 also IdempotentWrite on the cluster)")
		case name == d.c.Agent.ReportTopic && d.c.Kafka.Login.Mechanism == "" && d.c.Kafka.CertFile == "":
			d.warn("kafka", name, "whoever reaches Kafka may write reports in any agent's name: no login is needed", "have brokers ask for a login, and let only agents write there (docs/security.md)")
		case !r.Read && name != d.c.Agent.ReportTopic:
			d.warn("kafka", name, "our user may write to the topic and not read it: after a kill the last lines are sent once more", "grant Read on it")
		default:
			d.ok("kafka", name, "may be written to")
		}
	}
}
