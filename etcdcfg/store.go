package etcdcfg

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// MaxListBytes is the largest list that is saved: etcd takes 1.5 MB in a request,
// which also carries the record of the change.
const MaxListBytes = 1 << 20

// Store reads, writes and watches collect keys and presences.
type Store struct {
	client   *clientv3.Client
	author   string
	readOnly bool
	timeout  time.Duration
	template string // collect key with placeholders, for Keys
	noRecord bool   // changes are not recorded

	// single: the server takes one operation in a transaction (kine), so that changes
	// cannot be recorded with what they change.
	single atomic.Bool
}

// Option adjusts a Store.
type Option func(*Store)

// WithReadOnly makes the store refuse every write with ErrReadOnly.
func WithReadOnly() Option { return func(s *Store) { s.readOnly = true } }

// WithoutHistory makes the store record no changes: for users who may write the collect
// key and nothing beside it.
func WithoutHistory() Option { return func(s *Store) { s.noRecord = true } }

// WithTimeout sets how long one call may take; DefaultTimeout unless given.
func WithTimeout(d time.Duration) Option {
	return func(s *Store) {
		if d > 0 {
			s.timeout = d
		}
	}
}

// WithKeyTemplate tells the store the configured collect key, such as
// collect_log_{ip}_conf, so that Keys finds the keys that match it.
func WithKeyTemplate(template string) Option { return func(s *Store) { s.template = template } }

// NewStore returns a store over a client that stays the caller's. The author,
// as user@host, is recorded with each change.
func NewStore(c *clientv3.Client, author string, opts ...Option) *Store {
	s := &Store{client: c, author: author, timeout: DefaultTimeout}
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// Load reads a collect key. A key that does not exist and a bad list are no
// errors: see ModRevision and Err of the snapshot.
func (s *Store) Load(ctx context.Context, key string) (Snapshot, error) {
	snap, err := s.load(ctx, key)
	if err != nil {
		return Snapshot{}, fmt.Errorf("load entries %q: %w", key, err)
	}
	return snap.parsed(), nil
}

// load reads a collect key without parsing it.
func (s *Store) load(ctx context.Context, key string) (Snapshot, error) {
	got, err := s.get(ctx, key)
	if err != nil {
		return Snapshot{}, err
	}
	snap := Snapshot{Key: key, Revision: got.Header.Revision}
	if len(got.Kvs) > 0 {
		snap.Raw, snap.ModRevision = notNil(got.Kvs[0].Value), got.Kvs[0].ModRevision
	}
	return snap, nil
}

// parsed fills in what follows from Raw.
func (snap Snapshot) parsed() Snapshot {
	snap.Entries, snap.Err = nil, nil
	if snap.ModRevision != 0 {
		snap.Entries, snap.Err = Parse(snap.Raw)
	}
	return snap
}

// notNil tells an empty value, which is a bad list, from no value.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Ping measures how long etcd takes to answer a read that needs its majority.
func (s *Store) Ping(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	_, err := s.get(ctx, DefaultKey, clientv3.WithCountOnly())
	if err != nil && !isDenied(err) { // a refusal is an answer
		return 0, fmt.Errorf("ping: %w", err)
	}
	return time.Since(start), nil
}

// get reads within the timeout; its errors are ServerErrors.
func (s *Store) get(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	if key == "" {
		return nil, errors.New("no collect key: set [etcd] collect_key")
	}
	call, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	got, err := s.client.Get(call, key, opts...)
	return got, s.explain(ctx, denied(err, "read", readName(key)))
}

// explain turns an error of the client into one for people. When the caller's
// context has ended that is the reason.
func (s *Store) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &ServerError{Endpoints: slices.Clone(s.client.Endpoints()), Err: err}
}

// readName is what must be readable for a read at key: of what stands below a prefix of
// ours, all of it is read.
func readName(key string) string {
	for _, prefix := range []string{AgentsPrefix, HistoryPrefix} {
		if strings.HasPrefix(key, prefix) {
			if prefix == AgentsPrefix {
				key = prefix
			}
			return prefixName(key)
		}
	}
	return keyName(key)
}

// MayWrite asks etcd whether our user may write a key, without writing it: a transaction
// whose condition cannot hold is checked for rights like any other.
func (s *Store) MayWrite(ctx context.Context, key string) error {
	call, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	_, err := s.client.Txn(call).If(clientv3.Compare(clientv3.Version(key), "<", 0)).Then(clientv3.OpPut(key, "")).Commit()
	return s.explain(ctx, denied(err, "readwrite", keyName(key)))
}

// lacking names the keys of an edit that may not be written.
func (s *Store) lacking(ctx context.Context, key string) []string {
	var out []string
	for name, probe := range map[string]string{keyName(key): key, prefixName(HistoryPrefix + key + "/"): HistoryPrefix + key + "/1"} {
		if err := s.MayWrite(ctx, probe); isDenied(err) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Full says whether etcd takes no writes because its storage quota is used up.
func (s *Store) Full(ctx context.Context) (bool, error) {
	call, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	got, err := s.client.AlarmList(call)
	if err != nil {
		return false, s.explain(ctx, err)
	}
	for _, a := range got.Alarms {
		if a.Alarm == pb.AlarmType_NOSPACE {
			return true, nil
		}
	}
	return false, nil
}
