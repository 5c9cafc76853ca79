package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"logctl/etcdcfg"
	"logctl/internal/ownfile"
)

// A list is on trial from before it is applied until its tasks have looked at their
// files once, or for trialLimit. What it costs has been paid by then.
//
//	new list ──▶ on trial (a mark on disk) ──settled──▶ proved (cached as the last good one)
//	                 │ the process dies
//	                 ▼
//	             held: the next process starts from the last good list
const (
	trialName   = "entries.trial"
	trialLimit  = 10 * time.Second
	trialLook   = 50 * time.Millisecond // between two looks whether tasks have settled
	trialDeaths = 3                     // after which a list is held though there is no other
)

// trialMark is what stands on disk while a list is on trial.
type trialMark struct {
	Key      string `json:"key"`
	Revision int64  `json:"revision"`
	Sum      string `json:"sha256"`
	Deaths   int    `json:"deaths"` // of agents that applied it
}

// trial remembers which list may have ended the agent.
type trial struct {
	path string
	left trialMark // by the process before; Sum is empty when there was none
	now  *etcdcfg.Snapshot
	from time.Time
}

// openTrial reads the mark that a process before left.
func openTrial(dir string) (*trial, error) {
	t := &trial{path: filepath.Join(dir, trialName)}
	data, err := ownfile.Read(t.path, 4<<10)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return t, nil
	case err != nil:
		return t, err
	}
	if err := json.Unmarshal(data, &t.left); err != nil {
		return t, fmt.Errorf("read %s: %w", t.path, err)
	}
	t.left.Deaths++
	return t, nil
}

func sumOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// held says why a list must not be applied; empty: it may. good is the last good
// list, nil when there is none.
func (t *trial) held(snap *etcdcfg.Snapshot, good []byte) string {
	sum := sumOf(snap.Raw)
	if t.left.Sum != sum || t.left.Key != snap.Key || t.left.Revision != snap.ModRevision {
		return ""
	}
	if other := good != nil && sumOf(good) != sum; !other && t.left.Deaths < trialDeaths {
		return ""
	}
	return fmt.Sprintf("an agent on this host ended while it began to apply revision %d of the list; the list is not applied again, the last good one stays in force: edit the list, or save it again to have it tried", snap.ModRevision)
}

// begin puts a list on trial.
func (t *trial) begin(snap etcdcfg.Snapshot) error {
	mark := trialMark{Key: snap.Key, Revision: snap.ModRevision, Sum: sumOf(snap.Raw)}
	if t.left.Sum == mark.Sum && t.left.Revision == mark.Revision {
		mark.Deaths = t.left.Deaths
	}
	data, err := json.Marshal(mark)
	if err != nil {
		return err
	}
	t.now, t.from = &snap, time.Now()
	return ownfile.Write(t.path, data)
}

// end takes the mark away: the list was proved, or the agent ends in order.
func (t *trial) end() error {
	if t == nil || t.now == nil {
		return nil
	}
	t.now, t.left = nil, trialMark{}
	if err := os.Remove(t.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// proved returns the list whose trial is over, nil when none is.
func (t *trial) proved(settled bool) *etcdcfg.Snapshot {
	if t == nil || t.now == nil || !settled && time.Since(t.from) < trialLimit {
		return nil
	}
	return t.now
}

// usable reads a list that is wrong only in that entries exceed a bound: they are left
// out, and the others are what there is.
func usable(snap etcdcfg.Snapshot) (etcdcfg.Snapshot, error) {
	if snap.Err == nil {
		return snap, nil
	}
	entries, refused, err := etcdcfg.Usable(snap.Raw)
	if err != nil || refused == nil {
		return snap, nil
	}
	snap.Entries, snap.Err = entries, nil
	return snap, refused
}

// openTrial learns which list is the last good one, and which a process before left on
// trial.
func (l *lists) openTrial() {
	var err error
	if l.trial, err = openTrial(l.dir); err != nil {
		l.log.Error("it is not known whether a list ended the last agent", "error", err)
	}
	if snap, err := loadCache(l.dir, l.key); err == nil {
		l.good = snap.Raw
	}
}

// try puts a list on trial that is not known to be good.
func (l *lists) try(snap etcdcfg.Snapshot) {
	if l.good != nil && sumOf(l.good) == sumOf(snap.Raw) {
		l.trial.now = nil
		return
	}
	if err := l.trial.begin(snap); err != nil {
		l.log.Error("list is applied without a mark: if it ends this agent, the next one will try it again", "error", err)
	}
}

// prove ends the trial of a list whose tasks have begun.
func (l *lists) prove() {
	snap := l.trial.proved(l.settled == nil || l.settled())
	if snap == nil {
		return
	}
	l.keep(*snap)
	l.endTrial()
}

// endTrial takes the mark away.
func (l *lists) endTrial() {
	if err := l.trial.end(); err != nil {
		l.log.Error("the mark of a list on trial cannot be removed", "error", err)
	}
}

// keep makes a list the last good one.
func (l *lists) keep(snap etcdcfg.Snapshot) {
	if err := saveCache(l.dir, snap); err != nil {
		l.log.Error("list cannot be cached; a start without etcd will not know it", "error", err)
	}
	l.good = snap.Raw
}

// settled reports whether every task has looked at its files once, or cannot.
func (s *supervisor) settled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tasks {
		if !t.settled() {
			return false
		}
	}
	return true
}

func (t *task) settled() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failure != nil || t.waits || t.set != nil && t.set.Scanned()
}
