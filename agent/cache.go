package agent

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"logctl/etcdcfg"
	"logctl/internal/ownfile"
)

// cacheName is the file in the data directory that holds the last good list.
const cacheName = "entries.json"

// maxCache is more than a list of the largest size takes, every byte escaped.
const maxCache = 8 * etcdcfg.MaxListBytes

// cachedList is the last good list, for starts while etcd is down.
type cachedList struct {
	Key      string    `json:"key"`
	Revision int64     `json:"revision"`
	SavedAt  time.Time `json:"saved_at"`
	List     string    `json:"list"`
}

// saveCache writes the list beside itself and renames it, so that a kill leaves
// the old or the new one.
func saveCache(dir string, snap etcdcfg.Snapshot) error {
	data, err := json.MarshalIndent(cachedList{Key: snap.Key, Revision: snap.ModRevision, SavedAt: time.Now().UTC(), List: string(snap.Raw)}, "", "  ")
	if err != nil {
		return fmt.Errorf("cache entries: %w", err)
	}
	if err := ownfile.Write(filepath.Join(dir, cacheName), append(data, '\n')); err != nil {
		return fmt.Errorf("cache entries: %w", err)
	}
	return nil
}

// loadCache reads the cached list of a key. A missing cache, or one of another
// key, is fs.ErrNotExist.
func loadCache(dir, key string) (etcdcfg.Snapshot, error) {
	data, err := ownfile.Read(filepath.Join(dir, cacheName), maxCache)
	if err != nil {
		return etcdcfg.Snapshot{}, fmt.Errorf("read cached entries: %w", err)
	}
	var c cachedList
	if err := json.Unmarshal(data, &c); err != nil {
		return etcdcfg.Snapshot{}, fmt.Errorf("read cached entries: %w", err)
	}
	if c.Key != key {
		return etcdcfg.Snapshot{}, fmt.Errorf("read cached entries: they are of key %q: %w", c.Key, fs.ErrNotExist)
	}
	snap := etcdcfg.Snapshot{Key: c.Key, Raw: []byte(c.List), ModRevision: c.Revision}
	if len(snap.Raw) == 0 {
		return snap, nil
	}
	if snap.Entries, _, err = etcdcfg.Usable(snap.Raw); err != nil {
		return etcdcfg.Snapshot{}, fmt.Errorf("read cached entries: %w", err)
	}
	return snap, nil
}
