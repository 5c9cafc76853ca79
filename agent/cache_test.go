package agent

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"logctl/etcdcfg"
)

func TestCacheKeepsLastGoodList(t *testing.T) {
	dir := t.TempDir()
	if _, err := loadCache(dir, "k"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("no cache: got %v", err)
	}
	raw := []byte(`[{"path":"/a","topic":"t","note":"kept"}]`)
	if err := saveCache(dir, etcdcfg.Snapshot{Key: "k", Raw: raw, ModRevision: 7}); err != nil {
		t.Fatal(err)
	}
	snap, err := loadCache(dir, "k")
	if err != nil || len(snap.Entries) != 1 || snap.Entries[0].Path != "/a" || snap.ModRevision != 7 || string(snap.Raw) != string(raw) {
		t.Errorf("got %+v, %v", snap, err)
	}
	if _, err := loadCache(dir, "other"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("cache of another key: got %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, cacheName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadCache(dir, "k"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("damaged cache: got %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, cacheName+".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestCacheWithAFlippedBit: a cached list is what was saved, or is refused.
func TestCacheWithAFlippedBit(t *testing.T) {
	dir := t.TempDir()
	want := etcdcfg.Snapshot{Key: "k", Raw: []byte(`[{"path":"/var/log/app.log","topic":"app"},{"path":"/b","topic":"t"}]`), ModRevision: 7}
	if err := saveCache(dir, want); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, cacheName)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for bit := range 8 * len(whole) {
		damaged := bytes.Clone(whole)
		damaged[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(name, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := loadCache(dir, "k")
		if err != nil {
			refused++
			continue
		}
		if string(got.Raw) != string(want.Raw) || got.ModRevision != want.ModRevision {
			t.Fatalf("bit %d of byte %d: %d %s", bit%8, bit/8, got.ModRevision, got.Raw)
		}
	}
	if refused < 4*len(whole) {
		t.Errorf("%d of %d flips were refused: the flips show nothing", refused, 8*len(whole))
	}
}
