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
)

// packs tells whether old generations are compressed.
func (k raceKind) packs() bool { return k == racePacks || k == racePacksEach }

// racer is a writer whose steps are taken whenever a Set looks at a file.
type racer struct {
	*rig
	rnd   *rand.Rand
	files *modelFiles
	path  string
	w     *os.File
	last  int      // number of the last line written
	todo  []func() // steps of the action that was begun
	left  int      // actions still to begin
	odds  int      // a step is taken at one of so many system calls
	pace  time.Duration
	busy  bool
	kind  raceKind
	gone  map[int]bool // lines that were deleted when the Set had not opened their file yet
	at    string       // what the Set is doing
	trace []string
	turns int        // rotations of racePacks,
	rises bool       // whose numbers rise, and which
	delay bool       // leave the youngest as it is
	after *rand.Rand // of racePacks: the writer goes on while no Set runs, and numbers of files are given again; nil: neither
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
		if r.left == 0 {
			return
		}
		r.left--
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
	case n == 0:
		r.shift()
		r.todo = append(r.todo, func() { r.move(r.path, r.path+".1") }, r.create)
	case n == 1:
		r.shift()
		r.copyTruncate()
	default:
		r.todo = append(r.todo, r.write)
	}
}

func (r *racer) create() {
	if r.after != nil {
		r.files.gone(r.isOpen)
	}
	w, err := ownfile.OpenShared(r.path, os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o644)
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
		fmt.Fprintf(&b, "L%08d\n", r.last)
	}
	_, err := r.w.WriteString(b.String())
	r.must(err)
	r.files.wrote(r.w)
	r.note("write lines %d to %d", from, r.last)
}

func (r *racer) move(from, to string) {
	r.must(os.Rename(from, to))
	r.files.moved(to)
	r.note("rename %s to %s", filepath.Base(from), filepath.Base(to))
}

// shift makes room for the name with the number 1, a rename at a time.
func (r *racer) shift() {
	most := 1
	for fileExists(fmt.Sprintf("%s.%d", r.path, most)) || fileExists(fmt.Sprintf("%s.%d.gz", r.path, most)) {
		most++
	}
	for n := most - 1; n > 0; n-- {
		r.todo = append(r.todo, func() {
			ending := ""
			if !fileExists(fmt.Sprintf("%s.%d", r.path, n)) {
				ending = ".gz"
			}
			r.move(fmt.Sprintf("%s.%d%s", r.path, n, ending), fmt.Sprintf("%s.%d%s", r.path, n+1, ending))
		})
	}
}

// copyTruncate copies the file, in two pieces, and then truncates it.
func (r *racer) copyTruncate() {
	name := r.path + ".1"
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
		r.files.touched(r.path)
		r.note("truncate")
	})
}

// run looks and reads until the writer has nothing more to do, and then until all is read.
func (r *racer) run() {
	for r.left > 0 || len(r.todo) > 0 {
		if r.rnd.IntN(3) > 0 {
			r.note("look")
			r.scan()
		}
		if !r.kind.packs() || r.rnd.IntN(3) == 0 {
			r.note("read")
			r.read()
		}
		r.act()
		if r.kind == raceStops && r.rnd.IntN(10) == 0 || r.kind.packs() && r.rnd.IntN(4) == 0 {
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
	switch r.kind {
	case raceEach, racePacksEach:
		r.once(r.last) // in a case in a hundred a rotation within one look mixes the order of names
	case raceGone:
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

func runRace(t *testing.T, kind raceKind, seed uint64, in string) (why, trace string) {
	dir := filepath.Join(in, "race")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r := newRacer(failing{t}, kind, seed, dir)
	defer func() {
		_ = r.set.Close()
		_ = r.w.Close()
		_ = os.RemoveAll(dir)
		switch p := recover().(type) {
		case nil:
		case modelFailure:
			why = string(p)
			trace = strings.Join(r.trace, "\n") + "\nread: " + r.ranges() + "\nlog:\n" + strings.ReplaceAll(r.log.String(), dir+"/", "")
		default:
			panic(p)
		}
	}()
	r.run()
	return "", ""
}

// TestRaceSeeds repeats races that failed once.
func TestRaceSeeds(t *testing.T) {
	for _, c := range []struct {
		kind raceKind
		seed uint64
		what string
	}{
		{raceStops, 7349, "names change until the first scan ends: a file found by its identity waits for its place"},
		{raceStops, 101726, "a copy that goes on for a file is older than its own creation"},
		{raceEach, 1796033224219471868, "a copy is being made of what nobody looked at yet"},
		{raceEach, 1796033224219471690, "the same, and it is counted"},
		{raceEach, 617773, "a copy is found when its original was truncated and moved away"},
		{racePacks, 1000303, "a compressed file has more bytes than the plain one"},
		{racePacks, 1000883, "the number of a file that was kept open is that of a saved one"},
		{racePacksEach, 240, "what is saved goes on already when its compressed file is found"},
		{racePacksEach, 514, "a file that was kept open was compressed, and that one was found first"},
		{racePacks, 910529, "the compressed file that a saved one became is renamed while it is opened"},
		{racePacks, 912241, "the same, of one that nothing was read of"},
		{racePacks, 1000829, "files that were kept open and compressed, and empty ones between them"},
	} {
		if why, _ := runRace(t, c.kind, c.seed, t.TempDir()); why != "" {
			t.Errorf("%s, seed %d (%s): %s", c.kind, c.seed, c.what, why)
		}
	}
}

// TestRaces repeats a failure by LOGCTL_RACE_SEED and LOGCTL_RACE_KIND, and runs as many
// cases of each kind as LOGCTL_RACE_CASES says.
func TestRaces(t *testing.T) {
	kinds := []raceKind{racePlain, raceGone, racePacks, raceStops, raceEach, racePacksEach}
	cases, first := casesOf("RACE", 300, 1)
	if v := os.Getenv("LOGCTL_RACE_KIND"); v != "" {
		kinds = []raceKind{raceKind(v)}
	}
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			if kind == raceGone && runtime.GOOS != "linux" {
				t.Skip("only Linux tells what this process has open")
			}
			races(t, kind, first, cases)
		})
	}
}

func races(t *testing.T, kind raceKind, first uint64, cases int) {
	dir, failed, shortest := t.TempDir(), 0, ""
	for i := range cases {
		seed := first + uint64(i)
		why, trace := runRace(t, kind, seed, dir)
		if why == "" {
			continue
		}
		t.Logf("seed %d: %s", seed, why)
		if failed++; failed == 1 || len(trace) < len(shortest) {
			shortest = fmt.Sprintf("seed %d, repeat with LOGCTL_RACE_KIND=%s LOGCTL_RACE_SEED=%[1]d: %[3]s\n%s", seed, kind, why, trace)
		}
	}
	if failed > 0 {
		t.Errorf("%d of %d cases failed; the shortest one:\n%s", failed, cases, shortest)
	}
}
