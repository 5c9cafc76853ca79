package consumer

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
)

// fetchError handles an answer that is an error. The caller holds r.mu.
func (r *Reader) fetchError(p *partition, err sarama.KError) sayings {
	if err == sarama.ErrOffsetOutOfRange {
		p.phase = outside
		r.lookSoon()
		return nil
	}
	return r.fail(p, err)
}

// fail notes that a partition cannot be read now, tells it when that lasts, and
// gives the partition up when it can never be read. The caller holds r.mu.
func (r *Reader) fail(p *partition, err error) (say sayings) {
	now := time.Now()
	if p.contact == answering {
		p.contact, p.since = failing, now
	}
	p.err = err
	switch {
	case isDenied(err):
		p.err = &AccessError{Topic: p.topic, Err: err}
		return r.deny(p)
	case permanent(err):
		r.leave(p, gaveUp)
		return nil
	}
	p.pause = now.Add(pauseRetry)
	r.lookSoon()
	if p.contact == failing && now.Sub(p.since) >= quietFor {
		p.contact = told
		text := fmt.Sprintf(" cannot be read (%v); trying again", err)
		say.about(PartitionError, p, text, text)
	}
	return say
}

// deny notes that the right to read a topic is missing. A follower that reads others
// beside it goes on and looks again later; anyone else gives it up. The caller holds
// r.mu.
func (r *Reader) deny(p *partition) (say sayings) {
	alone := !slices.ContainsFunc(r.order, func(q *partition) bool { return q.topic != p.topic && q.phase != gaveUp })
	if !r.cfg.Follow || alone && !r.cfg.Regex {
		r.leave(p, gaveUp)
	} else {
		p.phase = denied
		p.pause = time.Now().Add(r.cfg.Refresh)
	}
	return r.sayDenied(p.topic, p.err)
}

// sayDenied tells once that a topic may not be read, unless that ends the read and is
// its error.
func (r *Reader) sayDenied(topic string, err error) (say sayings) {
	if !r.several() || r.cfg.refused[topic] {
		return nil
	}
	r.cfg.refused[topic] = true
	text := err.Error()
	if r.cfg.Follow {
		text += "; the others are read, and this one as soon as the right is granted"
	}
	say.add(Notice{Kind: TopicDenied, Topic: topic, Partition: -1, Text: text})
	return say
}

// several reports whether more than one topic is asked for.
func (r *Reader) several() bool { return r.cfg.Regex || len(r.cfg.Topics) > 1 }

// recovered notes that a partition answers. The caller holds r.mu.
func (r *Reader) recovered(p *partition) (say sayings) {
	if p.contact == told {
		say.about(PartitionBack, p, " is read again", " are read again")
	}
	p.trouble = trouble{}
	return append(say, r.granted(p.topic)...)
}

// granted tells that a topic may be read after all, if it was told not to be.
func (r *Reader) granted(topic string) (say sayings) {
	if r.cfg.refused[topic] {
		delete(r.cfg.refused, topic)
		say.add(Notice{Kind: TopicGranted, Topic: topic, Partition: -1, Text: "topic " + topic + " may be read now"})
	}
	return say
}

// cutOff notes that what a broker leads cannot be read now, so that a merge does not
// wait for it.
func (r *Reader) cutOff(broker int32, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.order {
		if p.leader != broker || p.phase.over() || p.contact == cutOff {
			continue
		}
		if p.contact == answering {
			p.since = time.Now()
		}
		if p.contact != told { // else PartitionBack is owed
			p.contact = cutOff
		}
		p.err = err
		r.signalReady()
	}
}

// bounded reports whether a partition has an end that it will reach without anything
// being written. The caller holds r.mu.
func (r *Reader) bounded(p *partition) bool {
	if !r.cfg.Follow {
		return true
	}
	if p.phase != placing {
		return p.end != noEnd && p.endTime.IsZero()
	}
	to, given := r.cfg.To.p.at(p.id)
	return given && (to.kind != pointTime || to.t.Before(time.Now()))
}

// deadline is when a partition that fails is given up; zero: never, or it does not
// fail. The caller holds r.mu.
func (r *Reader) deadline(p *partition) time.Time {
	if p.phase.over() || !r.bounded(p) {
		return time.Time{}
	}
	at := time.Time{}
	if p.contact != answering {
		at = p.since.Add(r.cfg.Wait)
	}
	if p.silence.answers > 0 {
		if s := p.silence.since.Add(r.cfg.Wait); at.IsZero() || s.Before(at) {
			at = s
		}
	}
	return at
}

// firstDeadline is the earliest deadline of any partition; zero: there is none.
func (r *Reader) firstDeadline() (first time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.order {
		if d := r.deadline(p); !d.IsZero() && (first.IsZero() || d.Before(first)) {
			first = d
		}
	}
	return first
}

// giveUp ends the read of partitions whose deadline has passed: they are not
// complete, and their error says so.
func (r *Reader) giveUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for _, p := range r.order {
		if d := r.deadline(p); d.IsZero() || d.After(now) {
			continue
		}
		if p.err == nil {
			p.err = &SilenceError{Offset: p.next, End: p.end, Wait: r.cfg.Wait}
		}
		r.leave(p, gaveUp)
	}
}

// SilenceError says that a broker answers and does not send the records that a
// partition should have.
type SilenceError struct {
	Offset int64 // first that did not come
	End    int64 // behind the last one
	Wait   time.Duration
}

func (e *SilenceError) Error() string {
	return fmt.Sprintf("for %v its broker sent nothing from offset %d on, though there is more up to %d: "+
		"its remote (tiered) storage may be slower than the broker's remote.fetch.max.wait.ms, or away; --wait waits longer", e.Wait, e.Offset, e.End)
}

// AccessError says that a topic may not be read, and which right is missing.
type AccessError struct {
	Topic string
	Err   error
}

func (e *AccessError) Error() string {
	return fmt.Sprintf("no permission to read topic %q: the user needs the right READ on it (which includes DESCRIBE): "+
		"kafka-acls --add --allow-principal User:NAME --operation Read --topic %s (%v)", e.Topic, e.Topic, e.Err)
}

// Unwrap returns Kafka's error.
func (e *AccessError) Unwrap() error { return e.Err }

// permanent reports whether asking again cannot help.
func permanent(err error) bool {
	return isDenied(err) || errors.Is(err, sarama.ErrInvalidTopic) || errors.Is(err, sarama.ErrUnsupportedVersion)
}

// isDenied reports whether a right is missing.
func isDenied(err error) bool {
	return errors.Is(err, sarama.ErrTopicAuthorizationFailed) || errors.Is(err, sarama.ErrClusterAuthorizationFailed)
}
