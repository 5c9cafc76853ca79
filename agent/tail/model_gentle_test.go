package tail

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"logctl/agent/tail/internal/fsys"
)

// The model by the rules of Windows: a file is let go when nothing is to be read of it;
// another program may have it for itself while the Set reads, and a program that wants it
// for itself is refused while the Set has it; names have no case, and the entry has
// another than the disk; creation times are not known; ids are given again, or not.

// windows is what a case of that model is like.
type windows struct {
	exclusive bool // the writer opens its file without sharing whenever it does something
	taken     bool // another program has the files for itself now
}

// TestModelOfWindows repeats a failure by LOGCTL_WINDOWS_SEED, and runs as many cases as
// LOGCTL_WINDOWS_CASES says.
func TestModelOfWindows(t *testing.T) {
	cases, first := casesOf("WINDOWS", 300, 1_000_000)
	dir, failed := t.TempDir(), 0
	for i := range uint64(cases) {
		seed := first + i
		ops := modelOps(seed, modelKinds)
		why, _ := runWindows(t, seed, ops, dir)
		if why == "" {
			continue
		}
		t.Logf("seed %d: %s", seed, why)
		if failed++; failed > 1 {
			continue
		}
		_, why, trace := shrink(t, seed, ops, dir, runWindows)
		t.Logf("repeat with LOGCTL_WINDOWS_SEED=%d: %s\n%s", seed, why, trace)
	}
	if failed > 0 {
		t.Errorf("%d of %d cases failed", failed, cases)
	}
}

// runWindows is runModel by the rules of Windows.
func runWindows(t *testing.T, seed uint64, ops []modelOp, in string) (why, trace string) {
	return playModel(t, seed, in, func(m *model) {
		w := &windows{exclusive: m.rnd.IntN(3) == 0}
		m.asWindows(w)
		for _, op := range ops {
			m.rnd = rand.New(rand.NewPCG(op.seed, 0))
			w.taken = op.seed%6 == 0 && (op.kind < 36 || op.kind >= 76 && op.kind < 94) // while it writes, or the Set reads
			if w.exclusive && isWriters(op.kind) && m.cur != nil && m.open(m.cur) {
				m.act("refused")
			} else {
				m.step(op.kind)
			}
			w.taken = false
		}
	})
}

// isWriters tells whether an action is one of the writer's to its present file.
func isWriters(kind int) bool { return kind < 58 && (kind < 30 || kind >= 36) || kind >= 112 }

// asWindows begins anew by the rules of Windows.
func (m *model) asWindows(w *windows) {
	_ = m.set.Close()
	m.sys.Gentle, m.sys.Folds, m.sys.Spell = true, true, spell
	m.birthless = true
	m.links = false // programs there switch none
	m.sys.Born = func(*os.File) int64 { return 0 }
	m.sys.Adapt = func(st *fsys.Stat) {
		m.files.adapt(st)
		st.Ctime = 0
	}
	m.sys.Refuse = func(string) error {
		if w.taken {
			return fsys.ErrUnshared
		}
		return nil
	}
	m.cfg.Path = filepath.Join(filepath.Dir(m.cfg.Path), strings.ToUpper(filepath.Base(m.cfg.Path)))
	m.start()
	m.act("as Windows: %s, exclusive: %v", filepath.Base(m.cfg.Path), w.exclusive)
}
