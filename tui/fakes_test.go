package tui

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"logctl/etcdcfg"
	"logctl/internal/kafka"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	goleak.VerifyTestMain(m)
}

// bubble runs a test with its own time, which stands still while anything can
// run: after each message the console is driven until all its commands wait.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// day is the moment at which the fakes stand.
var day = time.Date(2026, 3, 4, 18, 31, 4, 0, time.UTC)

// fakeStore keeps lists as etcd would.
type fakeStore struct {
	had     map[int64][]byte // what etcd itself had at a revision, where the history says otherwise
	mu      sync.Mutex
	key     string
	rev     int64
	raw     []byte
	changes []etcdcfg.Change
	keys    []string
	err     error         // of every call
	slow    chan struct{} // when set, edits wait for it
	asked   int           // calls of History
	snaps   func(etcdcfg.Snapshot)
}

func newFakeStore(t testing.TB, entries ...etcdcfg.Entry) *fakeStore {
	t.Helper()
	raw, err := etcdcfg.Format(entries)
	if err != nil {
		t.Fatal(err)
	}
	return &fakeStore{key: "collect_log_conf", rev: 42, raw: raw, keys: []string{"collect_log_conf", "collect_log_10.0.0.7_conf"}}
}

func (f *fakeStore) snapshot() etcdcfg.Snapshot {
	s := etcdcfg.Snapshot{Key: f.key, Raw: f.raw, ModRevision: f.rev, Revision: f.rev}
	if f.rev == 0 {
		return s
	}
	s.Entries, s.Err = etcdcfg.Parse(f.raw)
	if s.Err == nil {
		s.Err = etcdcfg.Validate(s.Entries)
	}
	return s
}

func (f *fakeStore) Watch(ctx context.Context, key string, onSnapshot func(etcdcfg.Snapshot), onState func(error)) error {
	f.mu.Lock()
	f.key = key
	s := f.snapshot()
	f.snaps = onSnapshot
	f.mu.Unlock()
	onState(nil)
	onSnapshot(s)
	<-ctx.Done()
	return ctx.Err()
}

func (f *fakeStore) SaveRaw(_ context.Context, base etcdcfg.Snapshot, raw []byte, note string) (etcdcfg.Snapshot, error) {
	if f.slow != nil {
		<-f.slow
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return etcdcfg.Snapshot{}, f.err
	}
	if base.ModRevision != f.rev {
		return etcdcfg.Snapshot{}, &etcdcfg.ConflictError{Base: base, Theirs: f.snapshot(), Mine: raw}
	}
	f.changes = append([]etcdcfg.Change{{Revision: f.rev + 1, Who: "ann@ops", Note: note, When: day, Before: f.raw, After: raw}}, f.changes...)
	f.raw, f.rev = raw, f.rev+1
	return f.snapshot(), nil
}

func (f *fakeStore) Save(ctx context.Context, base etcdcfg.Snapshot, entries []etcdcfg.Entry, note string) (etcdcfg.Snapshot, error) {
	raw, err := etcdcfg.Format(entries)
	if err != nil {
		return etcdcfg.Snapshot{}, err
	}
	return f.SaveRaw(ctx, base, raw, note)
}

func (f *fakeStore) History(context.Context, string, int) ([]etcdcfg.Change, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return f.changes, f.err
}

func (f *fakeStore) ListAt(_ context.Context, _ string, revision int64) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if raw, ok := f.had[revision]; ok {
		return raw, nil
	}
	for _, c := range f.changes {
		if c.Revision == revision {
			return c.After, nil
		}
	}
	return nil, etcdcfg.ErrNoRevision
}

func (f *fakeStore) Revert(ctx context.Context, base etcdcfg.Snapshot, revision int64, note string) (etcdcfg.Snapshot, error) {
	for _, c := range f.changes {
		if c.Revision == revision {
			return f.SaveRaw(ctx, base, c.After, note)
		}
	}
	return etcdcfg.Snapshot{}, etcdcfg.ErrNoRevision
}

func (f *fakeStore) Keys(context.Context) ([]string, error) { return f.keys, f.err }

// other edits the list as another console would.
func (f *fakeStore) other(raw string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.raw, f.rev = []byte(raw), f.rev+1
}

// fakeAgents answers commands.
type fakeAgents struct {
	mu    sync.Mutex
	asked []etcdcfg.Command
	reply func(agent string, c etcdcfg.Command) (etcdcfg.Answer, error)
}

func (f *fakeAgents) WatchPresences(ctx context.Context, _ func([]etcdcfg.Presence), _ func(error)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (f *fakeAgents) Ask(_ context.Context, agent string, c etcdcfg.Command) (etcdcfg.Answer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, c)
	return f.reply(agent, c)
}

// fakeTopics is a small cluster.
type fakeTopics struct {
	mu      sync.Mutex
	list    []kafka.Topic
	brokers int
	err     error
	created []string
	slow    chan struct{} // when set, creating waits for it
}

func (f *fakeTopics) Topics(context.Context) ([]kafka.Topic, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]kafka.Topic(nil), f.list...), f.err
}

func (f *fakeTopics) Brokers(context.Context) ([]kafka.Broker, error) {
	return make([]kafka.Broker, f.brokers), f.err
}

func (f *fakeTopics) Create(_ context.Context, name string, partitions int32, replication int16, _ map[string]string) error {
	if f.slow != nil {
		<-f.slow
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.created = append(f.created, fmt.Sprintf("%s/%d/%d", name, partitions, replication))
	f.list = append(f.list, fakeTopic(name, int(partitions), 0))
	return nil
}

func (f *fakeTopics) Explain(err error) string { return err.Error() }

func fakeTopic(name string, partitions int, end int64) kafka.Topic {
	t := kafka.Topic{Name: name, Bytes: end * 150}
	for i := range partitions {
		t.Partitions = append(t.Partitions, kafka.Partition{ID: int32(i), Leader: 1, Replicas: []int32{1, 2, 3}, ISR: []int32{1, 2, 3}, Newest: end})
	}
	return t
}

// fakeStreams hands out readers that read from a channel.
type fakeStreams struct {
	feed  chan []*rec
	parts []partStat
	mu    sync.Mutex
	asked []streamQuery
	err   error // of opening
}

func (f *fakeStreams) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *fakeStreams) CheckFrom(from string) error {
	if from == "bad" {
		return errors.New("start: not understood")
	}
	return nil
}

func (f *fakeStreams) CheckPartitions(string) error { return nil }

func (f *fakeStreams) Open(_ context.Context, q streamQuery, _ func(streamNotice)) (streamReader, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, q)
	if f.err != nil {
		return nil, f.err
	}
	return &fakeReader{f}, nil
}

type fakeReader struct{ f *fakeStreams }

func (r *fakeReader) Next(ctx context.Context) ([]*rec, error) {
	select {
	case list := <-r.f.feed:
		return list, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *fakeReader) Partitions() []partStat { return r.f.parts }
func (r *fakeReader) Close() error           { return nil }
