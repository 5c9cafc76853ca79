package tui

import (
	"context"
	"errors"
	"sync"
	"time"

	"logctl/etcdcfg"
	"logctl/internal/kafka"
)

// livePorts are the ports over real servers.
func livePorts(cfg Config) ports {
	var p ports
	if cfg.Store != nil {
		store := liveStore{cfg.Store}
		p.entries, p.agents = store, store
	}
	if cfg.Admin != nil {
		p.topics = &liveTopics{admin: cfg.Admin}
	}
	if len(cfg.Kafka.Addresses) > 0 {
		p.reports = liveReports{cfg: cfg.Kafka, topic: cfg.ReportTopic, log: cfg.Log}
		p.streams = liveStreams{cfg: cfg.Kafka, maxRecord: cfg.MaxRecord, maxMemory: cfg.MaxMemory, log: cfg.Log}
	}
	return p
}

// liveStore puts the errors of etcd into words.
type liveStore struct{ *etcdcfg.Store }

func inWords(err error) error {
	var list *etcdcfg.ListError
	var conflict *etcdcfg.ConflictError
	var outcome *etcdcfg.OutcomeError
	var server *etcdcfg.ServerError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &list):
		return list
	case errors.As(err, &conflict):
		return conflict
	case errors.As(err, &outcome):
		return &etcdcfg.OutcomeError{Err: errors.New(etcdcfg.Explain(outcome.Err))}
	case errors.As(err, &server): // without what was to be done: the screen says that
		return errors.New(server.Error())
	}
	return errors.New(etcdcfg.Explain(err))
}

func (s liveStore) Save(ctx context.Context, base etcdcfg.Snapshot, entries []etcdcfg.Entry, note string) (etcdcfg.Snapshot, error) {
	snap, err := s.Store.Save(ctx, base, entries, note)
	return snap, inWords(err)
}

func (s liveStore) SaveRaw(ctx context.Context, base etcdcfg.Snapshot, raw []byte, note string) (etcdcfg.Snapshot, error) {
	snap, err := s.Store.SaveRaw(ctx, base, raw, note)
	return snap, inWords(err)
}

func (s liveStore) ListAt(ctx context.Context, key string, revision int64) ([]byte, error) {
	raw, err := s.Store.ListAt(ctx, key, revision)
	return raw, inWords(err)
}

func (s liveStore) Revert(ctx context.Context, base etcdcfg.Snapshot, revision int64, note string) (etcdcfg.Snapshot, error) {
	snap, err := s.Store.Revert(ctx, base, revision, note)
	return snap, inWords(err)
}

func (s liveStore) History(ctx context.Context, key string, limit int) ([]etcdcfg.Change, error) {
	list, err := s.Store.History(ctx, key, limit)
	return list, inWords(err)
}

func (s liveStore) Ask(ctx context.Context, agent string, c etcdcfg.Command) (etcdcfg.Answer, error) {
	a, err := s.Store.Ask(ctx, agent, c)
	return a, inWords(err)
}

func (s liveStore) Keys(ctx context.Context) ([]string, error) {
	keys, err := s.Store.Keys(ctx)
	return keys, inWords(err)
}

// sizesPause is the time between two looks at the sizes of topics: brokers look into
// all their directories for it.
const sizesPause = 30 * time.Second

// liveTopics asks the cluster.
type liveTopics struct {
	admin *kafka.Admin

	mu      sync.Mutex
	sizes   map[string]int64 // bytes by topic, as of sizesAt
	sizesAt time.Time
}

// Topics lists the topics and adds offsets and sizes; a cluster that does not tell
// them in time, or to nobody without a right, still has its topics listed.
func (t *liveTopics) Topics(ctx context.Context) ([]kafka.Topic, error) {
	list, err := t.admin.Topics(ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(list))
	for i := range list {
		names = append(names, list[i].Name)
	}
	if len(names) == 0 {
		return list, nil
	}
	offsets, err := t.admin.Offsets(ctx, names...)
	if err != nil {
		return list, nil // offsets are shown as unknown
	}
	sizes := t.sizesNow(ctx)
	for i := range list {
		if parts, ok := offsets[list[i].Name]; ok {
			list[i].Partitions = parts
		}
		if n, ok := sizes[list[i].Name]; ok {
			list[i].Bytes = n
		}
	}
	return list, nil
}

// sizesNow are the sizes of the topics, not older than sizesPause; none when the
// cluster does not tell them.
func (t *liveTopics) sizesNow(ctx context.Context) map[string]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := time.Now(); now.Sub(t.sizesAt) >= sizesPause {
		t.sizesAt = now // also when it fails: a right that is missing is missing in 3 s as well
		sizes, err := t.admin.Sizes(ctx)
		if err != nil {
			sizes = nil // what some brokers said would be taken for all
		}
		t.sizes = sizes
	}
	return t.sizes
}

func (t *liveTopics) Brokers(ctx context.Context) ([]kafka.Broker, error) {
	return t.admin.Brokers(ctx)
}

func (t *liveTopics) Create(ctx context.Context, name string, partitions int32, replication int16, configs map[string]string) error {
	return t.admin.CreateTopic(ctx, name, partitions, replication, configs)
}

func (t *liveTopics) Explain(err error) string { return kafka.Explain(err) }
