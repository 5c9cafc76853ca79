package etcdcfg_test

import (
	"context"
	"errors"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"logctl/etcdcfg"
)

func TestCommandsAreAnswered(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	background(t, func(ctx context.Context) error {
		return d.Serve(ctx, d.key, func(_ context.Context, c etcdcfg.Command) (any, error) {
			if c.Kind == "rewind" {
				return nil, errors.New("not today, " + c.Path)
			}
			return []string{c.Who, c.Path}, nil
		}, nil)
	})
	for range 3 {
		a, err := d.Ask(ctx, d.key, etcdcfg.Command{Kind: "list", Path: "/a"})
		if err != nil || a.Error != "" || len(a.Result) == 0 || a.When.IsZero() {
			t.Fatalf("%+v, %v", a, err)
		}
		if a, err = d.Ask(ctx, d.key, etcdcfg.Command{Kind: "rewind", Path: "/a"}); err != nil || a.Error != "not today, /a" {
			t.Fatalf("%+v, %v", a, err)
		}
	}
	// Nobody is there to answer: the command is taken back.
	short, cancelShort := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancelShort()
	if _, err := d.Ask(short, d.key+"-other", etcdcfg.Command{Kind: "list"}); !errors.Is(err, etcdcfg.ErrNoAnswer) {
		t.Errorf("nobody answers: %v", err)
	}
	list, err := d.client.Get(t.Context(), etcdcfg.AgentsPrefix+d.key+"-other/+command/", clientv3.WithPrefix())
	if err != nil || list.Count != 0 {
		t.Errorf("%d commands are left, %v", list.Count, err)
	}
	readOnly := etcdcfg.NewStore(d.client, "me", etcdcfg.WithReadOnly())
	if _, err := readOnly.Ask(ctx, d.key, etcdcfg.Command{Kind: "rewind"}); !errors.Is(err, etcdcfg.ErrReadOnly) {
		t.Errorf("read-only: %v", err)
	}
}
