package ship

import (
	"errors"
	"fmt"
	"time"

	status "logctl/agent/state"
	"logctl/internal/kafka"

	"github.com/IBM/sarama"
)

// answer does what the table says about a partition's answer. It adds the
// entries that are done to the list.
func (part *partition) answer(block *sarama.ProduceResponseBlock, now time.Time, done []*entry) []*entry {
	p, t := part.t.p, part.t
	r := react(block.Err)
	again := false // the broker refuses the present time, too
	part.state, part.at = idle, nil
	if r.act == actDone {
		base := block.Offset
		if block.Err != sarama.ErrNoError {
			base = -1 // a duplicate: some brokers say where, others do not
		}
		done = part.acknowledged(done, base)
		part.healed()
		part.kick()
		return done
	}
	why := reason{state: r.state, err: answerText(t.name, block)}
	if r.state == status.FewReplicas {
		why.err = t.fewReplicas(part.id, block.Err)
	}
	if t.looksCompacted(block) {
		why = t.noKeys()
	}
	p.log.Debug("batch refused", "topic", t.name, "partition", part.id, "code", block.Err.Error(), "tries", part.tries+1)
	switch r.act {
	case actSplit:
		if part.divide() {
			p.stats.Splits++
			t.limitAt, t.refused = now, now
			poke(p.wakeup)
			part.kick()
			return done
		}
		why = reason{status.Refused, "a record with its headers is larger than the topic's max.message.bytes: raise it"}
		part.failed(now, why, true)
		part.pause(p.backoff(part.tries+3, p.tune.backoffMax))
		return done
	case actReset, actNewID:
		p.stats.Resets++
		part.renew(r.act == actReset)
		p.log.Info("sequence begins anew", "topic", t.name, "partition", part.id, "code", block.Err.Error(), "unsure", part.out.unsure)
		part.failed(now, reason{status.BrokerError, why.err}, false)
		part.out.unsure = false
	case actRestamp:
		if again = part.refusedNow(); again {
			why = t.clockReason(block, now)
		}
		part.restamp(now)
		part.failed(now, why, again)
	case actWait:
		part.failed(now, why, true)
	default:
		if r.act == actRefresh {
			t.refreshNow(now)
		}
		part.failed(now, why, false)
	}
	if errors.Is(block.Err, sarama.ErrRequestTimedOut) || errors.Is(block.Err, sarama.ErrNotEnoughReplicasAfterAppend) {
		part.out.unsure = true
	}
	p.stats.Retries++
	switch {
	case part.tries == 1 && (r.act == actReset || r.act == actNewID), r.act == actRestamp && !again:
		part.kick()
	case r.act == actWait:
		part.pause(p.backoff(part.tries+3, p.tune.backoffMax))
	default:
		part.pause(p.backoff(part.tries, p.tune.backoffMax))
	}
	return done
}

// divide puts a batch back that is too large and makes the next one smaller. It
// reports whether that is possible.
func (part *partition) divide() bool {
	t, b := part.t, &part.out
	if b.records > 1 {
		t.learned = max(1, min(t.batchLimit(), b.size)/2)
		part.putBack()
		return true
	}
	e := b.pieces[0].e
	room := t.limit - batchOverhead - e.fixed() - partHeaderSize
	part.putBack()
	return e.splitHead(max(1, room))
}

// answerText is the error in words, with the broker's own where it gave some.
func answerText(topic string, block *sarama.ProduceResponseBlock) string {
	text := kafka.Explain(&kafka.TopicError{Topic: topic, Err: block.Err})
	if own := brokerText(block); own != "" {
		text += " (" + own + ")"
	}
	return text
}

// fewReplicas says that a partition has too few replicas in sync for acks = all.
func (t *topic) fewReplicas(partition int32, code sarama.KError) string {
	least := ""
	if n := t.settings.minReplicas; n > 1 {
		least = fmt.Sprintf(" (%d)", n)
	}
	return fmt.Sprintf("partition %d of topic %q has fewer replicas in sync than min.insync.replicas%s asks for, or they answer too slowly (%v): bring the brokers that hold the others back", partition, t.name, least, code)
}

// renew begins a sequence anew: under a higher epoch of the same producer id, or under
// another id.
func (part *partition) renew(raise bool) {
	if part.t.p.cfg.Names == nil && raise {
		part.seq = part.seq.reset()
		return
	}
	part.last, part.raise = part.seq.identity(), raise
	part.seq = noSequence
}
