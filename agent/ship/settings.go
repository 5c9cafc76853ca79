package ship

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	status "logctl/agent/state"
	"logctl/internal/kafka"

	"github.com/IBM/sarama"
)

// topicSettings are the settings of a topic that decide whether its brokers take
// lines, as far as we may read them.
type topicSettings struct {
	compacted   bool
	minReplicas int           // min.insync.replicas; 0: not known
	before      time.Duration // message.timestamp.before.max.ms; 0: not known, or no limit
	after       time.Duration // message.timestamp.after.max.ms; the same
}

// settingsRead are the names of what is read, beside max.message.bytes.
func settingsRead() []string {
	return []string{kafka.MaxMessageBytes, "cleanup.policy", "min.insync.replicas",
		"message.timestamp.before.max.ms", "message.timestamp.after.max.ms", "message.timestamp.difference.max.ms"}
}

func parseSettings(m map[string]string) topicSettings {
	s := topicSettings{compacted: strings.Contains(m["cleanup.policy"], "compact")}
	s.minReplicas, _ = strconv.Atoi(m["min.insync.replicas"]) // 0 is not known
	limit := func(name string) time.Duration {
		ms, err := strconv.ParseInt(m[name], 10, 64)
		if err != nil {
			ms, err = strconv.ParseInt(m["message.timestamp.difference.max.ms"], 10, 64) // before Kafka 3.6
		}
		if err != nil || ms <= 0 || ms > int64(100*365*24*time.Hour/time.Millisecond) {
			return 0
		}
		return time.Duration(ms) * time.Millisecond
	}
	s.before, s.after = limit("message.timestamp.before.max.ms"), limit("message.timestamp.after.max.ms")
	return s
}

// noKeys is what to know of a compacted topic.
func (t *topic) noKeys() reason {
	return reason{status.TopicCompacted, fmt.Sprintf("topic %q is compacted and takes no line, for lines have no key: set cleanup.policy=delete on it, or choose another topic", t.name)}
}

// looksCompacted says whether an answer means that the topic takes no record without a
// key. The code is that of several refusals, so that settings or the broker's text decide.
func (t *topic) looksCompacted(block *sarama.ProduceResponseBlock) bool {
	return block.Err == sarama.ErrInvalidRecord && (t.settings.compacted || strings.Contains(strings.ToLower(brokerText(block)), "compacted topic"))
}

// brokerText is what the broker itself says of a refusal: its message, and that of the
// first record refused.
func brokerText(block *sarama.ProduceResponseBlock) string {
	var texts []string
	if block.ErrorMessage != nil && *block.ErrorMessage != "" {
		texts = append(texts, *block.ErrorMessage)
	}
	for _, r := range block.RecordErrors {
		if r.BatchIndexErrorMessage != nil && *r.BatchIndexErrorMessage != "" {
			texts = append(texts, *r.BatchIndexErrorMessage)
			break
		}
	}
	return strings.Join(texts, ": ")
}

// throttled notes that the broker asked for a pause, or that it did not. Short ones are how
// a quota works that is nearly used up.
func (t *topic) throttled(d time.Duration) {
	switch {
	case d >= t.p.tune.showAfter:
		t.slow = reason{status.Throttled, fmt.Sprintf("a quota of the brokers is used up: they want nothing from this client for %s at a time; raise producer_byte_rate of its user or client id", d.Round(time.Second))}
		t.update()
	case t.slow.state == status.Throttled:
		t.slow = reason{}
		t.update()
	}
}

// unseen says why readers may not see what is acknowledged: with acks = leader the leader
// acknowledges alone, and from Kafka 4.0 on it hides what fewer than
// min.insync.replicas hold (KIP-966).
func (t *topic) unseen(m *sarama.TopicMetadata) reason {
	if t.p.idempotent() {
		return reason{}
	}
	for _, pm := range m.Partitions {
		need := min(t.settings.minReplicas, len(pm.Replicas))
		if need > 0 && len(pm.Isr) < need {
			return reason{status.FewReplicas, fmt.Sprintf("partition %d of topic %q has %d of the %d replicas in sync that min.insync.replicas asks for: "+
				"with acks = leader its lines are acknowledged, and readers may not see them until the other brokers are back", pm.ID, t.name, len(pm.Isr), need)}
		}
	}
	return reason{}
}
