package tail

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/internal/ownfile"
	"logctl/internal/testkit"
)

// The race test lets a writer act between two system calls of one look or read of a
// Set, where the model test lets whole looks and whole actions alternate. The writer
// writes numbered lines and rotates, by rename and by copytruncate, in the steps that
// a rotation has, and is quiet while it rotates. As long as it deletes nothing, there is
// one rule: every line once, in order, and nothing unreadable. What it deletes must be
// read too, once a descriptor of the Set leads to it.

// raceKind is what else happens.
type raceKind string

const (
	racePlain     raceKind = "plain"
	raceStops     raceKind = "stops"              // the Set is stopped and goes on, now and then
	raceEach      raceKind = "each_name_followed" // rotated names match the glob too: no order among names
	raceGone      raceKind = "deletes"            // files are deleted, too
	racePacks     raceKind = "compresses"         // old generations are compressed, the Set is behind and stops
	racePacksEach raceKind = "compresses_each"    // the same, and the glob matches the compressed names
	raceSpace     raceKind = "preallocates"       // files have NULs at their end, which are written to in place
	raceClock     raceKind = "clock_steps"        // the clock of the host is set, forward and back
	raceInodes    raceKind = "new_inodes"         // files are replaced by copies of themselves
	raceDead      raceKind = "dead_descriptors"   // descriptors of the Set die with their file system
	raceLong      raceKind = "long_lines"         // the content is more than a head, and the Set is stopped
	raceFamilies  raceKind = "families"           // rotated files have the names that programs give, and move to directories
)

// packs tells whether old generations are compressed.
func (k raceKind) packs() bool { return k == racePacks || k == racePacksEach }

// racer is a writer whose steps are taken whenever a Set looks at a file.
type racer struct {
	*rig
	naming
	rnd     *rand.Rand
	files   *modelFiles
	path    string
	w       *os.File
	last    int      // number of the last line written
	todo    []func() // steps of the action that was begun
	left    int      // actions still to begin
	within  int      // actions begun since the last look
	odds    int      // a step is taken at one of so many system calls
	pace    time.Duration
	busy    bool
	kind    raceKind
	gone    map[int]bool // lines that were deleted when the Set had not opened their file yet
	at      string       // what the Set is doing
	trace   []string
	filling string     // of each line
	off     int64      // of raceSpace: the end of what was written
	after   *rand.Rand // of racePacks: the writer goes on while no Set runs, and numbers of files are given again; nil: neither
}

// naming is how a racer names old generations.
type naming struct {
	name    func(n int) string // of the n-th: 1 is the youngest, or where numbers rise the oldest
	rises   bool               // numbers rise
	turns   int                // rotations
	delay   bool               // of racePacks: the youngest generation is left as it is
	renames bool               // the log is never copied
}

func newRacer(t testing.TB, kind raceKind, seed uint64, dir string) *racer {
	r := &racer{rnd: rand.New(rand.NewPCG(seed, 2)), path: filepath.Join(dir, "app.log")}
	cfg := Config{Path: r.path, ChunkSize: 32 << r.rnd.IntN(5)}
	switch {
	case kind == raceEach, kind == racePacksEach:
		cfg.Path = filepath.Join(dir, "app.log*")
	case r.rnd.IntN(3) == 0:
		cfg.Path = filepath.Join(dir, "*.log")
	}
	r.files = newModelFiles(t, func() time.Time { return r.clock })
	if r.rnd.IntN(3) > 0 {
		r.files.grain = 4 * time.Millisecond
	}
	r.pace = []time.Duration{100 * time.Microsecond, 2 * time.Millisecond, 20 * time.Millisecond}[r.rnd.IntN(3)]
	r.left, r.odds = 5+r.rnd.IntN(20), 1+r.rnd.IntN(30)
	r.kind, r.gone = kind, map[int]bool{}
	r.name = func(n int) string { return fmt.Sprintf("%s.%d", r.path, n) }
	if r.rises = kind.packs() && r.rnd.IntN(2) == 0; r.rises {
		r.files.grain = time.Nanosecond
	}
	r.delay = kind.packs() && r.rnd.IntN(2) == 0
	if kind.packs() && seed&2 != 0 && runtime.GOOS == "linux" { // where one can tell what is open
		r.files.reuse, r.after = true, rand.New(rand.NewPCG(seed, 3))
	}
	r.rig = &rig{t: t, cfg: cfg, clock: time.Unix(1_800_000_000, 0), pause: time.Second, states: map[FileID]State{}, trusts: seed%2 == 0}
	r.sys = r.files.system()
	r.sys.Adapt = func(st *fsys.Stat) {
		r.files.adapt(st)
		if r.rnd.IntN(r.odds) == 0 {
			r.at = within()
			r.act()
			r.at = ""
		}
	}
	r.files.touched(dir)
	switch kind {
	case raceFamilies:
		r.family()
	case raceInodes, raceLong:
		r.filling = " " + strings.Repeat("x", 200)
	}
	r.open()
	r.create()
	r.busy = true // what is moved away before the first look is not followed
	r.scan()
	r.busy = false
	return r
}

// act takes the next step.
func (r *racer) act() {
	if r.busy {
		return
	}
	r.busy = true
	defer func() { r.busy = false }()
	if len(r.todo) == 0 {
		if r.left == 0 || r.kind.calm() && r.within > 0 {
			return
		}
		r.left--
		r.within++
		r.begin()
	}
	step := r.todo[0]
	r.todo = r.todo[1:]
	r.clock = r.clock.Add(time.Duration(r.rnd.Int64N(int64(r.pace))))
	step()
}

func (r *racer) note(format string, a ...any) {
	r.trace = append(r.trace, fmt.Sprintf("%9.4f ", float64(r.clock.UnixNano()-1_800_000_000e9)/1e9)+fmt.Sprintf(format, a...)+r.at)
}

// within names the functions of the Set that the system call is made for.
func within() string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(4, pcs[:])])
	var b strings.Builder
	for {
		f, more := frames.Next()
		name := f.Function[strings.LastIndexByte(f.Function, '.')+1:]
		if !more || strings.HasSuffix(f.File, "_test.go") {
			return b.String()
		}
		fmt.Fprintf(&b, " < %s:%d", name, f.Line)
	}
}

func (r *racer) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// begin decides what is done next.
func (r *racer) begin() {
	switch n := r.rnd.IntN(5); {
	case n <= 1 && r.kind.packs():
		r.pack()
	case n == 2 && r.kind == raceGone:
		r.todo = append(r.todo, r.remove, r.create)
	case n == 2 && r.more():
	case n == 0, n == 1 && r.renames:
		r.rotate()
	case n == 1:
		r.copyTruncate(r.makeRoom())
	default:
		r.todo = append(r.todo, r.write)
	}
}

func (r *racer) create() {
	if r.after != nil {
		r.files.gone(r.isOpen)
	}
	flags := os.O_APPEND
	if r.kind == raceSpace {
		flags, r.off = 0, 0
	}
	w, err := ownfile.OpenShared(r.path, os.O_CREATE|os.O_EXCL|flags|os.O_WRONLY, 0o644)
	r.must(err)
	if r.w != nil {
		r.must(r.w.Close())
	}
	r.w = w
	r.note("create %d", r.files.made(r.path))
}

// remove deletes the file. Lines of it that the Set could not have can be missing, for no
// descriptor but the writer's leads to them.
func (r *racer) remove() {
	r.files.removed(r.path)
	opened := isOpenBeside(r.t, r.w)
	if !opened {
		b, err := os.ReadFile(r.path)
		r.must(err)
		for l := range strings.Lines(string(b)) {
			r.gone[testkit.Number([]byte(strings.TrimSuffix(l, "\n")))] = true
		}
	}
	r.must(os.Remove(r.path))
	r.files.moved(r.path)
	r.note("remove, opened: %v", opened)
}

// isOpenBeside tells whether another descriptor leads to the file h.
func isOpenBeside(t testing.TB, h *os.File) bool {
	var own fsys.Stat
	if err := fsys.StatFile(h, &own); err != nil {
		t.Fatal(err)
	}
	names, err := fsys.ReadNames("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		var st fsys.Stat
		if n != strconv.Itoa(int(h.Fd())) && fsys.StatPath("/proc/self/fd/"+n, &st) == nil && st.ID == own.ID {
			return true
		}
	}
	return false
}

func (r *racer) write() {
	var b strings.Builder
	from := r.last + 1
	for range 1 + r.rnd.IntN(20) {
		r.last++
		fmt.Fprintf(&b, "L%08d%s\n", r.last, r.filling)
	}
	if r.kind == raceSpace {
		r.fill(b.String())
	} else {
		_, err := r.w.WriteString(b.String())
		r.must(err)
	}
	r.files.wrote(r.w)
	r.note("write lines %d to %d", from, r.last)
}

func (r *racer) move(from, to string) {
	r.must(os.Rename(from, to))
	r.files.moved(to)
	r.note("rename %s to %s", filepath.Base(from), filepath.Base(to))
}

// rotate moves the log away, and makes a new one.
func (r *racer) rotate() {
	to := r.makeRoom()
	r.todo = append(r.todo, func() { r.move(r.path, to) }, r.create)
}

// makeRoom begins a rotation, and returns the name for the generation.
func (r *racer) makeRoom() string {
	r.turns++
	if r.rises {
		return r.name(r.turns)
	}
	r.shift()
	return r.name(1)
}

// shift makes room for the name with the number 1, a rename at a time.
func (r *racer) shift() {
	most := 1
	for fileExists(r.name(most)) || fileExists(r.name(most)+".gz") {
		most++
	}
	for n := most - 1; n > 0; n-- {
		r.todo = append(r.todo, func() {
			ending := ""
			if !fileExists(r.name(n)) {
				ending = ".gz"
			}
			r.move(r.name(n)+ending, r.name(n+1)+ending)
		})
	}
}

// copyTruncate copies the file, in two pieces, and then truncates it.
func (r *racer) copyTruncate(name string) {
	var whole []byte
	var c *os.File
	r.todo = append(r.todo, func() {
		var err error
		whole, err = os.ReadFile(r.path)
		r.must(err)
		c, err = ownfile.OpenShared(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		r.must(err)
		r.note("begin copy %d", r.files.made(name))
	})
	put := func(part int) func() {
		return func() {
			b := whole[:len(whole)/2]
			if part == 1 {
				b = whole[len(whole)/2:]
			}
			_, err := c.Write(b)
			r.must(err)
			r.files.wrote(c)
			r.note("copy %d bytes", len(b))
		}
	}
	r.todo = append(r.todo, put(0), put(1), func() {
		r.must(c.Close())
		r.must(os.Truncate(r.path, 0))
		r.off = 0
		r.files.touched(r.path)
		r.note("truncate")
	})
}

// run looks and reads until the writer has nothing more to do, and then until all is read.
func (r *racer) run() {
	for r.left > 0 || len(r.todo) > 0 {
		if r.rnd.IntN(3) > 0 || r.kind.calm() {
			r.note("look")
			r.scan()
			r.within = 0
		}
		if !r.kind.packs() || r.rnd.IntN(3) == 0 {
			r.note("read")
			r.read()
		}
		r.act()
		if r.kind == raceDead && r.rnd.IntN(8) == 0 {
			r.killAll()
		}
		if r.kind.stops() && r.rnd.IntN(10) == 0 || r.kind.packs() && r.rnd.IntN(4) == 0 {
			r.note("restart")
			r.stop()
			r.goOn()
			r.rig.begin()
		}
	}
	for range closedEvery + 4 {
		r.step(1)
	}
	missing := 0
	switch {
	case r.kind == raceEach, r.kind == racePacksEach, r.kind == raceFamilies && !r.set.walker.Literal:
		r.once(r.last) // in a case in a hundred a rotation within one look mixes the order of names
	case r.kind == raceGone:
		missing = r.allButGone()
	default:
		r.numbers(r.last)
	}
	if n := r.unreadable(); n > uint64(missing*len("L00000001\n")) {
		r.t.Fatalf("%d bytes counted as unreadable", n)
	}
}

// allButGone checks that every line was read once, but for those that were gone. It
// returns how many of those were not read. A file that was deleted has no name that would
// tell its place among others of the same tick, so that order is not checked.
func (r *racer) allButGone() (missing int) {
	times := map[int]int{}
	for _, l := range r.got {
		times[testkit.Number([]byte(l))]++
	}
	for n := 1; n <= r.last; n++ {
		switch {
		case times[n] == 0 && r.gone[n]:
			missing++
		case times[n] != 1:
			r.t.Fatalf("line %d was read %d times", n, times[n])
		}
		delete(times, n)
	}
	if len(times) > 0 {
		r.t.Fatalf("lines were read that nobody wrote: %v", times)
	}
	return missing
}

// ranges tells in which order lines were read.
func (r *racer) ranges() string {
	var b strings.Builder
	first, last := 0, -1
	for _, l := range append(r.got, "") {
		n := testkit.Number([]byte(l))
		if n != last+1 || l == "" {
			if last >= 0 {
				fmt.Fprintf(&b, " %d..%d", first, last)
			}
			first = n
		}
		last = n
	}
	return b.String()
}
