package agent

import (
	"strings"

	"logctl/agent/lookback"
	"logctl/agent/positions"
)

func (a *Agent) address() address { return address{names: a.cfg.Headers, host: a.cfg.Host} }

// spread says whether the lines of a file may go to several partitions.
func (a *Agent) spread() bool {
	return a.cfg.Partitioner != "" && !strings.EqualFold(a.cfg.Partitioner, "file")
}

// newLife makes what takes the agent's transactional id and looks back after a crash.
func (a *Agent) newLife() *lookback.Life {
	a.registry.OnFlush(a.cursors)
	addr := a.address()
	off := ""
	switch {
	case a.cfg.TransactionalID == "":
		off = "[kafka] transactional_id is empty"
	case strings.EqualFold(a.cfg.Acks, "leader"):
		off = "[kafka] acks = leader"
	case !addr.complete():
		off = "[kafka] headers lacks file and pos, by which a stored line is known"
	}
	return lookback.New(lookback.Config{
		Kafka: a.cfg.Kafka, ID: a.cfg.TransactionalID, Off: off, Unordered: a.spread(),
		Registry: a.registry, Wake: func() { a.producer.Wake() }, Log: a.cfg.Log,
	})
}

// cursors tells the registry how far the partitions are: no record from there on belongs
// to a position that is not saved yet.
func (a *Agent) cursors() []positions.Cursor {
	if phase, _ := a.life.State(); phase == lookback.Bounded {
		return nil // nobody will look
	}
	if a.producer == nil || a.tasks == nil {
		return nil // New failed
	}
	list := a.producer.Cursors()
	out := make([]positions.Cursor, 0, len(list))
	for _, c := range list {
		out = append(out, positions.Cursor{Topic: c.Topic, TopicID: c.TopicID, Partition: c.Partition, Offset: c.Offset})
	}
	if a.spread() {
		a.tasks.holdBack(out)
	}
	return out
}

// kafkaState is what is wrong with Kafka, in words; "ok" when nothing is.
func (a *Agent) kafkaState() string {
	state := a.producer.Stats().Brokers
	if phase, why := a.life.State(); phase == lookback.Contested && state == "ok" {
		return why
	}
	return state
}
