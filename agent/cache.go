package agent

import (
	"crypto/sha256"
	"encoding/hex"
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
	// Sum is that of the other fields but SavedAt: a disk that flips a bit must not make the
	// agent follow another path. A cache of an older version has none.
	Sum string `json:"sha256,omitempty"`
}

// sum returns the SHA-256 of what counts of a cached list, in hexadecimal.
func (c *cachedList) sum() string {
	h := sha256.Sum256(fmt.Appendf(nil, "%q %d %s", c.Key, c.Revision, c.List))
	return hex.EncodeToString(h[:])
}

// saveCache writes the list beside itself and renames it, so that a kill leaves
// the old or the new one.
func saveCache(dir string, snap etcdcfg.Snapshot) error {
	c := cachedList{Key: snap.Key, Revision: snap.ModRevision, SavedAt: time.Now().UTC(), List: string(snap.Raw)}
	c.Sum = c.sum()
	data, err := json.MarshalIndent(c, "", "  ")
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
	if c.Sum != "" && c.Sum != c.sum() {
		return etcdcfg.Snapshot{}, fmt.Errorf("read cached entries: %s is damaged: its content is not what its checksum says", filepath.Join(dir, cacheName))
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
