package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"logctl/agent/report"
	"logctl/internal/ownfile"
)

// verifiedName is the file in the data directory in which 'logctl verify' leaves what it
// found last, for the agent's reports and so for consoles anywhere.
const verifiedName = "verified.json"

// maxVerified is more than the outcomes of the longest list take, in bytes.
const maxVerified = 16 << 20

// SaveVerified puts outcomes in the data directory. Those of other entries stay.
func SaveVerified(dir string, list []report.Verified) error {
	have, err := loadVerified(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		have = nil // what cannot be read is made anew
	}
	merged := map[[2]string]report.Verified{}
	for _, v := range append(have, list...) {
		merged[[2]string{v.Path, v.Topic}] = v
	}
	out := make([]report.Verified, 0, len(merged))
	for _, v := range merged {
		if time.Since(v.At) < keepVerified {
			out = append(out, v)
		}
	}
	data, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("save what was verified: %w", err)
	}
	if err := ownfile.Write(filepath.Join(dir, verifiedName), data); err != nil {
		return fmt.Errorf("save what was verified: %w", err)
	}
	return nil
}

// keepVerified is how long the outcome of an entry that is verified no more is shown.
const keepVerified = 30 * 24 * time.Hour

func loadVerified(dir string) ([]report.Verified, error) {
	data, err := ownfile.Read(filepath.Join(dir, verifiedName), maxVerified)
	if err != nil {
		return nil, err
	}
	var out []report.Verified
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, fmt.Errorf("read what was verified: %w", err)
	}
	return out, nil
}

// verified keeps the outcomes that the data directory has. The file is read when it
// changed, outside the lock.
type verified struct {
	dir string

	mu  sync.Mutex
	at  time.Time // when the file was written that known was read from
	all map[[2]string]*report.Verified
}

// of returns the outcomes by path and topic. The map is not changed any more.
func (v *verified) of() map[[2]string]*report.Verified {
	st, err := os.Lstat(filepath.Join(v.dir, verifiedName))
	if err != nil {
		return nil
	}
	v.mu.Lock()
	all, at := v.all, v.at
	v.mu.Unlock()
	if at.Equal(st.ModTime()) {
		return all
	}
	list, err := loadVerified(v.dir)
	if err != nil {
		list = nil // half of another program's, or not ours: there is nothing to show
	}
	all = make(map[[2]string]*report.Verified, len(list))
	for i := range list {
		all[[2]string{list[i].Path, list[i].Topic}] = &list[i]
	}
	v.mu.Lock()
	v.all, v.at = all, st.ModTime()
	v.mu.Unlock()
	return all
}
