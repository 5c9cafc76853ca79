package tail

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/internal/ownfile"
)

// stops tells whether the Set is stopped and goes on, now and then.
func (k raceKind) stops() bool {
	switch k {
	case raceStops, raceSpace, raceClock, raceInodes, raceLong, raceFamilies:
		return true
	}
	return false
}

// calm tells whether at most one action is begun between two looks: what is tried takes away
// the evidence that tells several rotations apart.
func (k raceKind) calm() bool { return k == raceClock || k == raceInodes || k == raceDead }

// more begins what only this kind of writer does. It returns false where that is nothing.
func (r *racer) more() bool {
	switch r.kind {
	case raceClock:
		r.todo = append(r.todo, r.setClock)
	case raceInodes:
		r.copyOver()
	default:
		return false
	}
	return true
}

// setClock sets the clock of the host, by up to twenty minutes.
func (r *racer) setClock() {
	by := time.Duration(r.rnd.Int64N(int64(40*time.Minute))) - 20*time.Minute
	r.clock = r.clock.Add(by)
	r.note("the clock is set by %v", by)
}

// copyOver replaces the file by a copy of itself, as programs do that restore or edit a
// file: a copy is made beside, and renamed over it. The writer goes on in the copy.
func (r *racer) copyOver() {
	beside := filepath.Join(filepath.Dir(r.path), ".app.log~")
	var w *os.File
	var st fsys.Stat
	if r.must(fsys.StatFile(r.w, &st)); st.Size < 2<<10 {
		r.todo = append(r.todo, r.write) // what is shorter may be anything: see ARCHITECTURE.md
		return
	}
	r.todo = append(r.todo, func() {
		var err error
		w, err = ownfile.OpenShared(beside, os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o644)
		r.must(err)
		r.note("begin a copy beside, %d", r.files.made(beside))
	}, func() {
		from, err := os.Open(r.path)
		r.must(err)
		_, err = io.Copy(w, from)
		r.must(err)
		r.must(from.Close())
		r.files.wrote(w)
		r.note("copy")
	}, func() {
		r.files.removed(r.path)
		r.must(r.w.Close())
		r.w = w
		r.move(beside, r.path)
	})
}

// fill writes behind what was written, in space that is made of NULs ahead of it.
func (r *racer) fill(s string) {
	var st fsys.Stat
	r.must(fsys.StatFile(r.w, &st))
	if end := r.off + int64(len(s)); end > st.Size || r.rnd.IntN(4) == 0 {
		r.must(r.w.Truncate(max(st.Size, end+int64(r.rnd.IntN(2000)))))
	}
	n, err := r.w.WriteAt([]byte(s), r.off)
	r.must(err)
	r.off += int64(n)
}

// killAll lets the descriptors of the Set die: each call on them fails from now on.
func (r *racer) killAll() {
	s := r.set
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for f := range s.files {
		if f.handle != nil {
			_ = f.handle.Close()
			n++
		}
	}
	r.note("%d descriptors die", n)
}

// family gives old generations the names of one of the ways in which programs name them.
// What was copied under a name that proves nothing is left alone: see ARCHITECTURE.md.
func (r *racer) family() {
	dir := filepath.Dir(r.path)
	name := "app.log.%d"
	switch r.rnd.IntN(6) {
	case 0:
		dir = filepath.Join(dir, "archive")
		r.must(os.Mkdir(dir, 0o755))
		r.files.made(dir)
	case 1:
		name, r.rises = "app.log-20270115-%03d", true
	case 2:
		name, r.renames = "app.%d.log", true
	case 3:
		name, r.renames = "%d.app.log", true
	case 4:
		name, r.renames, r.rises = "app_r%05d.log", true, true
	default:
		name, r.renames, r.rises = "app-2027-01-15-%d.log", true, true
	}
	r.name = func(n int) string { return filepath.Join(dir, fmt.Sprintf(name, n)) }
}
