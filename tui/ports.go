package tui

import (
	"context"
	"time"

	"logctl/agent/report"
	"logctl/etcdcfg"
	"logctl/internal/kafka"
)

// The ports are all that screens and feeds know of the world outside. Calls of
// all of them end when ctx does. They are called from many goroutines at once.

// EntriesPort reads, watches and edits the list of a collect key.
type EntriesPort interface {
	// Watch calls onSnapshot with the list and each change of it, and onState with
	// nil (connected) or why it is not, until ctx ends.
	Watch(ctx context.Context, key string, onSnapshot func(etcdcfg.Snapshot), onState func(error)) error
	// Save and SaveRaw write by compare-and-swap on base; *etcdcfg.ConflictError
	// when somebody else was faster, *etcdcfg.ListError when the list is bad.
	Save(ctx context.Context, base etcdcfg.Snapshot, entries []etcdcfg.Entry, note string) (etcdcfg.Snapshot, error)
	SaveRaw(ctx context.Context, base etcdcfg.Snapshot, raw []byte, note string) (etcdcfg.Snapshot, error)
	History(ctx context.Context, key string, limit int) ([]etcdcfg.Change, error)
	// ListAt returns the list as it stood at a revision; see etcdcfg.Store.ListAt.
	ListAt(ctx context.Context, key string, revision int64) ([]byte, error)
	Revert(ctx context.Context, base etcdcfg.Snapshot, revision int64, note string) (etcdcfg.Snapshot, error)
	Keys(ctx context.Context) ([]string, error)
}

// AgentsPort watches who is on duty, and asks them.
type AgentsPort interface {
	WatchPresences(ctx context.Context, onPresences func([]etcdcfg.Presence), onState func(error)) error
	// Ask gives a command to a running agent and waits for its answer.
	Ask(ctx context.Context, agent string, c etcdcfg.Command) (etcdcfg.Answer, error)
}

// ReportsPort delivers the agents' reports, the last minutes first. onReports is
// called with batches in order, of a big fleet with some of the reports, and with all who
// reported; onState as in EntriesPort.
type ReportsPort interface {
	Reports(ctx context.Context, onReports func([]report.Report, []heard), onState func(error)) error
	// Past delivers some of the reports of the last hour, in order for each agent, and
	// returns when all were delivered.
	Past(ctx context.Context, onReports func([]report.Report)) error
}

// TopicsPort looks at the cluster and creates topics.
type TopicsPort interface {
	// Topics lists all topics with the newest offsets where they are known.
	Topics(ctx context.Context) ([]kafka.Topic, error)
	Brokers(ctx context.Context) ([]kafka.Broker, error)
	Create(ctx context.Context, name string, partitions int32, replication int16, configs map[string]string) error
	// Explain puts an error of these calls in words for an operator.
	Explain(err error) string
}

// StreamPort opens readers of topics.
type StreamPort interface {
	Open(ctx context.Context, q streamQuery, onNotice func(streamNotice)) (streamReader, error)
	// CheckFrom validates a start as typed by a user.
	CheckFrom(from string) error
	// CheckPartitions validates a choice of partitions as typed by a user.
	CheckPartitions(list string) error
}

// streamNotice is something that happened to a reader that goes on.
type streamNotice struct {
	text       string
	trouble    bool
	lost, back bool // a broker or a partition cannot be read, or can again
}

// streamQuery says what a stream reads.
type streamQuery struct {
	topic      string
	from       string // the grammar of the consumer room: newest, oldest, -100, an offset, a time
	partitions string // "" all, or "0,2,4-7"
}

// streamReader reads one stream. Next is called by one goroutine.
type streamReader interface {
	// Next returns the records that came within a short time, none when none came.
	Next(ctx context.Context) ([]*rec, error)
	Partitions() []partStat
	Close() error
}

// partStat is how far the reading of one partition got. Offsets are -1 when not
// known.
type partStat struct {
	id        int32
	next, end int64
	records   uint64
	lastAt    time.Time // when its last record came
	err       string
}

// ports are all ports of a console. A nil port means that it is not there: its
// screens say so.
type ports struct {
	entries EntriesPort
	agents  AgentsPort
	reports ReportsPort
	topics  TopicsPort
	streams StreamPort
}
