//go:build unix

package positions

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"logctl/agent/tail"
)

// What a disk may hold after a power cut is made here from what bbolt wrote: everything up
// to the last fsync that returned, and of what was written since any part, in any order,
// torn at any sector. bbolt.Options has no seam for writes (OpenFile returns an *os.File),
// so that its own function for them is replaced; where it syncs follows from NoSync.

// op is one write, or a sync.
type op struct {
	off  int64
	data []byte
	sync bool
}

// recorder takes down what a registry writes.
type recorder struct {
	r     *Registry
	base  []byte // the file before
	ops   []op
	snaps []content    // after each flush that returned
	marks []int        // len(ops) then
	fail  func() error // of writes
	sync  func() error // of syncs
}

const page = 4096

// record replaces the function by which the database writes.
func record(t *testing.T, r *Registry) *recorder {
	t.Helper()
	rec := &recorder{r: r}
	var err error
	if rec.base, err = os.ReadFile(r.path); err != nil {
		t.Fatal(err)
	}
	field := reflect.ValueOf(r.db).Elem().FieldByName("ops").FieldByName("writeAt")
	writeAt := (*func([]byte, int64) (int, error))(unsafe.Pointer(field.UnsafeAddr()))
	real := *writeAt
	*writeAt = func(b []byte, off int64) (int, error) {
		if rec.fail != nil {
			if err := rec.fail(); err != nil {
				return 0, err
			}
		}
		meta := off < 2*page
		if meta && rec.sync != nil {
			if err := rec.sync(); err != nil {
				return 0, err
			}
		}
		if meta && !r.db.NoSync {
			rec.ops = append(rec.ops, op{sync: true})
		}
		rec.ops = append(rec.ops, op{off: off, data: bytes.Clone(b)})
		n, err := real(b, off)
		if meta && rec.sync != nil && err == nil {
			err = rec.sync()
		}
		return n, err
	}
	rec.snap()
	return rec
}

// snap notes what the registry holds; all of it is on disk.
func (rec *recorder) snap() {
	if len(rec.ops) > 0 && !rec.r.db.NoSync {
		rec.ops = append(rec.ops, op{sync: true})
	}
	rec.snaps, rec.marks = append(rec.snaps, contentOf(rec.r)), append(rec.marks, len(rec.ops))
}

// content is what counts of a registry.
type content map[string]string

func contentOf(r *Registry) content {
	out := content{}
	for key := range r.Keys() {
		out["memory "+key] = fmt.Sprint(numbersOf(r.Memory(key)))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, s := range r.sources {
		out["source "+key] = strings.Join(s.was, ",")
		for id, st := range s.states {
			out["file "+key+" "+id.String()] = strconv.FormatInt(st.Pos, 10)
		}
	}
	for at, c := range r.life.cursors {
		out[fmt.Sprintf("cursor %s/%d", at.topic, at.id)] = strconv.FormatInt(c.Offset, 10)
	}
	for id := range r.life.producers {
		out[fmt.Sprintf("producer %d", id)] = ""
	}
	// What is stored of a file is let go of when the positions are behind it: it is no part.
	return out
}

// work makes a registry do what an agent makes it do.
func work(t *testing.T, rec *recorder, r *rand.Rand, steps int) {
	t.Helper()
	reg := rec.r
	flush := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		rec.snap()
	}
	for i := range steps {
		key := fmt.Sprintf("/var/log/app%d.log\x00topic%d", r.IntN(6), r.IntN(2))
		switch n := r.IntN(12); {
		case n == 0:
			var first []tail.State
			for j := range r.IntN(40) {
				first = append(first, state(uint64(1000*i+j), 0))
			}
			flush(reg.Register(key, first))
		case n == 1:
			flush(reg.Begin(int64(i), int16(i)))
		case n == 2:
			flush(reg.SaveCursors([]Cursor{{Topic: "t", Partition: int32(r.IntN(3)), Offset: int64(i)}}))
		case n == 3:
			flush(reg.SaveStored("t", map[string]StoredFile{fmt.Sprintf("%d-3", r.IntN(9)): {Last: StoredRecord{Pos: int64(i)}}}))
		case n == 4 && reg.Known(key):
			flush(reg.Move(key, key+"x"))
		case n == 5:
			flush(reg.forget(key))
		case n == 6:
			reg.Remember(key, ended(i))
			reg.Drop(key, state(uint64(r.IntN(30)), 0).ID)
			flush(reg.Flush())
		default:
			for range 1 + r.IntN(5) {
				reg.Put(key, state(uint64(r.IntN(30)), int64(i)))
			}
			flush(reg.Flush())
		}
	}
}

// image is a state that the disk may be in when the power fails after n of the ops.
func (rec *recorder) image(r *rand.Rand, n int) []byte {
	out := bytes.Clone(rec.base)
	apply := func(o op) {
		if end := int(o.off) + len(o.data); end > len(out) {
			out = append(out, make([]byte, end-len(out))...)
		}
		copy(out[o.off:], o.data)
	}
	synced := 0
	for i, o := range rec.ops[:n] {
		if o.sync {
			synced = i + 1
		}
	}
	for _, o := range rec.ops[:synced] {
		if !o.sync {
			apply(o)
		}
	}
	pending := append([]op(nil), rec.ops[synced:n]...)
	r.Shuffle(len(pending), func(i, j int) { pending[i], pending[j] = pending[j], pending[i] })
	for _, o := range pending {
		switch r.IntN(3) {
		case 0: // it did not get there
		case 1:
			apply(o)
		default: // some of its sectors did
			const sector = 512
			for at := 0; at < len(o.data); at += sector {
				if r.IntN(2) == 0 {
					apply(op{off: o.off + int64(at), data: o.data[at:min(at+sector, len(o.data))]})
				}
			}
		}
	}
	return out
}

// reopened opens an image as the next start would.
func reopened(t *testing.T, dir string, data []byte) (content, string, error) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, FileName), data, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, "", err
	}
	defer func() {
		if err := r.db.Close(); err != nil {
			t.Error(err)
		}
	}()
	aside := r.SetAside()
	if aside != "" {
		if err := os.Remove(aside); err != nil {
			t.Error(err)
		}
	}
	return contentOf(r), aside, nil
}

// cases is how many states are made; `make soak` makes more.
func cases(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("LOGCTL_CRASH_CASES")); err == nil {
		return n
	}
	return 400
}

// memory is a directory where a sync costs nothing, if there is one.
func memory(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "logctl-crash")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// violations makes n crash states of random work and counts those that are not what was
// on disk before the flush that was cut short, or after it.
func violations(t *testing.T, n int, noSync bool) (bad int, example string) {
	t.Helper()
	seed := uint64(len(t.Name()))
	for made := 0; made < n; {
		r := rand.New(rand.NewPCG(seed, uint64(made)))
		reg := open(t, memory(t))
		reg.db.NoSync = noSync
		rec := record(t, reg)
		work(t, rec, r, 60)
		dir := memory(t)
		for range 200 {
			at := r.IntN(len(rec.ops) + 1)
			before := 0
			for i, mark := range rec.marks {
				if mark <= at {
					before = i
				}
			}
			got, aside, err := reopened(t, dir, rec.image(r, at))
			made++
			ok := err == nil && aside == "" && (maps.Equal(got, rec.snaps[before]) || before+1 < len(rec.snaps) && maps.Equal(got, rec.snaps[before+1]))
			if !ok {
				bad++
				example = fmt.Sprintf("seed %d, after %d of %d writes: %v, set aside %q\n%s", seed, at, len(rec.ops), err, aside, cmp.Diff(rec.snaps[before], got))
			}
			if made == n {
				break
			}
		}
		if err := reg.db.Close(); err != nil {
			t.Fatal(err)
		}
		seed++
	}
	return bad, example
}

// TestPowerCuts: whatever a power cut leaves, the next start has what was on disk.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	n := cases(t)
	if bad, example := violations(t, n, false); bad > 0 {
		t.Errorf("%d of %d states are wrong, such as\n%s", bad, n, example)
	}
}

// TestPowerCutsWithoutSync is the test of the test: without fsync it must fail.
func TestPowerCutsWithoutSync(t *testing.T) {
	t.Parallel()
	if bad, _ := violations(t, 100, true); bad < 10 {
		t.Errorf("%d of 100 states are wrong without fsync: the states show nothing", bad)
	}
}

// TestFlippedBits: a bit that changed on the disk is noticed, or changed nothing.
func TestFlippedBits(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	reg := open(t, memory(t))
	rec := record(t, reg)
	work(t, rec, r, 80)
	if err := reg.db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(reg.path)
	if err != nil {
		t.Fatal(err)
	}
	dir, noticed := memory(t), 0
	n := cases(t)
	for i := range n {
		bad := bytes.Clone(data)
		at := r.IntN(len(bad))
		bad[at] ^= 1 << r.IntN(8)
		got, aside, err := reopened(t, dir, bad)
		last := len(rec.snaps) - 1
		for _, c := range []content{got, rec.snaps[last], rec.snaps[last-1]} { // left out where damaged
			maps.DeleteFunc(c, func(k, _ string) bool { return strings.HasPrefix(k, "memory ") })
		}
		switch {
		case err != nil || aside != "":
			noticed++
		case !maps.Equal(got, rec.snaps[last]) && !maps.Equal(got, rec.snaps[last-1]): // the other head page
			t.Fatalf("case %d: byte %d of %d: %s", i, at, len(bad), cmp.Diff(rec.snaps[last], got))
		}
	}
	if noticed == 0 {
		t.Error("no bit mattered")
	}
	t.Logf("%d of %d flipped bits were noticed, the others changed nothing", noticed, n)
}

// TestDiskErrors: writes that fail are kept and written later, and what is on disk
// meanwhile is whole.
func TestDiskErrors(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 3))
		dir := memory(t)
		reg := open(t, dir)
		rec := record(t, reg)
		if err := reg.Register("s", nil); err != nil {
			t.Fatal(err)
		}
		why := errors.Join(syscall.EIO)
		if seed%2 == 0 {
			why = syscall.ENOSPC
		}
		rec.fail = func() error {
			if r.IntN(3) == 0 {
				return why
			}
			return nil
		}
		failed := 0
		for i := range 40 {
			reg.Put("s", state(uint64(r.IntN(10)), int64(i)))
			if err := reg.Flush(); err != nil {
				failed++
			}
		}
		rec.fail = nil
		if err := reg.Flush(); err != nil || failed == 0 {
			t.Fatalf("seed %d: %v; %d failed before", seed, err, failed)
		}
		want := contentOf(reg)
		if err := reg.db.Close(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(reg.path)
		if err != nil {
			t.Fatal(err)
		}
		got, aside, err := reopened(t, memory(t), data)
		if diff := cmp.Diff(want, got); err != nil || aside != "" || diff != "" {
			t.Errorf("seed %d: %v, %q\n%s", seed, err, aside, diff)
		}
	}
}

// TestKilledWhileCreating: what a kill leaves of a store that was never whole is not taken
// for one that was lost: files are not read from their beginning for it.
func TestKilledWhileCreating(t *testing.T) {
	whole := open(t, t.TempDir())
	if err := whole.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(whole.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, page, 3 * page, len(data)} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, FileName+".new"), data[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		r := open(t, dir)
		if r.SetAside() != "" || len(r.Keys()) > 0 {
			t.Errorf("%d bytes: set aside %q", n, r.SetAside())
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*.new")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}
