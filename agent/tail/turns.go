package tail

// turnQueue is first in, first out.
type turnQueue struct {
	turns []*turn
	head  int
}

func (q *turnQueue) len() int { return len(q.turns) - q.head }

func (q *turnQueue) push(t *turn) {
	if q.head > 64 && q.head*2 >= len(q.turns) {
		n := copy(q.turns, q.turns[q.head:])
		clear(q.turns[n:])
		q.turns, q.head = q.turns[:n], 0
	}
	q.turns = append(q.turns, t)
}

func (q *turnQueue) pop() *turn {
	t := q.turns[q.head]
	q.turns[q.head] = nil
	if q.head++; q.head == len(q.turns) {
		q.turns, q.head = q.turns[:0], 0
	}
	return t
}

// dueTurns is a heap by the times of the next scans.
type dueTurns []*turn

func (d dueTurns) Len() int           { return len(d) }
func (d dueTurns) Less(i, j int) bool { return d[i].at.Before(d[j].at) }

func (d dueTurns) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].index, d[j].index = i, j
}

// Push is heap.Push's.
func (d *dueTurns) Push(x any) {
	t := x.(*turn) //nolint:forcetypeassert // nothing else is pushed
	t.index = len(*d)
	*d = append(*d, t)
}

// Pop is heap.Pop's.
func (d *dueTurns) Pop() any {
	last := len(*d) - 1
	t := (*d)[last]
	(*d)[last], t.index = nil, -1
	*d = (*d)[:last]
	return t
}
