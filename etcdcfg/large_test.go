package etcdcfg_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// bulky is a list of about so many bytes that packs badly.
func bulky(t *testing.T, size int) []etcdcfg.Entry {
	t.Helper()
	noise := make([]byte, 1500)
	var out []etcdcfg.Entry
	for n := 0; n < size; n += 2100 {
		if _, err := rand.Read(noise); err != nil {
			t.Fatal(err)
		}
		out = append(out, etcdcfg.Entry{Path: fmt.Sprintf("/var/log/%d/%s", len(out), base64.RawURLEncoding.EncodeToString(noise)), Topic: "t"})
	}
	return out
}

// A list near the limit that packs badly can be written and shortened: its record would
// not fit beside it, and the history knows it from etcd.
func TestALargeListCanBeShortened(t *testing.T) {
	d := newDesk(t, testkit.EmbeddedEtcd())
	ctx := t.Context()
	list := bulky(t, 1_000_000)
	snap, err := d.Load(ctx, d.key)
	if err != nil {
		t.Fatal(err)
	}
	if snap, err = d.Save(ctx, snap, list, "all"); err != nil {
		t.Fatalf("save: %v", err)
	}
	whole := snap.Raw
	if snap, err = d.Save(ctx, snap, list[:len(list)-10], "shorter"); err != nil {
		t.Fatalf("shorten: %v", err)
	}
	changes, err := d.History(ctx, d.key, 0)
	if err != nil || len(changes) != 2 {
		t.Fatalf("%d changes, %v", len(changes), err)
	}
	if c := changes[0]; c.Omitted || string(c.Before) != string(whole) || string(c.After) != string(snap.Raw) {
		t.Errorf("the change is %d bytes to %d, omitted %v", len(c.Before), len(c.After), c.Omitted)
	}
	back, err := d.Undo(ctx, snap)
	if err != nil || string(back.Raw) != string(whole) {
		t.Fatalf("undo: %v", err)
	}
	if _, err := d.client.Compact(ctx, back.ModRevision); err != nil {
		t.Fatal(err)
	}
	if changes, err = d.History(ctx, d.key, 1); err != nil || !changes[0].Omitted {
		t.Errorf("compacted: %+v, %v", changes, err)
	}
	if _, err := d.Undo(ctx, back); !errors.Is(err, etcdcfg.ErrNoRevision) {
		t.Errorf("undo of what nobody remembers: %v", err)
	}
}

// A user who may write the collect key and nothing beside it can, without a record.
func TestSaveWithoutHistory(t *testing.T) {
	d := newDesk(t)
	store := etcdcfg.NewStore(d.client, "ann@desk", etcdcfg.WithTimeout(testkit.Hang), etcdcfg.WithoutHistory())
	snap, err := store.Load(t.Context(), d.key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = store.Save(t.Context(), snap, []etcdcfg.Entry{{Path: "/a", Topic: "t"}}, ""); err != nil {
		t.Fatal(err)
	}
	if changes, err := store.History(t.Context(), d.key, 0); err != nil || len(changes) != 0 {
		t.Errorf("%d changes, %v", len(changes), err)
	}
}

// oneOp is etcd as kine serves it: a transaction has one operation.
type oneOp struct{ clientv3.KV }

func (k oneOp) Txn(ctx context.Context) clientv3.Txn { return oneOpTxn{k.KV.Txn(ctx), 0} }

type oneOpTxn struct {
	clientv3.Txn
	ops int
}

func (x oneOpTxn) If(c ...clientv3.Cmp) clientv3.Txn { return oneOpTxn{x.Txn.If(c...), x.ops} }
func (x oneOpTxn) Then(o ...clientv3.Op) clientv3.Txn {
	return oneOpTxn{x.Txn.Then(o...), len(o)}
}
func (x oneOpTxn) Else(o ...clientv3.Op) clientv3.Txn { return oneOpTxn{x.Txn.Else(o...), x.ops} }
func (x oneOpTxn) Commit() (*clientv3.TxnResponse, error) {
	if x.ops > 1 {
		return nil, rpctypes.Error(status.Error(codes.Unknown, "etcdserver: unsupported operations in txn request"))
	}
	return x.Txn.Commit()
}

// Where a transaction takes one operation the list is saved without a record, and the
// edits of others are still not overwritten.
func TestSaveOnAServerOfOneOperation(t *testing.T) {
	d := newDesk(t)
	d.client.KV = oneOp{d.client.KV}
	ctx := t.Context()
	empty, err := d.Load(ctx, d.key)
	if err != nil {
		t.Fatal(err)
	}
	snap, err := d.Save(ctx, empty, []etcdcfg.Entry{{Path: "/a", Topic: "t"}}, "one")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Save(ctx, snap, []etcdcfg.Entry{{Path: "/b", Topic: "t"}}, "two"); err != nil {
		t.Fatal(err)
	}
	var conflict *etcdcfg.ConflictError
	if _, err := d.Save(ctx, empty, []etcdcfg.Entry{{Path: "/c", Topic: "t"}}, "late"); !errors.As(err, &conflict) {
		t.Errorf("an edit of an old list: %v", err)
	}
	if changes, err := d.History(ctx, d.key, 0); err != nil || len(changes) != 0 {
		t.Errorf("%d changes, %v", len(changes), err)
	}
}
