package etcdcfg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// ErrOnDuty is returned by Forget for an agent that announces itself at this moment.
var ErrOnDuty = errors.New("it is on duty: stop it first")

// ErrUnknownAgent is returned by Forget for an agent that etcd knows nothing of.
var ErrUnknownAgent = errors.New("no agent of that id is known: neither lost nor expected")

// Expect notes that an agent must be there: it is a problem when it is not, also when it
// never came. key is the collect key that it is to follow.
func (s *Store) Expect(ctx context.Context, id, key string) error {
	if s.readOnly {
		return ErrReadOnly
	}
	if id == "" || strings.Contains(id, "/+") {
		return fmt.Errorf("expect agent %q: that is no id of an agent", id)
	}
	text, err := json.Marshal(expected{Who: s.author, When: time.Now().UTC().Truncate(time.Second), CollectKey: key})
	if err != nil {
		return fmt.Errorf("expect agent %q: %w", id, err)
	}
	call, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	at := AgentsPrefix + id + partExpected
	if _, err := s.client.Put(call, at, string(text)); err != nil {
		return fmt.Errorf("expect agent %q: %w", id, s.explain(ctx, denied(err, "readwrite", keyName(at))))
	}
	return nil
}

// Forget drops what etcd keeps of an agent that is gone for good: that it is lost, and that
// it is expected. One that is on duty is not forgotten (ErrOnDuty).
func (s *Store) Forget(ctx context.Context, id string) error {
	if s.readOnly {
		return ErrReadOnly
	}
	call, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	at := AgentsPrefix + id
	resp, err := s.client.Txn(call).
		If(clientv3.Compare(clientv3.Version(at), "=", 0)).
		Then(clientv3.OpDelete(at+partMember), clientv3.OpDelete(at+partExpected)).Commit()
	if err != nil {
		return fmt.Errorf("forget agent %q: %w", id, s.explain(ctx, denied(err, "readwrite", keyName(at+partMember), keyName(at+partExpected))))
	}
	if !resp.Succeeded {
		return fmt.Errorf("forget agent %q: %w", id, ErrOnDuty)
	}
	n := int64(0)
	for _, r := range resp.Responses {
		n += r.GetResponseDeleteRange().Deleted
	}
	if n == 0 {
		return fmt.Errorf("forget agent %q: %w", id, ErrUnknownAgent)
	}
	return nil
}
