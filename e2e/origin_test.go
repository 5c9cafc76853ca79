package e2e

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"time"

	"logctl/internal/kafka"

	"github.com/IBM/sarama"
)

// Every life of the agent sends under a producer id and epoch that no other has, which it
// logs before the first batch of each partition. A batch in a topic carries both, so that
// each line in it is known to be of one life, whenever the broker stored it.

// life is one process of the agent of a world.
type life struct {
	agent *process
	crash *crash // its end, when that was none of its own
}

// batch is the header of a batch in a topic.
type batch struct {
	at          time.Time // when the leader stored it
	first, last int64     // offsets
	producer    kafka.Identity
	sequence    int32 // of the first record
	marker      bool  // of a fence
	life        int   // index in world.lives, -1 when none of them had the producer id
	before      int   // index of the batch of the same life in the partition before it, -1: none
	next        int   // and after it
}

// origins are the batches of each topic and partition ("topic/0"), by offset.
type origins map[string][]batch

// at is the index of the batch that holds an offset, -1 when none does.
func (o origins) at(place string, offset int64) int {
	list := o[place]
	i := sort.Search(len(list), func(i int) bool { return list[i].last >= offset })
	if i == len(list) || list[i].first > offset {
		return -1
	}
	return i
}

// link finds out which batches of a life follow on one another. A life has one
// sequence for a partition, and one batch of it on its way.
func (o origins) link() {
	for _, list := range o {
		last := map[int]int{}
		for i := range list {
			list[i].before, list[i].next = -1, -1
			if j, ok := last[list[i].life]; ok {
				list[i].before, list[j].next = j, i
			}
			last[list[i].life] = i
		}
	}
}

// producerGiven is the agent's line about a producer id.
var producerGiven = regexp.MustCompile(`msg="producer id given".* producer=(\d+) epoch=(\d+)`)

// producers says which life had which producer id.
func (w *world) producers() map[kafka.Identity]int {
	w.t.Helper()
	out := map[kafka.Identity]int{}
	for i, l := range w.lives {
		for _, m := range producerGiven.FindAllStringSubmatch(l.agent.err.String(), -1) {
			number, err := strconv.ParseInt(m[1], 10, 64)
			w.must(err)
			epoch, err := strconv.ParseInt(m[2], 10, 16)
			w.must(err)
			id := kafka.Identity{ID: number, Epoch: int16(epoch)}
			if other, ok := out[id]; ok && other != i {
				w.t.Fatalf("lives %d and %d of the agent both got producer id and epoch %v", other+1, i+1, id)
			}
			out[id] = i
		}
	}
	return out
}

// origins reads the headers of all batches that are in the topics now.
func (w *world) origins(topics ...string) origins {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	admin := kafka.NewAdmin(w.client())
	ends, err := admin.Offsets(ctx, topics...)
	w.must(err)
	w.must(admin.Close())
	conf, err := w.client().Sarama()
	w.must(err)
	client, err := sarama.NewClient(w.client().Addresses, conf)
	w.must(err)
	defer func() { w.must(client.Close()) }()
	producers, out := w.producers(), origins{}
	for _, topic := range topics {
		for _, p := range ends[topic] {
			w.must(p.Err)
			place := placeOf(topic, p.ID)
			for next := p.Oldest; next < p.Newest; {
				leader, err := client.Leader(topic, p.ID)
				w.must(err)
				found, err := headers(leader, topic, p.ID, next)
				w.must(err)
				for _, b := range found {
					if b.life = -1; b.last < next {
						continue // fetches begin with the batch that holds the offset
					}
					if next = b.last + 1; b.marker {
						continue
					}
					if i, ok := producers[b.producer]; ok {
						b.life = i
					}
					out[place] = append(out[place], b)
				}
				if len(found) == 0 {
					w.t.Fatalf("%s: no batch at offset %d of %d", place, next, p.Newest)
				}
			}
		}
	}
	out.link()
	return out
}

// headers fetches batches of a partition, from the one that holds an offset on.
func headers(b *sarama.Broker, topic string, partition int32, offset int64) ([]batch, error) {
	req := &sarama.FetchRequest{Version: 11, MaxWaitTime: 500, MinBytes: 1, MaxBytes: 8 << 20, SessionEpoch: -1}
	req.AddBlock(topic, partition, offset, 8<<20, -1)
	res, err := b.Fetch(req)
	if err != nil {
		return nil, fmt.Errorf("fetch %s/%d: %w", topic, partition, err)
	}
	block := res.GetBlock(topic, partition)
	if block == nil || block.Err != sarama.ErrNoError {
		return nil, fmt.Errorf("fetch %s/%d at %d: %+v", topic, partition, offset, block)
	}
	var out []batch
	for _, records := range block.RecordsSet {
		if r := records.RecordBatch; r != nil && !r.PartialTrailingRecord {
			out = append(out, batch{at: r.MaxTimestamp, first: r.FirstOffset, last: r.LastOffset(), producer: kafka.Identity{ID: r.ProducerID, Epoch: r.ProducerEpoch}, sequence: r.FirstSequence, marker: r.Control})
		}
	}
	slices.SortFunc(out, func(a, b batch) int { return int(a.first - b.first) })
	return out, nil
}

// placeOf names a partition of a topic.
func placeOf(topic string, partition int32) string { return fmt.Sprintf("%s/%d", topic, partition) }
