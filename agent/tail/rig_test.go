package tail

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/internal/testkit"
)

// rig drives a Set step by step, on a clock of its own.
type rig struct {
	t     testing.TB
	cfg   Config
	set   *Set
	clock time.Time
	pause time.Duration // between two scans
	kept  time.Time     // when states changed last, or the first scan of a run ended, by the clock of the files
	sys   fsys.System   // what the Set gets, but for the clock
	log   bytes.Buffer

	trusts bool // Set.trusts
	outage bool // nothing is acknowledged
	first  bool // no scan since the start
	got    []string
	states map[FileID]State // as a registry would keep them
	lost   uint64           // Unreadable of runs that ended
}

func newRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	r := &rig{t: t, cfg: cfg, clock: time.Now(), pause: time.Second, states: map[FileID]State{}}
	r.open()
	t.Cleanup(func() {
		_ = r.set.Close()
		if t.Failed() {
			t.Log(r.log.String())
		}
	})
	return r
}

func (r *rig) open() {
	r.t.Helper()
	r.cfg.Poll = true
	r.cfg.Log = slog.New(slog.NewTextHandler(&r.log, nil))
	r.start()
}

func (r *rig) start() {
	r.t.Helper()
	sys := r.sys
	sys.Holds = !sys.Gentle
	sys.Now = func() time.Time { return r.clock }
	set, err := open(r.cfg, sys)
	if err != nil {
		r.t.Fatal(err)
	}
	set.trusts = r.trusts
	r.set, r.first = set, true
}

// restart stops and starts again from the saved states.
func (r *rig) restart() {
	r.t.Helper()
	r.stop()
	r.begin()
}

func (r *rig) stop() {
	r.save()
	r.lost += r.set.Status().Unreadable
	_ = r.set.Close()
	r.cfg.Since = r.kept
}

func (r *rig) begin() {
	r.cfg.Saved = nil
	for _, st := range r.states {
		r.cfg.Saved = append(r.cfg.Saved, st)
	}
	slices.SortFunc(r.cfg.Saved, byGen)
	r.cfg.FirstStart = false
	r.start()
}

func (r *rig) save() {
	for _, st := range r.set.Unsaved() {
		if old, ok := r.states[st.ID]; !ok || old.Pos == st.Pos || old.waits() || r.first {
			r.keep(st)
		}
	}
	for _, g := range r.set.Forgotten() {
		if !r.outage {
			if g.Ended != nil {
				r.cfg.Memory.Ended = append(r.cfg.Memory.Ended, *g.Ended)
			}
			delete(r.states, g.ID)
			r.touch()
		}
	}
	for _, n := range r.set.Learned() {
		r.cfg.Memory.Names = append(slices.DeleteFunc(r.cfg.Memory.Names, func(o Names) bool { return o.Path == n.Path }), n)
	}
}

func (r *rig) keep(st State) {
	r.states[st.ID] = st
	r.touch()
}

func (r *rig) touch() {
	r.kept = r.clock
	if r.sys.Adapt == nil {
		r.kept = time.Now()
	}
}

// scan looks once and lets the clock go on by an interval.
func (r *rig) scan() {
	r.t.Helper()
	if err := r.set.Scan(context.Background()); err != nil {
		r.t.Fatal(err)
	}
	r.clock = r.clock.Add(r.pause)
	if r.first {
		r.touch()
	}
	r.save()
	r.first = false
}

// read reads what is ready.
func (r *rig) read() {
	for f := r.set.TryReady(); f != nil; f = r.set.TryReady() {
		for {
			c, err := f.Next()
			if err == io.EOF {
				break
			}
			r.take(f, c)
		}
		f.Release()
	}
	r.save()
}

func (r *rig) take(f *File, c *Chunk) {
	r.t.Helper()
	for i, l := range c.Lines {
		r.got = append(r.got, string(c.Data[l.Start:l.End]))
		if i > 0 && l.Pos < c.Lines[i-1].Pos {
			r.t.Fatalf("line %d at %d, the one before at %d", i, l.Pos, c.Lines[i-1].Pos)
		}
	}
	if c.End != f.State().Pos {
		r.t.Fatalf("chunk ends at %d, the file is at %d", c.End, f.State().Pos)
	}
	if !r.outage {
		r.keep(c.StateAt(c.End))
	}
	c.Release()
}

// step scans and reads n times.
func (r *rig) step(n int) {
	r.t.Helper()
	for range n {
		r.scan()
		r.read()
	}
}

func (r *rig) unreadable() uint64 { return r.lost + r.set.Status().Unreadable }

// want checks what was read since the last want.
func (r *rig) want(lines ...string) {
	r.t.Helper()
	if len(r.got) != len(lines) {
		r.t.Fatalf("read %q, want %q", r.got, lines)
	}
	for i := range lines {
		if r.got[i] != lines[i] {
			r.t.Fatalf("read %q, want %q", r.got, lines)
		}
	}
	r.got = nil
}

// numbers checks that exactly the lines 1 to last were read, in order.
func (r *rig) numbers(last int) {
	r.t.Helper()
	n := make([]int, len(r.got))
	for i, l := range r.got {
		n[i] = testkit.Number([]byte(l))
	}
	testkit.CheckNumbers(r.t, n, last)
}

func write(t *testing.T, path, s string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteString(s); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		testkit.SkipRefused(t, err)
		t.Fatal(err)
	}
}

// needsBirths skips a test of what only creation times tell, where there are none: Windows
// has some, but gives a file that of another one which had its name a moment ago.
func needsBirths(t *testing.T, dir string) {
	t.Helper()
	p := filepath.Join(dir, "birth~")
	write(t, p, "")
	born := fsys.BirthPath(p)
	remove(t, p)
	if born == 0 {
		t.Skip("no creation times can be had here")
	}
}

func tmp(t *testing.T, name string) string { return filepath.Join(t.TempDir(), name) }

// fileTime is a time n days ago.
func fileTime(n int) time.Time { return time.Now().Add(-time.Duration(n) * 24 * time.Hour) }

// once checks that exactly the lines 1 to last were read, in any order.
func (r *rig) once(last int) {
	r.t.Helper()
	n := make([]int, len(r.got))
	for i, l := range r.got {
		n[i] = testkit.Number([]byte(l))
	}
	slices.Sort(n)
	testkit.CheckNumbers(r.t, n, last)
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Files describes all generations known, oldest first.
func (s *Set) Files() []FileInfo {
	var infos []FileInfo
	s.EachFile(func(i FileInfo) { infos = append(infos, i) })
	slices.SortFunc(infos, func(a, b FileInfo) int { return cmp.Compare(a.ID.Gen, b.ID.Gen) })
	return infos
}

// casesOf is how many cases a random test makes, and the seed of the first: that of
// LOGCTL_name_SEED to repeat one, LOGCTL_name_CASES of seeds that nobody tried, or else as
// many as are given.
func casesOf(name string, cases int, first uint64) (int, uint64) {
	many, one := os.Getenv("LOGCTL_"+name+"_CASES"), os.Getenv("LOGCTL_"+name+"_SEED")
	if many != "" {
		cases, _ = strconv.Atoi(many)
		first = uint64(time.Now().UnixNano())
	}
	if one != "" {
		first, _ = strconv.ParseUint(one, 10, 64)
		if many == "" {
			cases = 1
		}
	}
	return cases, first
}
