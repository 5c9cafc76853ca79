package etcdcfg

import (
	"context"
	"errors"
	"log/slog"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

var errTodo = errors.New("not written yet")

type Config struct {
	Endpoints                 []string
	Username, PasswordFile    string
	TLS                       bool
	CAFile, CertFile, KeyFile string
	DialTimeout, Timeout      time.Duration
	Log                       *slog.Logger
}

func Dial(cfg Config) (*clientv3.Client, error) { return nil, errTodo }
func Explain(err error) string                  { return err.Error() }

type Option func(*Store)

func WithReadOnly() Option               { return func(*Store) {} }
func WithTimeout(d time.Duration) Option { return func(*Store) {} }
func WithKeyTemplate(tmpl string) Option { return func(*Store) {} }

type Store struct{}

func NewStore(c *clientv3.Client, author string, opts ...Option) *Store { return nil }
func (s *Store) Load(ctx context.Context, key string) (Snapshot, error) {
	return Snapshot{}, errTodo
}
func (s *Store) Save(ctx context.Context, base Snapshot, entries []Entry, note string) (Snapshot, error) {
	return Snapshot{}, errTodo
}
func (s *Store) SaveRaw(ctx context.Context, base Snapshot, raw []byte, note string) (Snapshot, error) {
	return Snapshot{}, errTodo
}
func (s *Store) History(ctx context.Context, key string, limit int) ([]Change, error) {
	return nil, errTodo
}
func (s *Store) Revert(ctx context.Context, base Snapshot, revision int64, note string) (Snapshot, error) {
	return Snapshot{}, errTodo
}
func (s *Store) Keys(ctx context.Context) ([]string, error)               { return nil, errTodo }
func (s *Store) Ping(ctx context.Context) (time.Duration, error)          { return 0, errTodo }
func (s *Store) Presences(ctx context.Context) ([]Presence, int64, error) { return nil, 0, errTodo }
func (s *Store) Watch(ctx context.Context, key string, onSnapshot func(Snapshot), onState func(err error)) error {
	return errTodo
}
func (s *Store) WatchPresences(ctx context.Context, onPresences func([]Presence), onState func(error)) error {
	return errTodo
}

type Announcer struct{}

func NewAnnouncer(c *clientv3.Client, id string, ttl time.Duration, log *slog.Logger) *Announcer {
	return nil
}
func (a *Announcer) Set(p Presence)                {}
func (a *Announcer) Run(ctx context.Context) error { return errTodo }
