package ship

import (
	"slices"
	"time"
)

// mark knows how far a partition is: up to which offset every batch of ours belongs to
// bundles that were called back. Its fields are guarded by the producer's lock.
type mark struct {
	low    int64    // the answer; 0: nothing is known yet
	next   int64    // what low becomes when all that is acknowledged was called back
	last   int64    // behind the last batch
	begun  []*entry // acknowledged in part
	behind int      // answers whose callbacks still run
}

// stored notes a batch that was acknowledged.
func (m *mark) stored(base int64, records int) {
	if base >= 0 {
		m.last = max(m.last, base+int64(records))
	}
}

// begin notes that records of e are in the batch that was acknowledged.
func (m *mark) begin(e *entry, base int64) {
	if e.begun {
		return
	}
	e.begun, e.first = true, base
	if base < 0 {
		e.first = m.low // not before that
	}
	e.res.Offset = base
	m.begun = append(m.begun, e)
}

// end notes that all records of e are acknowledged.
func (m *mark) end(e *entry) {
	if i := slices.Index(m.begun, e); i >= 0 {
		m.begun = slices.Delete(m.begun, i, i+1)
	}
}

// answered is called when a batch was acknowledged and before its callbacks run.
func (m *mark) answered() {
	m.next = m.last
	for _, e := range m.begun {
		m.next = min(m.next, e.first)
	}
	m.behind++
}

// calledBack is called when the callbacks have returned.
func (m *mark) calledBack() {
	if m.behind--; m.behind == 0 {
		m.low = max(m.low, m.next)
	}
}

// anew forgets all of it: the topic is another one.
func (m *mark) anew() { m.low, m.next, m.last = 0, 0, 0 }

// Cursors tells how far the partitions are of which something was acknowledged.
func (p *Producer) Cursors() []Cursor {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []Cursor
	for _, t := range p.topics {
		for _, part := range t.parts {
			if part.mark.low > 0 {
				out = append(out, Cursor{Topic: t.name, TopicID: t.id, Partition: part.id, Offset: part.mark.low})
			}
		}
	}
	return out
}

// Wake asks Names again for the partitions that it held back.
func (p *Producer) Wake() {
	p.mu.Lock()
	p.idAfter, p.idTries = time.Time{}, 0
	p.wakes++
	p.mu.Unlock()
	poke(p.wakeup)
}
