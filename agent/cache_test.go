package agent

import (
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
