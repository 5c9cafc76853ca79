package etcdcfg

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"logctl/internal/safe"
)

// HistoryKept is how many changes of a collect key are kept.
const HistoryKept = 100

// plainRecord is the size up to which a list stands in a record as it is; larger
// ones, and such that are not UTF-8, are packed with gzip.
const plainRecord = 64 << 10

// maxUnpacked bounds the list in a record: no key takes a larger one by far.
const maxUnpacked = 2 * MaxListBytes

// record is a change as it stands in etcd.
type record struct {
	Who      string    `json:"who"`
	Note     string    `json:"note,omitempty"`
	When     time.Time `json:"when"`
	Before   *string   `json:"before"`
	After    *string   `json:"after,omitempty"`
	BeforeGz []byte    `json:"before_gz,omitempty"`
	AfterGz  []byte    `json:"after_gz,omitempty"`

	// What etcd itself had: the revision of the list before, and the hash of the one after.
	Base   int64  `json:"base_revision,omitempty"`
	SHA256 string `json:"after_sha256,omitempty"`

	Omitted bool `json:"omitted,omitempty"` // the lists are too large beside each other: etcd is asked for them
}

// maxRequest is how much of a transaction the list and the record of its change may be:
// etcd takes 1.5 MiB unless it is told otherwise.
const maxRequest = 3<<19 - 32<<10

func pack(b []byte) (plain *string, packed []byte, err error) {
	switch {
	case b == nil:
		return nil, nil, nil
	case len(b) <= plainRecord && utf8.Valid(b):
		s := string(b)
		return &s, nil, nil
	}
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(b); err != nil {
		return nil, nil, err
	}
	err = w.Close()
	return nil, buf.Bytes(), err
}

func unpack(plain *string, packed []byte) ([]byte, error) {
	switch {
	case plain != nil:
		return []byte(*plain), nil
	case len(packed) == 0:
		return nil, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	list, err := io.ReadAll(io.LimitReader(r, maxUnpacked+1))
	if err == nil && len(list) > maxUnpacked {
		return nil, fmt.Errorf("a list of more than %d bytes, which no key takes", maxUnpacked)
	}
	return list, err
}

// record returns the operations that record a change: the new record, and the
// removal of old ones.
//
// A record's name should be the revision of the change, which is not known before
// it is made. It is the least it can be: one more than the store's revision when
// base was read. Since each change is based on one that came after the change
// before it, the names of one key grow and do not meet. The true revision is the
// record's own ModRevision.
func (s *Store) record(ctx context.Context, base Snapshot, raw []byte, note string) ([]clientv3.Op, error) {
	if s.noRecord || s.single.Load() {
		return nil, nil
	}
	rec := record{Who: s.author, Note: note, When: time.Now().UTC().Truncate(time.Millisecond), Base: base.ModRevision, SHA256: hashOf(raw)}
	var err1, err2 error
	rec.Before, rec.BeforeGz, err1 = pack(base.Raw)
	rec.After, rec.AfterGz, err2 = pack(raw)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("pack history: %w", err)
	}
	text, err := json.Marshal(rec)
	if err == nil && len(text)+len(raw) > maxRequest {
		// A list that packs badly could not even be shortened, for the record of that.
		rec.Before, rec.BeforeGz, rec.After, rec.AfterGz, rec.Omitted = nil, nil, nil, nil, true
		text, err = json.Marshal(rec)
	}
	if err != nil {
		return nil, fmt.Errorf("write history: %w", err)
	}
	name := HistoryPrefix + base.Key + "/" + strconv.FormatInt(max(base.Revision, base.ModRevision)+1, 10)
	ops := []clientv3.Op{clientv3.OpPut(name, string(text))}
	kept, err := s.historyKeys(ctx, base.Key)
	if err != nil {
		return nil, err
	}
	for len(kept) >= HistoryKept && len(ops) < 50 { // etcd takes 128 operations in a transaction
		ops = append(ops, clientv3.OpDelete(string(kept[0].Key)))
		kept = kept[1:]
	}
	return ops, nil
}

// historyKeys returns the names of the records of a collect key, oldest first.
func (s *Store) historyKeys(ctx context.Context, key string) ([]*mvccpb.KeyValue, error) {
	got, err := s.get(ctx, HistoryPrefix+key+"/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return nil, err
	}
	kvs := slices.DeleteFunc(got.Kvs, func(kv *mvccpb.KeyValue) bool {
		_, ok := recordOf(string(kv.Key), key)
		return !ok
	})
	slices.SortFunc(kvs, func(a, b *mvccpb.KeyValue) int { return cmp.Compare(a.ModRevision, b.ModRevision) })
	return kvs, nil
}

// recordOf returns the number in the name of a record of the collect key. A name
// such as "<key>/x/5" belongs to another collect key, "<key>/x".
func recordOf(name, key string) (int64, bool) {
	rest, ok := strings.CutPrefix(name, HistoryPrefix+key+"/")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	return n, err == nil && n > 0
}

// History returns the recorded changes of a collect key, newest first, at most
// limit of them (0: all that are kept). Edits made past logctl are not recorded:
// where one change's After is not the next one's Before there was such an edit.
func (s *Store) History(ctx context.Context, key string, limit int) ([]Change, error) {
	changes, err := s.history(ctx, key, limit)
	if err == nil {
		err = s.doubted(ctx, key, changes)
	}
	if err != nil {
		return nil, fmt.Errorf("load history of %q: %w", key, err)
	}
	return changes, nil
}

// Bounds of what reading a history takes: others may write records too, as many and as
// large as etcd takes them.
const (
	historyStep = 20               // records in one answer
	historyMost = 10 * HistoryKept // records that are looked at
	historyHeld = 64 << 20         // bytes of lists that are kept beside each other
)

// history reads the records of a key, newest first, a page at a time. Lists are unpacked
// one after another; those that are too many to be held are left out of their changes.
func (s *Store) history(ctx context.Context, key string, limit int) ([]Change, error) {
	if limit <= 0 {
		limit = historyMost
	}
	var changes []Change
	held, before := 0, int64(0) // the revision that the next page ends before; 0: the newest page
	for seen := 0; seen < historyMost; {
		page, err := s.historyPage(ctx, key, before, min(historyStep, limit))
		if err != nil {
			return nil, err
		}
		for _, kv := range page {
			seen, before = seen+1, kv.ModRevision
			if _, ok := recordOf(string(kv.Key), key); !ok {
				continue
			}
			change, err := s.readChange(ctx, key, kv)
			if err != nil {
				return nil, err
			}
			if held += len(change.Before) + len(change.After); held > historyHeld {
				change.Before, change.After, change.Omitted = nil, nil, true
			}
			if changes = append(changes, change); len(changes) == limit {
				return changes, nil
			}
		}
		if len(page) == 0 || before <= 1 {
			break
		}
	}
	return changes, nil
}

// historyPage reads the newest records that were written before a revision; 0: all.
func (s *Store) historyPage(ctx context.Context, key string, before int64, limit int) ([]*mvccpb.KeyValue, error) {
	prefix := HistoryPrefix + key + "/"
	opts := []clientv3.OpOption{clientv3.WithPrefix(), clientv3.WithSort(clientv3.SortByModRevision, clientv3.SortDescend), clientv3.WithLimit(int64(limit))}
	if before > 0 {
		opts = append(opts, clientv3.WithMaxModRev(before-1))
	}
	got, err := s.get(ctx, prefix, opts...)
	if err == nil {
		return got.Kvs, nil
	}
	if !notServed(err) {
		return nil, err
	}
	// kine sorts nothing and leaves nothing out by revision.
	if got, err = s.get(ctx, prefix, clientv3.WithPrefix(), clientv3.WithLimit(historyMost)); err != nil {
		return nil, err
	}
	page := slices.DeleteFunc(got.Kvs, func(kv *mvccpb.KeyValue) bool { return before > 0 && kv.ModRevision >= before })
	slices.SortFunc(page, func(a, b *mvccpb.KeyValue) int { return cmp.Compare(b.ModRevision, a.ModRevision) })
	return page[:min(limit, len(page))], nil
}

// readChange reads a record. One that cannot be read, or whose list is not the one
// it says, is marked.
// Lists that it leaves out are those of the revisions around it, as long as etcd
// remembers them. The error is etcd's.
func (s *Store) readChange(ctx context.Context, key string, kv *mvccpb.KeyValue) (Change, error) {
	var rec record
	if err := json.Unmarshal(kv.Value, &rec); err != nil {
		return Change{Revision: kv.ModRevision, Doubt: "the record cannot be read: " + err.Error()}, nil
	}
	rec.Who, rec.Note = shorten(rec.Who), shorten(rec.Note)
	if !safe.Moment(rec.When) {
		rec.When = time.Time{} // shown as unknown
	}
	if rec.Omitted {
		c := Change{Revision: kv.ModRevision, Who: rec.Who, Note: rec.Note, When: rec.When}
		var err1, err2 error
		c.Before, err1 = s.remembered(ctx, key, kv.ModRevision-1)
		c.After, err2 = s.remembered(ctx, key, kv.ModRevision)
		err := errors.Join(err1, err2)
		switch {
		case errors.Is(err, ErrNoRevision):
			c.Before, c.After, c.Omitted, err = nil, nil, true, nil
		case err == nil && rec.SHA256 != hashOf(c.After):
			c.Doubt = "its list is not the one that was saved: the hash differs"
		}
		return c, err
	}
	before, err1 := unpack(rec.Before, rec.BeforeGz)
	after, err2 := unpack(rec.After, rec.AfterGz)
	doubt := ""
	switch err := errors.Join(err1, err2); {
	case err != nil:
		doubt = "its lists cannot be read: " + err.Error()
	case rec.SHA256 != "" && rec.SHA256 != hashOf(after):
		doubt = "its list is not the one that was saved: the hash differs"
	}
	return Change{Revision: kv.ModRevision, Who: rec.Who, Note: rec.Note, When: rec.When, Before: before, After: after, Doubt: doubt}, nil
}

func hashOf(list []byte) string {
	sum := sha256.Sum256(list)
	return hex.EncodeToString(sum[:])
}

// doubted marks the changes at whose revision etcd did not write the list: such a
// record was not made by an edit. What etcd no longer remembers is not marked.
func (s *Store) doubted(ctx context.Context, key string, changes []Change) error {
	for i := range changes {
		c := &changes[i]
		if c.Doubt != "" {
			continue
		}
		got, err := s.get(ctx, key, clientv3.WithRev(c.Revision), clientv3.WithKeysOnly())
		switch {
		case errors.Is(err, rpctypes.ErrCompacted):
			continue
		case err != nil:
			return err
		case len(got.Kvs) == 0 || got.Kvs[0].ModRevision != c.Revision:
			c.Doubt = "etcd wrote no list at this revision: the record was not made by an edit"
		}
	}
	return nil
}

// ListAt returns the list of a collect key as it stood at a revision of the store:
// from etcd itself, or, where etcd no longer remembers, from the record of the change
// made there. A record that is in doubt is not used. nil means that the key did not
// exist.
func (s *Store) ListAt(ctx context.Context, key string, revision int64) ([]byte, error) {
	raw, err := s.listAt(ctx, key, revision)
	if err != nil {
		return nil, fmt.Errorf("load entries %q at revision %d: %w", key, revision, err)
	}
	return raw, nil
}

func (s *Store) listAt(ctx context.Context, key string, revision int64) ([]byte, error) {
	raw, err := s.remembered(ctx, key, revision)
	if errors.Is(err, rpctypes.ErrCompacted) {
		return s.recordedAt(ctx, key, revision)
	}
	return raw, err
}

// remembered asks etcd itself for the list at a revision.
func (s *Store) remembered(ctx context.Context, key string, revision int64) ([]byte, error) {
	if revision <= 0 {
		return nil, ErrNoRevision
	}
	got, err := s.get(ctx, key, clientv3.WithRev(revision))
	switch {
	case errors.Is(err, rpctypes.ErrCompacted):
		return nil, fmt.Errorf("%w: %w", ErrNoRevision, err)
	case errors.Is(err, rpctypes.ErrFutureRev):
		return nil, ErrNoRevision
	case err != nil:
		return nil, err
	case len(got.Kvs) == 0:
		return nil, nil
	}
	return notNil(got.Kvs[0].Value), nil
}

// recordedAt returns the list that the record of a change holds.
func (s *Store) recordedAt(ctx context.Context, key string, revision int64) ([]byte, error) {
	kvs, err := s.historyKeys(ctx, key)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(kvs, func(kv *mvccpb.KeyValue) bool { return kv.ModRevision == revision })
	if i < 0 {
		return nil, ErrNoRevision
	}
	got, err := s.get(ctx, string(kvs[i].Key))
	if err != nil {
		return nil, err
	}
	if len(got.Kvs) == 0 {
		return nil, ErrNoRevision
	}
	change, err := s.readChange(ctx, key, got.Kvs[0])
	switch {
	case err != nil:
		return nil, err
	case change.Doubt != "":
		return nil, errors.New(change.Doubt)
	case change.Omitted:
		return nil, ErrNoRevision
	}
	return change.After, nil
}

// Revert writes the list as it stood at a revision, which may be that of a
// recorded change, as a new change. A revision at which the key did not exist
// gives an empty list. The error is ErrNoRevision when nobody remembers it.
func (s *Store) Revert(ctx context.Context, base Snapshot, revision int64, note string) (Snapshot, error) {
	raw, err := s.ListAt(ctx, base.Key, revision)
	if err != nil {
		return Snapshot{}, err
	}
	if raw == nil {
		raw = []byte("[]")
	}
	if note == "" {
		note = fmt.Sprintf("revert to revision %d", revision)
	}
	return s.SaveRaw(ctx, base, raw, note)
}

// Undo writes the list as it stood before the change that base ends with, as a new
// change; undoing that one brings the first back. The error is ErrNoRevision when
// the last change was not made through logctl.
func (s *Store) Undo(ctx context.Context, base Snapshot) (Snapshot, error) {
	changes, err := s.History(ctx, base.Key, 1)
	if err != nil {
		return Snapshot{}, err
	}
	if len(changes) == 0 || changes[0].Revision != base.ModRevision || changes[0].Omitted {
		return Snapshot{}, fmt.Errorf("undo revision %d of %q: %w", base.ModRevision, base.Key, ErrNoRevision)
	}
	before := changes[0].Before
	if before == nil {
		before = []byte("[]")
	}
	return s.SaveRaw(ctx, base, before, fmt.Sprintf("undo revision %d", base.ModRevision))
}
