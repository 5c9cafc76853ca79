package ship

import (
	"logctl/internal/kafka"

	"github.com/IBM/sarama"
)

// place names a partition of one life of a topic.
type place struct {
	topic string
	id    sarama.Uuid // zero where brokers tell none
	part  int32
}

func (part *partition) place() place { return place{part.t.name, part.t.id, part.id} }

// unsettled is the next number of a sequence that was left with a batch in flight.
const unsettled = -1

// leave notes the sequence of a partition that the producer stops looking after. All
// partitions may share one identity. A sequence that began at 0 again under it would
// be taken for what is stored already: the broker would acknowledge new records and
// drop them. The producer's lock is held.
func (part *partition) leave() {
	p := part.t.p
	if p.cfg.Names == nil || !part.seq.valid() {
		return
	}
	seq := part.seq
	if part.full() {
		seq.next = unsettled
	}
	p.left[part.place()] = seq
}

// resumed is the sequence to go on with in a place under an identity: behind what was
// sent under it before. ok is false when that is not known: another identity is needed.
func (p *Producer) resumed(at place, who kafka.Identity) (seq sequence, ok bool) {
	seq, found := p.left[at]
	switch {
	case !found || seq.identity() != who:
		seq = sequence{id: who.ID, epoch: who.Epoch}
	case seq.next == unsettled:
		return seq, false
	}
	delete(p.left, at)
	return seq, true
}
