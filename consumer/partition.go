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
	Done      bool      // read to StopAt, or given up (Err says why)
	Err       error     // why it is not read now; nil when it is
}

// noEnd is the end of a partition that is followed.
const noEnd = math.MaxInt64

// partition is the state of one partition. Its fields are guarded by Reader.mu.
type partition struct {
	topicPartition
	leader int32
	uuid   sarama.Uuid // of the topic; zero: not known

	known     bool // start and end have been found out
	added     bool // appeared while following
	clampNext bool // next is outside the log: the manager must find out where to go on
	anew      bool // the topic was deleted and made again: next means nothing
	done      bool

	start     int64
	next      int64     // to fetch next
	delivered int64     // behind the last record delivered
	end       int64     // noEnd: follow
	endTime   time.Time // the end is the first record of this time, which is not there yet

	oldest, newest int64     // of the log; -1 unknown
	heard          time.Time // when newest was heard last

	held    int       // bytes fetched and not delivered
	need    int       // size of a batch that did not fit into the last response
	idle    int       // answers without data although there should be some
	cut     bool      // its leader is not reached
	absent  time.Time // since when the cluster knows no such topic; zero: it does
	pause   time.Time // not fetched before
	err     error
	failing time.Time // since when err is set
	told    bool      // err was told to the operator

	records, bytes uint64
	lastAt         time.Time

	pending []*chunk // fetched and not delivered, when sorting
}

func newPartition(tp topicPartition, leader int32) *partition {
	return &partition{topicPartition: tp, leader: leader, start: -1, next: -1, delivered: -1,
		end: noEnd, oldest: -1, newest: -1}
}

func (p *partition) stat() PartitionStat {
	s := PartitionStat{
		Topic: p.topic, Partition: p.id, Leader: p.leader,
		Start: p.start, Next: p.delivered, Oldest: p.oldest, End: p.newest, StopAt: -1,
		Records: p.records, Bytes: p.bytes, LastAt: p.lastAt, Done: p.done, Err: p.err,
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
