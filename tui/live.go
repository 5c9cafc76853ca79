package tui

import (
	"context"
	"errors"

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
		p.topics = liveTopics{cfg.Admin}
	}
	if len(cfg.Kafka.Addresses) > 0 {
		p.reports = liveReports{cfg: cfg.Kafka, topic: cfg.ReportTopic, log: cfg.Log}
		p.streams = liveStreams{cfg: cfg.Kafka, log: cfg.Log}
	}
	return p
}

// liveStore puts the errors of etcd into words.
type liveStore struct{ *etcdcfg.Store }

func inWords(err error) error {
	var list *etcdcfg.ListError
	var conflict *etcdcfg.ConflictError
	if err == nil || errors.As(err, &list) || errors.As(err, &conflict) {
		return err
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

func (s liveStore) Revert(ctx context.Context, base etcdcfg.Snapshot, revision int64, note string) (etcdcfg.Snapshot, error) {
	snap, err := s.Store.Revert(ctx, base, revision, note)
	return snap, inWords(err)
}

func (s liveStore) History(ctx context.Context, key string, limit int) ([]etcdcfg.Change, error) {
	list, err := s.Store.History(ctx, key, limit)
	return list, inWords(err)
}

func (s liveStore) Keys(ctx context.Context) ([]string, error) {
	keys, err := s.Store.Keys(ctx)
	return keys, inWords(err)
}

// liveTopics asks the cluster.
type liveTopics struct{ admin *kafka.Admin }

// Topics lists the topics and adds the offsets; a cluster that does not tell
// offsets in time still has its topics listed.
func (t liveTopics) Topics(ctx context.Context) ([]kafka.Topic, error) {
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
	for i := range list {
		if parts, ok := offsets[list[i].Name]; ok {
			list[i].Partitions = parts
		}
	}
	return list, nil
}

func (t liveTopics) Brokers(ctx context.Context) ([]kafka.Broker, error) { return t.admin.Brokers(ctx) }

func (t liveTopics) Create(ctx context.Context, name string, partitions int32, replication int16, configs map[string]string) error {
	return t.admin.CreateTopic(ctx, name, partitions, replication, configs)
}

func (t liveTopics) Explain(err error) string { return kafka.Explain(err) }
