package ship

import (
	"context"
	"errors"
	"log/slog"
	"time"

	status "logctl/agent/state"
	"logctl/internal/kafka"
)

// Config configures a Producer. The zero value of a field takes the default
// named beside it.
type Config struct {
	Kafka       kafka.Config
	Acks        string // "all" (default, idempotent) or "leader" (faster, may duplicate and lose)
	Compression string // none | gzip | snappy | lz4 (default) | zstd
	// Partitioner is file (default: a key has one partition), random or
	// round_robin. The latter two choose for each bundle, not for each record,
	// and skip partitions without a leader; they keep no order between bundles.
	Partitioner string
	MaxBuffer   int64        // bytes of bundles held at most; default 64 MiB
	MaxLines    int          // lines held at most; default no limit
	BatchBytes  int          // uncompressed size of a full batch; default 900 KiB
	Log         *slog.Logger // default: discard
	// Names gives the producer ids and epochs under which partitions send; nil: each has
	// one of its own from whatever broker answers. It is called from one goroutine, may
	// ask brokers, and returns an identity for each place, not a valid one where it cannot
	// tell yet, or an error; ErrWait holds all of them back until Wake.
	Names func(ctx context.Context, places []Place) ([]kafka.Identity, error)
	// OnTopic is told of every change of a topic's State, Slow or Closed, in order, from
	// one goroutine of the producer, which holds no lock. It must not block.
	OnTopic func(TopicStatus)
}

// ErrWait is what Names returns, wrapped with the reason in words, as long as it cannot
// say under which identity a partition may send.
var ErrWait = errors.New("no producer id yet")

// Place is a partition that needs a producer id.
type Place struct {
	Topic     string
	TopicID   [16]byte // UUID; zero where brokers tell none
	Partition int32
	Last      kafka.Identity // under which it sent until now, and may no longer; kafka.NoIdentity: none
	Reset     bool           // Last is still ours, but its sequence must begin anew, under a higher epoch
}

// Cursor is how far a partition is: every record before Offset of this producer belongs
// to a bundle of which Done has returned, or to none.
type Cursor struct {
	Topic     string
	TopicID   [16]byte
	Partition int32
	Offset    int64
}

// Span is one record's value within Bundle.Data.
type Span struct {
	Start, End uint32 // Data[Start:End]
	Pos        int64  // value of the header pos: where the line begins in its file
	Part       int32  // 0: a whole line; 1..: a part of a split one
	Last       bool   // the last part
	Mark       uint16 // 0: nothing of its own; else Bundle.Marks[Mark-1]
}

// Mark is what records have of their own, beside their place.
type Mark struct {
	Time int64 // timestamp, in milliseconds since 1970; 0: that of the bundle
	Set  uint8 // 0: no further headers; else Bundle.Sets[Set-1]
}

// Header is a record header.
type Header struct{ Key, Value []byte }

// Bundle is a run of records of one source that goes to one topic. Data, Spans,
// Marks, Sets and Headers belong to the producer from Send until Done.
type Bundle struct {
	Topic     string
	Key       string    // same key, same partition, order kept (partitioner file)
	Time      time.Time // timestamp of the records
	Data      []byte
	Spans     []Span
	Headers   []Header   // the same for every record
	Marks     []Mark     // of spans; nil where no span has anything of its own
	Sets      [][]Header // further headers of records, by Mark.Set
	PosHeader bool       // add the header pos to every record
	// Places are further headers that tell a record's place in its file: the value of
	// each is Value with the position behind it, in decimal.
	Places []Header
	// Done is called exactly once for a bundle that Send accepted, from a
	// goroutine of the producer, when nothing of the bundle is needed any
	// more. It must not block and must not call Send.
	Done func(Result)
}

// Result is what became of a bundle.
type Result struct {
	Err     error // set only when the producer stopped before every record was acknowledged
	Acked   int   // spans acknowledged by Kafka
	Skipped int   // spans that no broker would ever take; their position passes
	Split   int   // spans that had to be sent as several records
	Bytes   int64 // bytes of the acknowledged spans

	Partition int32 // where the records are
	Offset    int64 // of the batch that holds the first of them; -1: not known
}

// TopicStatus is a topic's state.
type TopicStatus struct {
	Topic   string
	State   status.Code // "" when nothing is known to be in the way of records
	Err     string      // the reason in full, with what to do; "" when State is ""
	Since   time.Time   // when State became so
	Unasked bool        // Kafka was not asked about the topic yet, or has not answered
	Slow    bool        // records flow all the same, slowly or unseen by readers
	Closed  bool        // nothing is sent to it now: its partitions are not known, or the cluster does not let it be used
}

// Stats are counters since New, and what is held now.
type Stats struct {
	Brokers       string       // "ok", "connecting", or what is wrong: "kafka unreachable: dial tcp ..."
	Cluster       status.State // why no broker answers; the zero Code while one does, or nobody asked
	BufferedBytes int64        // bundles accepted and not done, in bytes of Data
	BufferedLines int64
	InFlightBytes int64  // of these, sent and not yet acknowledged
	Records       uint64 // acknowledged
	Bytes         uint64 // of these, bytes of values
	Batches       uint64 // acknowledged
	Requests      uint64 // produce requests sent
	Retries       uint64 // batches sent again
	Splits        uint64 // batches and records split because a topic's limit is smaller
	Resets        uint64 // sequences restarted under a new epoch or producer id
}
