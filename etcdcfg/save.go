package etcdcfg

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Save writes a list in place of the one it was made from, and records the change
// in the same transaction. When base is no longer what stands there nothing is
// written and the error is a *ConflictError; when the list does not validate it is
// a *ListError. A list that would not change anything is not written. The note, which
// may be empty, says why.
//
// After an *OutcomeError it is not known whether the list was written; a second Save
// with the same base tells: it succeeds when the list stands there.
func (s *Store) Save(ctx context.Context, base Snapshot, entries []Entry, note string) (Snapshot, error) {
	if err := Validate(entries); err != nil {
		return Snapshot{}, fmt.Errorf("save entries %q: %w", base.Key, err)
	}
	raw, err := Format(entries)
	if err != nil {
		return Snapshot{}, fmt.Errorf("save entries %q: %w", base.Key, err)
	}
	return s.SaveRaw(ctx, base, raw, note)
}

// SaveRaw is Save for a list as text, whose bytes are kept.
func (s *Store) SaveRaw(ctx context.Context, base Snapshot, raw []byte, note string) (Snapshot, error) {
	snap, err := s.saveRaw(ctx, base, raw, note)
	if err != nil {
		return Snapshot{}, fmt.Errorf("save entries %q: %w", base.Key, err)
	}
	return snap, nil
}

func (s *Store) saveRaw(ctx context.Context, base Snapshot, raw []byte, note string) (Snapshot, error) {
	if s.readOnly {
		return Snapshot{}, ErrReadOnly
	}
	entries, err := Check(raw)
	if err != nil {
		return Snapshot{}, err
	}
	if base.ModRevision != 0 && bytes.Equal(raw, base.Raw) {
		return base, nil
	}
	if base.Revision == 0 { // not from Load: find out where the store stands
		now, err := s.load(ctx, base.Key)
		if err != nil {
			return Snapshot{}, err
		}
		base.Revision = now.Revision
	}
	record, err := s.record(ctx, base, raw, note)
	if err != nil {
		return Snapshot{}, err
	}
	resp, err := s.commit(ctx, base, raw, record)
	switch {
	case err == nil:
	case isDenied(err):
		if lacking := s.lacking(ctx, base.Key); len(lacking) > 0 {
			err = denied(err, "readwrite", lacking...)
		}
		return Snapshot{}, s.explain(ctx, err)
	case refused(err):
		return Snapshot{}, s.explain(ctx, err)
	default:
		return Snapshot{}, &OutcomeError{s.explain(ctx, err)}
	}
	snap := Snapshot{Key: base.Key, Raw: raw, Entries: entries, ModRevision: resp.Header.Revision, Revision: resp.Header.Revision}
	if resp.Succeeded {
		return snap, nil
	}
	theirs := Snapshot{Key: base.Key, Revision: resp.Header.Revision}
	if kvs := resp.Responses[0].GetResponseRange().Kvs; len(kvs) > 0 {
		theirs.Raw, theirs.ModRevision = notNil(kvs[0].Value), kvs[0].ModRevision
	}
	if theirs.ModRevision != 0 && bytes.Equal(theirs.Raw, raw) { // an earlier try got through, or they want the same
		snap.ModRevision = theirs.ModRevision
		return snap, nil
	}
	return Snapshot{}, &ConflictError{Base: base, Theirs: theirs.parsed(), Mine: raw}
}

// commit writes a list and the record of the change, if nobody else has written.
func (s *Store) commit(ctx context.Context, base Snapshot, raw []byte, record []clientv3.Op) (*clientv3.TxnResponse, error) {
	list := clientv3.OpPut(base.Key, string(raw))
	txn := func(ops ...clientv3.Op) (*clientv3.TxnResponse, error) {
		call, cancel := context.WithTimeout(ctx, s.timeout)
		defer cancel()
		return s.client.Txn(call).
			If(clientv3.Compare(clientv3.ModRevision(base.Key), "=", base.ModRevision)).
			Then(ops...).
			Else(clientv3.OpGet(base.Key)).
			Commit()
	}
	if !s.single.Load() || len(record) == 0 {
		resp, err := txn(append([]clientv3.Op{list}, record...)...)
		if err == nil || len(record) == 0 || !takesOne(err) {
			return resp, err
		}
		s.single.Store(true)
	}
	// kine takes the shapes that Kubernetes needs: one put in a transaction. A record that
	// is not of the transaction is no proof of an edit, so there is none.
	return txn(list)
}

// takesOne reports whether a server refused a transaction for having more than one
// operation. etcd itself takes 128.
func takesOne(err error) bool {
	return strings.Contains(err.Error(), "unsupported operations in txn request")
}

// Check reads a list as a save does before it writes: a list that parses can still be
// too large for one key. The error is a *ListError.
func Check(raw []byte) ([]Entry, error) {
	if err := checkSize(raw); err != nil {
		return nil, err
	}
	return Parse(raw)
}

// checkSize says what to do about a list that etcd would refuse.
func checkSize(raw []byte) error {
	if len(raw) <= MaxListBytes {
		return nil
	}
	return &ListError{Problems: []Problem{{
		Entry:   -1,
		Message: fmt.Sprintf("the list has %.1f MB, more than the %.1f MB that one key takes", float64(len(raw))/1e6, float64(MaxListBytes)/1e6),
		Hint:    "use globs, or split it over several collect keys with {hostname} or {ip}",
	}}}
}
