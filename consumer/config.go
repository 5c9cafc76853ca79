package consumer

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"logctl/internal/kafka"
)

// Isolation says what a Reader sees of transactions.
type Isolation int8

// The isolation levels.
const (
	ReadCommitted   Isolation = iota // only what was committed; waits at the first open transaction
	ReadUncommitted                  // everything, aborted records too
)

// ParseIsolation reads "read_committed" or "read_uncommitted".
func ParseIsolation(s string) (Isolation, error) {
	switch s {
	case "", "read_committed":
		return ReadCommitted, nil
	case "read_uncommitted":
		return ReadUncommitted, nil
	}
	return 0, fmt.Errorf("isolation %q: want read_committed or read_uncommitted", s)
}

// Defaults and limits of Config.
const (
	MaxBatch      = 1000                   // records that Next returns at most
	DefaultLinger = 100 * time.Millisecond // Config.Linger when it is zero
	DefaultWait   = 30 * time.Second       // Config.Wait when it is zero
	DefaultBuffer = 16 << 20               // Config.Buffer when it is zero, bytes

	DefaultMaxRecord = 64 << 20  // Config.MaxRecord when it is zero, bytes
	DefaultMaxMemory = 512 << 20 // Config.MaxMemory when it is zero, bytes
)

// Config says what a Reader reads. The zero value of every field but Kafka and
// Topics is a working default.
type Config struct {
	Kafka  kafka.Config
	Topics []string // names, or regular expressions when Regex is set
	Regex  bool     // a topic matches when one expression matches its whole name

	Partitions Partitions // which ones; zero: all
	From       From       // where to start; zero: newest
	To         To         // where to end, exclusive; zero: no end of its own
	Follow     bool       // false: end at the newest offsets as they were at Open

	Isolation Isolation

	// Linger is how long a batch of Next may wait for more once it has a record.
	// 0 means DefaultLinger, a negative value means not at all.
	Linger time.Duration
	// Reuse lets the records of a batch be overwritten by the next call of Next,
	// which saves the copy. Clone what is kept.
	Reuse bool
	// Sort merges the partitions by time; see Reader.SortWindow for what it waits for.
	Sort bool
	// SortWindow is how long a record may be held for older ones of a partition that
	// is behind, when Sort is set and the reader follows. Default 1 s.
	SortWindow time.Duration
	// Buffer bounds the bytes fetched and not yet delivered. One batch of records is
	// always let through whatever its size. 0 means DefaultBuffer.
	Buffer int64
	// MaxRecord is the size in bytes from which a record is passed over with a notice,
	// what its headers take in memory counted. 0 means DefaultMaxRecord.
	MaxRecord int64
	// MaxMemory bounds what decompressed batches take, bytes: a batch that needs more
	// than a quarter of it is passed over with a notice. 0 means DefaultMaxMemory.
	MaxMemory int64
	// Refresh is the time between two looks at the cluster for new partitions, leaders
	// and end offsets. 0 means 5 s while following.
	Refresh time.Duration

	// Wait is how long a read that has an end waits for a partition that cannot be read,
	// or whose broker sends nothing of what there is, before it gives the partition up.
	// PartitionStat.Err says so. 0 means DefaultWait.
	Wait time.Duration

	// Notify is told what an operator should know while the reader goes on: a lost
	// broker, a clamped start, a new partition. It is called by one goroutine at a
	// time and must not block or call the Reader. May be nil.
	Notify func(Notice)
	// Log gets what only a developer wants to know. May be nil.
	Log *slog.Logger

	at      map[topicPartition]span // where exactly to start and end; nil: as From and To say
	unread  leftOut                 // of OpenLast: what it could not look into
	resort  bool                    // of OpenLast: Sort as the caller gave it, for Continue
	refused map[string]bool         // topics that were told to be denied
	gone    time.Duration           // how long the cluster must know nothing of a topic before a bounded read gives it up; 0: 5 s
}

// leftOut is the partitions that nobody could tell the last records of.
type leftOut struct {
	why  map[topicPartition]error
	back int64 // how many offsets of each are read when it follows and they can be read
}

// span is an exact piece of a partition, its end excluded.
type span struct{ start, end int64 }

// Notice is something that happened to a Reader that goes on.
type Notice struct {
	Kind      NoticeKind
	Topic     string // "" when it concerns a broker
	Partition int32  // -1 when it concerns more than one
	Text      string // one line in words, no full stop
}

// NoticeKind classifies a Notice.
type NoticeKind uint8

// The kinds of notices.
const (
	BrokerLost       NoticeKind = iota + 1 // Text names the broker and the error
	BrokerBack                             // after BrokerLost
	OffsetClamped                          // a start or position was outside the partition
	PartitionAdded                         // found while following
	PartitionError                         // the partition cannot be read now; the reader keeps trying
	PartitionBack                          // after PartitionError
	RecordsSkipped                         // a batch could not be decoded
	NoTopicYet                             // no topic matches the expressions
	TopicDenied                            // the right to read one of several topics is missing; the others are read
	TopicGranted                           // after TopicDenied
	OpenTransaction                        // records wait for a transaction that was not ended for a while
	TransactionEnded                       // after OpenTransaction
	Throttled                              // a quota of the brokers slows the read down
)

func (c *Config) setDefaults() {
	if c.Linger == 0 {
		c.Linger = DefaultLinger
	}
	if c.Buffer <= 0 {
		c.Buffer = DefaultBuffer
	}
	if c.Refresh <= 0 {
		c.Refresh = 5 * time.Second
	}
	if c.gone <= 0 {
		c.gone = 5 * time.Second
	}
	if c.Wait <= 0 {
		c.Wait = DefaultWait
	}
	if c.MaxMemory <= 0 {
		c.MaxMemory = DefaultMaxMemory
	}
	if c.refused == nil {
		c.refused = map[string]bool{}
	}
	if c.SortWindow <= 0 {
		c.SortWindow = time.Second
	}
	if c.Notify == nil {
		c.Notify = func(Notice) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// CheckTopics refuses expressions of Config.Topics that are none.
func CheckTopics(expressions []string) error {
	_, err := (&Config{Topics: expressions, Regex: true}).patterns()
	return err
}

// patterns returns the compiled expressions of a Regex config, each matching whole
// names.
func (c *Config) patterns() ([]*regexp.Regexp, error) {
	if len(c.Topics) == 0 {
		return nil, errors.New("no topic given")
	}
	if !c.Regex {
		return nil, nil
	}
	out := make([]*regexp.Regexp, 0, len(c.Topics))
	for _, s := range c.Topics {
		re, err := regexp.Compile("^(?:" + s + ")$")
		if err != nil {
			return nil, fmt.Errorf("topic expression %q: %w", s, err)
		}
		out = append(out, re)
	}
	return out, nil
}
