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
		p.contact, p.since, p.began = failing, now, r.callers.sum()
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
			p.since, p.began = time.Now(), r.callers.sum()
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

// attendance is for how long callers have waited for records.
type attendance struct {
	before time.Duration // without the present one
	since  time.Time     // since when the present one waits; zero: there is none
}

func (a *attendance) sum() time.Duration {
	if a.since.IsZero() {
		return a.before
	}
	return a.before + time.Since(a.since)
}

// attend notes that a caller waits for records from now on, or does so no more: how long a
// broker is waited for is counted in that time only. While nobody takes records, the
// buffer is full, and partitions that have recovered are not asked.
func (r *Reader) attend(waiting bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.callers.before = r.callers.sum()
	if r.callers.since = (time.Time{}); waiting {
		r.callers.since = time.Now()
	}
}

// patience is for how much longer a partition that fails is waited for, while somebody
// waits. ok is false where that is for ever, or where the partition does not fail. The
// caller holds r.mu.
func (r *Reader) patience(p *partition) (left time.Duration, ok bool) {
	if p.phase.over() || !r.bounded(p) || p.contact == answering && p.silence.answers == 0 {
		return 0, false
	}
	began := p.began
	if p.contact == answering || p.silence.answers > 0 && p.silence.began < began {
		began = p.silence.began
	}
	return r.cfg.Wait - (r.callers.sum() - began), true
}

// firstDeadline is when the first partition is to be given up; zero: none is yet.
func (r *Reader) firstDeadline() (first time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.callers.since.IsZero() {
		return first
	}
	now := time.Now()
	for _, p := range r.order {
		if left, ok := r.patience(p); ok && (first.IsZero() || now.Add(left).Before(first)) {
			first = now.Add(left)
		}
	}
	return first
}

// giveUp ends the read of partitions that were waited for long enough: they are not
// complete, and their error says so.
func (r *Reader) giveUp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.order {
		if left, ok := r.patience(p); !ok || left > 0 {
			continue
		}
		if p.err == nil {
			p.err = &SilenceError{Offset: p.next, End: p.end, Newest: p.newest, Wait: r.cfg.Wait}
		}
		r.leave(p, gaveUp)
	}
}

// SilenceError says that a broker answers and does not send the records that a
// partition should have.
type SilenceError struct {
	Offset int64 // first that did not come
	End    int64 // behind the last one
	Newest int64 // where the log ends, as last heard
	Wait   time.Duration
}

func (e *SilenceError) Error() string {
	if e.Newest < e.End {
		return fmt.Sprintf("its log ends at %d, though it reached to %d when the read began: "+
			"it was cut back, as by an unclean election of a leader, and what stood there is lost", e.Newest, e.End)
	}
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
