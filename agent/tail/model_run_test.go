package tail

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestModel(t *testing.T) {
	cases, first := casesOf("MODEL", 300, 1)
	begin := time.Now()
	dir := t.TempDir()
	for i := range cases {
		seed := first + uint64(i)
		ops := modelOps(seed, modelKinds)
		why, _ := runModel(t, seed, ops, dir)
		if why == "" {
			continue
		}
		ops, why, trace := shrink(t, seed, ops, dir, runModel)
		t.Fatalf("seed %d, repeat with LOGCTL_MODEL_SEED=%[1]d: %s\n%d actions that fail:\n%s", seed, why, len(ops), trace)
	}
	t.Logf("%d cases from seed %d in %v", cases, first, time.Since(begin).Round(time.Millisecond))
}

// TestModelSeeds runs cases that failed once and that no script stands for.
func TestModelSeeds(t *testing.T) {
	for _, c := range []struct {
		seed  uint64
		kinds int // modelKinds then
		what  string
	}{
		{1795390981295947115, 112, "a size that was seen while older generations go first counts"},
		{1795394152230804910, 112, "the number of a deleted archive is given to a copy of a file it is not an archive of"},
		{1795399083015003564, 120, "saved empty, and again with content: the first state is of what came after a truncation"},
		{1795400480590109201, 120, "the same, and in its place in the order"},
		{1795402243569978490, 120, "empty, and taken for a copy that is being made, filled while stopped, and deleted"},
		{1795400829668257946, 120, "held, while an older one turns out to be no copy"},
		{1795399864286711681, 120, "empty, and taken for a copy: a later run knows its place in the order"},
		{1795413820750637194, 120, "the same, deleted and then written to"},
		{1795420472824388482, 120, "an archive that is written to late says nothing of how rotated files are numbered"},
		{1795420990582460190, 120, "the same of one that was made in the same tick"},
		{1795420736598374772, 120, "a size that was seen while an older one has more again counts"},
		{1796024922565130627, 124, "a link is switched twice, and the file it led to first is written to late"},
	} {
		if why, _ := runModel(t, c.seed, modelOps(c.seed, c.kinds), t.TempDir()); why != "" {
			t.Errorf("seed %d (%s): %s", c.seed, c.what, why)
		}
	}
}

// modelOp is an action and what decides its details, so that a sequence goes on the
// same way when others are left out.
type modelOp struct {
	kind int
	seed uint64
}

func modelOps(seed uint64, kinds int) []modelOp {
	rnd := rand.New(rand.NewPCG(seed, 1))
	ops := make([]modelOp, 20+rnd.IntN(60))
	for i := range ops {
		ops[i] = modelOp{rnd.IntN(kinds), rnd.Uint64()}
	}
	return ops
}

// modelRun is runModel or runWindows.
type modelRun func(t *testing.T, seed uint64, ops []modelOp, in string) (why, trace string)

// shrink leaves out actions as long as the case fails.
func shrink(t *testing.T, seed uint64, ops []modelOp, dir string, run modelRun) (least []modelOp, why, trace string) {
	for size := len(ops) / 2; size > 0; {
		shorter := false
		for i := 0; i+size <= len(ops); {
			fewer := slices.Concat(ops[:i], ops[i+size:])
			if why, _ := run(t, seed, fewer, dir); why != "" {
				ops, shorter = fewer, true
			} else {
				i += size
			}
		}
		if !shorter || size > 1 {
			size /= 2
		}
	}
	why, trace = run(t, seed, ops, dir)
	return ops, why, trace
}

// failing ends a case at its first failure, which is not yet that of the test.
type failing struct{ testing.TB }

type modelFailure string

func (failing) Helper()                           {}
func (failing) Fatal(args ...any)                 { panic(modelFailure(fmt.Sprint(args...))) }
func (failing) Fatalf(format string, args ...any) { panic(modelFailure(fmt.Sprintf(format, args...))) }

// TestModelRepeats runs cases twice: the same seed does and sees the same.
func TestModelRepeats(t *testing.T) {
	dir := t.TempDir()
	for seed := range uint64(30) {
		_, one := runModel(t, seed, modelOps(seed, modelKinds), dir)
		_, two := runModel(t, seed, modelOps(seed, modelKinds), dir)
		if one != two || one == "" {
			t.Fatalf("seed %d:\n%s\nand then:\n%s", seed, one, two)
		}
	}
}

// runModel runs a case. why is empty when it passes.
func runModel(t *testing.T, seed uint64, ops []modelOp, in string) (why, trace string) {
	return playModel(t, seed, in, func(m *model) {
		for _, op := range ops {
			m.rnd = rand.New(rand.NewPCG(op.seed, 0))
			m.step(op.kind)
		}
	})
}

// playModel is runModel for any sequence of actions.
func playModel(t *testing.T, seed uint64, in string, play func(m *model)) (why, trace string) {
	dir := filepath.Join(in, "case")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	m := newModel(failing{t}, seed, dir)
	defer func() {
		_ = m.set.Close()
		for _, g := range m.gens {
			_ = g.w.Close()
		}
		_ = os.RemoveAll(dir)
		trace = strings.Join(m.trace, "\n")
		switch p := recover().(type) {
		case nil:
		case modelFailure:
			why = string(p)
			trace += "\nlog:\n" + strings.ReplaceAll(m.log.String(), dir+"/", "")
		default:
			panic(p)
		}
	}()
	play(m)
	m.finish()
	m.verify()
	return "", "" // and the trace
}

func newModel(t testing.TB, seed uint64, dir string) *model {
	m := &model{
		rnd: rand.New(rand.NewPCG(seed, 0)), path: filepath.Join(dir, "app.log"), running: true,
		ids: map[FileID]*modelGen{}, filled: map[FileID]bool{}, emptied: map[FileID]bool{}, history: map[FileID][]State{},
	}
	cfg := Config{Path: m.path, ChunkSize: 32 << m.rnd.IntN(5)}
	if m.rnd.IntN(3) == 0 {
		cfg.Path = filepath.Join(dir, "*.log") // a glob that does not match rotated names
	}
	m.files = newModelFiles(t, func() time.Time { return m.clock })
	if m.rnd.IntN(3) > 0 {
		m.files.grain = 4 * time.Millisecond
	}
	m.files.reuse = m.rnd.IntN(2) == 0
	m.pace = []time.Duration{100 * time.Microsecond, 2 * time.Millisecond, 20 * time.Millisecond}[m.rnd.IntN(3)]
	m.links = m.rnd.IntN(3) == 0
	m.rig = &rig{t: t, cfg: cfg, clock: time.Unix(1_800_000_000, 0), states: map[FileID]State{}, sys: m.files.system(), trusts: seed%2 == 0}
	m.files.touched(dir)
	m.rig.open()
	m.act("%s, chunks of %d, file times in %v, pace %v, numbers given again: %v",
		filepath.Base(cfg.Path), cfg.ChunkSize, m.files.grain, m.pace, m.files.reuse)
	return m
}
