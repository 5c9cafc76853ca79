package kafka

import (
	"errors"
	"fmt"
	"strings"

	"logctl/internal/spell"
)

// Topic is a topic as the cluster describes it.
type Topic struct {
	Name       string
	Internal   bool // one of Kafka's own, as __consumer_offsets
	Partitions []Partition
	Bytes      int64 // size on the leaders' disks, in bytes; -1 unknown
}

// Partition is one partition of a topic.
type Partition struct {
	ID       int32
	Leader   int32 // broker id; -1 none
	Replicas []int32
	ISR      []int32 // replicas in sync
	Unstored []int32 // replicas whose brokers are up and have lost the disk: see LostDisks
	Oldest   int64   // first offset present; -1 unknown
	Newest   int64   // offset the next record gets; -1 unknown
	Err      error   // why the partition or its offsets are not available
}

// Broker is one broker of the cluster.
type Broker struct {
	ID      int32
	Address string // host:port as the cluster announces it
	Rack    string
}

// ErrTopicExists is returned by CreateTopic for a name that is taken.
var ErrTopicExists = errors.New("topic exists already")

// MissingTopicError says that the cluster has no topic of that name.
type MissingTopicError struct {
	Name    string
	Nearest []string // topics whose names are near, best first; may be empty
}

// MissingTopic is the error for a name that is none of the topics of the cluster,
// with up to three that may have been meant.
func MissingTopic(name string, topics []string) *MissingTopicError {
	return &MissingTopicError{Name: name, Nearest: spell.Nearest(name, topics, 3)}
}

func (e *MissingTopicError) Error() string {
	if len(e.Nearest) == 0 {
		return fmt.Sprintf("topic %q does not exist", e.Name)
	}
	quoted := make([]string, len(e.Nearest))
	for i, n := range e.Nearest {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	return fmt.Sprintf("topic %q does not exist; near it: %s", e.Name, strings.Join(quoted, ", "))
}
