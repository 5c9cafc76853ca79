package etcdcfg_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"strings"
	"testing"

	"logctl/etcdcfg"
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
