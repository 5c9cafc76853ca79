package etcdcfg_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"logctl/etcdcfg"
	"logctl/internal/testkit/ceiling"
)

// A record that somebody put under the history is marked, and what it says is not
// written back: the list of a revision is what etcd had there.
func TestAForgedRecordIsMarkedAndNotWrittenBack(t *testing.T) {
	s := newDesk(t)
	first, err := s.Save(t.Context(), s.load(t), []etcdcfg.Entry{{Path: "/good", Topic: "t"}}, "")
	if err != nil {
		t.Fatal(err)
	}
	const forged = `{"who":"somebody","before":null,"after":"[{\"path\":\"/etc/shadow\",\"topic\":\"t\"}]"}`
	put, err := s.client.Put(t.Context(), etcdcfg.HistoryPrefix+s.key+"/999", forged)
	if err != nil {
		t.Fatal(err)
	}
	changes, err := s.History(t.Context(), s.key, 0)
	if err != nil || len(changes) != 2 {
		t.Fatalf("%v, %v", changes, err)
	}
	if !strings.Contains(changes[0].Doubt, "etcd wrote no list at this revision") || changes[1].Doubt != "" {
		t.Errorf("doubts: %q, %q", changes[0].Doubt, changes[1].Doubt)
	}
	raw, err := s.ListAt(t.Context(), s.key, put.Header.Revision)
	if err != nil || !bytes.Equal(raw, first.Raw) {
		t.Errorf("%s, %v", raw, err)
	}
}

// A record that cannot be read, or whose hash is not that of its list, spoils no other
// one, and its list is unpacked to a bound only.
func TestDamagedRecordsAreMarked(t *testing.T) {
	s := newDesk(t)
	if _, err := s.Save(t.Context(), s.load(t), []etcdcfg.Entry{{Path: "/good", Topic: "t"}}, ""); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	for range 3 * etcdcfg.MaxListBytes / 1024 {
		if _, err := w.Write(make([]byte, 1024)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for i, rec := range []any{map[string]any{"after_gz": packed.Bytes()}, map[string]any{"after": "[]", "after_sha256": "00"}, []int{1}} {
		text, err := json.Marshal(rec)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.client.Put(t.Context(), etcdcfg.HistoryPrefix+s.key+"/"+strings.Repeat("9", 4+i), string(text)); err != nil {
			t.Fatal(err)
		}
	}
	changes, err := s.History(t.Context(), s.key, 0)
	if err != nil || len(changes) != 4 {
		t.Fatalf("%v, %v", changes, err)
	}
	for i, want := range []string{"cannot be read", "the hash differs", "which no key takes", ""} {
		if !strings.Contains(changes[i].Doubt, want) || want == "" && changes[i].Doubt != "" {
			t.Errorf("%d: %q, want %q", i, changes[i].Doubt, want)
		}
	}
}

// Many packed records, each of the largest list that is unpacked, are read within a
// bound of memory: the newest are held, the others are listed without their lists.
func TestManyPackedRecordsAreBounded(t *testing.T) {
	s := newDesk(t)
	if _, err := s.Save(t.Context(), s.load(t), []etcdcfg.Entry{{Path: "/good", Topic: "t"}}, ""); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(bytes.Repeat([]byte{' '}, 2*etcdcfg.MaxListBytes)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"who": strings.Repeat("w", 100_000), "when": "9999-01-01T00:00:00Z", "before_gz": packed.Bytes(), "after_gz": packed.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		if _, err := s.client.Put(t.Context(), fmt.Sprintf("%s%s/%d", etcdcfg.HistoryPrefix, s.key, 5000+i), string(text)); err != nil {
			t.Fatal(err)
		}
	}
	var changes []etcdcfg.Change
	heap := ceiling.PeakHeap(func() { changes, err = s.History(t.Context(), s.key, 0) })
	if err != nil || len(changes) != 61 {
		t.Fatalf("%d changes, %v", len(changes), err)
	}
	if heap > 256<<20 {
		t.Errorf("%d MiB", heap>>20)
	}
	held := 0
	for i, c := range changes {
		held += len(c.Before) + len(c.After)
		if c.Omitted != (i > 15) || len(c.Who) > 1000 || i < 60 && !c.When.IsZero() {
			t.Errorf("%d: %d bytes, left out %v, who of %d bytes, when %v", i, len(c.After), c.Omitted, len(c.Who), c.When)
		}
	}
	if held > 64<<20 {
		t.Errorf("%d MiB of lists are held", held>>20)
	}
}
