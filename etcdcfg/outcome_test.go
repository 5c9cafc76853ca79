package etcdcfg_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"logctl/etcdcfg"
)

// lossy is a way to etcd on which the answers to transactions are lost, or on which
// they are refused.
type lossy struct {
	clientv3.KV
	err     error
	refused bool
}

type lossyTxn struct {
	clientv3.Txn
	way *lossy
}

func (l *lossy) Txn(ctx context.Context) clientv3.Txn { return &lossyTxn{l.KV.Txn(ctx), l} }

func (l *lossyTxn) If(cs ...clientv3.Cmp) clientv3.Txn { l.Txn = l.Txn.If(cs...); return l }
func (l *lossyTxn) Then(o ...clientv3.Op) clientv3.Txn { l.Txn = l.Txn.Then(o...); return l }
func (l *lossyTxn) Else(o ...clientv3.Op) clientv3.Txn { l.Txn = l.Txn.Else(o...); return l }

func (l *lossyTxn) Commit() (*clientv3.TxnResponse, error) {
	if !l.way.refused {
		if _, err := l.Txn.Commit(); err != nil {
			return nil, err
		}
	}
	return nil, l.way.err
}

// A write whose answer was lost may stand in etcd: the error says so, and saving once
// more settles it.
func TestSaveWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	entries := []etcdcfg.Entry{{Path: "/var/log/a.log", Topic: "t"}}
	for _, lost := range []error{context.DeadlineExceeded, rpctypes.ErrTimeout, rpctypes.ErrTimeoutDueToLeaderFail} {
		base := d.load(t)
		way := d.client.KV
		d.client.KV = &lossy{KV: way, err: lost}
		_, err := d.Save(t.Context(), base, entries, "")
		d.client.KV = way
		var outcome *etcdcfg.OutcomeError
		if !errors.As(err, &outcome) || !errors.Is(err, lost) || !strings.Contains(err.Error(), "not known whether") {
			t.Errorf("%v: got %v", lost, err)
		}
		if again, err := d.Save(t.Context(), base, entries, ""); err != nil || again.ModRevision != d.load(t).ModRevision {
			t.Errorf("%v: the second try: %v", lost, err)
		}
		entries = append(entries, etcdcfg.Entry{Path: entries[len(entries)-1].Path + "x", Topic: "t"})
	}
	for _, no := range []error{rpctypes.ErrPermissionDenied, rpctypes.ErrNoSpace, rpctypes.ErrNoLeader, rpctypes.ErrRequestTooLarge} {
		way := d.client.KV
		d.client.KV = &lossy{KV: way, err: no, refused: true}
		_, err := d.Save(t.Context(), d.load(t), entries, "")
		d.client.KV = way
		var outcome *etcdcfg.OutcomeError
		if errors.As(err, &outcome) || !errors.Is(err, no) {
			t.Errorf("%v: a refusal is %v", no, err)
		}
	}
}
