package tui

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

const (
	prefsFile = "console.json"
	keysKept  = 20
)

// prefs are what the console remembers between runs. They are safe for
// concurrent use; saving belongs off the UI goroutine.
type prefs struct {
	mu   sync.Mutex
	file string // "" remembers nothing
	data prefsData
	old  prefsData
}

type prefsData struct {
	Keys   []string            `json:"collect_keys,omitempty"` // looked at, newest first
	Hidden map[string][]string `json:"hidden_columns,omitempty"`
	Sort   map[string]string   `json:"sort,omitempty"` // screen -> column, "-" in front: descending
	UTC    bool                `json:"utc,omitempty"`
	Wrap   bool                `json:"wrap,omitempty"`
	Time   string              `json:"time,omitempty"`
}

// loadPrefs reads what was remembered in dir; a missing or broken file is
// nothing remembered.
func loadPrefs(dir string) *prefs {
	p := &prefs{}
	if dir == "" {
		return p
	}
	p.file = filepath.Join(dir, prefsFile)
	data, err := os.ReadFile(p.file)
	if err == nil {
		err = json.Unmarshal(data, &p.data)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.data = prefsData{}
	}
	p.old = p.copy()
	return p
}

func (p *prefs) copy() prefsData {
	raw, err := json.Marshal(p.data)
	var out prefsData
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		return prefsData{}
	}
	return out
}

// save writes what changed since loading. The file is replaced whole, so that
// two consoles never mix their halves.
func (p *prefs) save() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file == "" {
		return nil
	}
	raw, err := json.MarshalIndent(p.data, "", "  ")
	if err != nil {
		return fmt.Errorf("remember console settings: %w", err)
	}
	if was, err := json.MarshalIndent(p.old, "", "  "); err == nil && string(was) == string(raw) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(p.file), 0o700); err != nil {
		return fmt.Errorf("remember console settings: %w", err)
	}
	if err := replaceFile(p.file, append(raw, '\n')); err != nil {
		return fmt.Errorf("remember console settings: %w", err)
	}
	p.old = p.copy()
	return nil
}

func (p *prefs) remember(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.data.Keys = slices.DeleteFunc(p.data.Keys, func(k string) bool { return k == key })
	p.data.Keys = slices.Insert(p.data.Keys, 0, key)
	p.data.Keys = p.data.Keys[:min(len(p.data.Keys), keysKept)]
}

func (p *prefs) keys() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.data.Keys)
}

func (p *prefs) get() prefsData {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.copy()
}

func (p *prefs) set(change func(*prefsData)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.data.Hidden == nil {
		p.data.Hidden = map[string][]string{}
	}
	if p.data.Sort == nil {
		p.data.Sort = map[string]string{}
	}
	change(&p.data)
}

// replaceFile writes a file of one's own beside the old one and puts it in its place.
func replaceFile(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
