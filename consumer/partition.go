package consumer

import (
	"math"
	"time"

	"github.com/IBM/sarama"
)

// PartitionStat is what a Reader knows about one of its partitions.
type PartitionStat struct {
	Topic     string
	Partition int32
	Leader    int32     // broker id; -1 none known
	Start     int64     // first offset asked for; -1 not known yet
	Next      int64     // offset behind the last one that Next delivered or passed over; -1 not known yet
	Oldest    int64     // first offset in the log as last heard; -1 not known yet
	End       int64     // offset that the next record written will get, as last heard (read committed: that is readable); -1 not known yet
	StopAt    int64     // where the read ends in this partition; -1 nowhere
	Records   uint64    // delivered
	Bytes     uint64    // of their keys and values
	LastAt    time.Time // time of the last record delivered
	Held      int64     // offsets behind End that wait for an open transaction, as last heard
	Done      bool      // read to StopAt, or given up (Err says why)
	Err       error     // why it is not read now; nil when it is
}

// noEnd is the end of a partition that is followed.
const noEnd = math.MaxInt64

// phase is where a partition is in its life:
//
//	          start and end found               position is outside the log
//	placing ──────────────────────▶ reading ──────────────────────────────────▶ outside
//	   │                             ▲ │ │ ▲                                       │
//	   │    nothing below the end,   │ │ │ └──────── moved into the log ───────────┤
//	   │    nothing proven  doubtful ◀─┘ │                                         │
//	   │                      │    │     │ the topic was made anew                 │
//	   │                      │    │     └────────────────────────────▶ replaced ──┘
//	   ▼                      ▼    ▼
//	ended (read to its end), gaveUp (it cannot be read: trouble says why)
//
// placing, reading and doubtful also lead to denied while a right is missing that may
// be granted later; denied leads back to placing.
type phase uint8

const (
	placing  phase = iota // start and end are not known yet; the manager asks
	reading               // its leader is asked for what follows
	doubtful              // like reading, but the last answer brought nothing from below the end
	outside               // next is outside the log: the manager finds out where to go on
	replaced              // the topic was deleted and made anew: next means nothing
	denied                // the right to read is missing; the manager looks again
	ended                 // read to its end
	gaveUp                // will not be read any more
)

// over reports whether nothing more is fetched.
func (ph phase) over() bool { return ph == ended || ph == gaveUp }

// fetched reports whether a fetcher may ask for it.
func (ph phase) fetched() bool { return ph == reading || ph == doubtful }

// contact is what is known of the way to a partition's data:
//
//	answering ──▶ failing ──(it lasts)──▶ told ──▶ answering
//	    └──────────▶ cutOff ──────────────────────────┘
type contact uint8

const (
	answering contact = iota
	failing           // err is set
	told              // err was told to the operator
	cutOff            // its leader is not reached, which the leader's fetcher tells
)

// trouble is why a partition is not read now.
type trouble struct {
	contact contact
	err     error
	since   time.Time
	began   time.Duration // Reader.callers at since
}

// partition is the state of one partition. Its fields are guarded by Reader.mu.
type partition struct {
	topicPartition
	leader int32
	uuid   sarama.Uuid // of the topic; zero: not known
	phase  phase
	late   bool // appeared after Open: nothing in it was there when the read began
	trouble

	start     int64
	next      int64     // to fetch next
	delivered int64     // behind the last record delivered
	end       int64     // noEnd: follow
	endTime   time.Time // the end is the first record of this time, which is not there yet

	oldest, newest int64     // of the log; -1 unknown
	heard          time.Time // when newest was heard last
	open           openTransaction

	buffered int       // bytes fetched and not delivered
	need     int       // size of a batch that did not come whole, as far as known; 0: no such
	silence  silence   // of answers below the end
	absent   time.Time // since when the cluster knows no such topic; zero: it does
	pause    time.Time // not fetched before

	records, bytes uint64
	lastAt         time.Time

	pending []*chunk // fetched and not delivered, when sorting
}

// silence is a run of answers that brought nothing although the end is not reached.
type silence struct {
	answers int
	began   time.Duration // Reader.callers at the first of them
}

func newPartition(tp topicPartition, leader int32) *partition {
	return &partition{topicPartition: tp, leader: leader, start: -1, next: -1, delivered: -1,
		end: noEnd, oldest: -1, newest: -1}
}

func (p *partition) stat() PartitionStat {
	s := PartitionStat{
		Topic: p.topic, Partition: p.id, Leader: p.leader,
		Start: p.start, Next: p.delivered, Oldest: p.oldest, End: p.newest, StopAt: -1, Held: p.open.count(),
		Records: p.records, Bytes: p.bytes, LastAt: p.lastAt, Done: p.phase.over(), Err: p.err,
	}
	if p.end != noEnd {
		s.StopAt = p.end
	}
	return s
}

// chunk is the records of one partition in one fetch response.
type chunk struct {
	decoder
	p     *partition
	frame *frame
	size  int
	after int64 // offset behind the last batch
}

// frame is the memory of one fetch response. refs is guarded by Reader.mu.
type frame struct {
	buf  []byte
	refs int
}
