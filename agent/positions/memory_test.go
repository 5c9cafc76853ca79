package positions

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"logctl/agent/tail"
)

func ended(n int) tail.Ended {
	st := state(uint64(n), int64(100*n))
	st.Path = "/var/log/app\xff.log"
	return tail.Ended{State: st, Marks: []byte{byte(n), 0, 0xff}, Vague: n%2 == 0}
}

func names(path string, n int) tail.Names {
	return tail.Names{Path: path, Seen: []tail.NamePattern{{Dir: "/var/log/\xfe", Parts: []string{"app.", fmt.Sprint(n, "\xfd")}}}}
}

// numbersOf are the generations of a memory, by the inode that ended gave them.
func numbersOf(m tail.Memory) []int {
	out := []int{}
	for _, e := range m.Ended {
		out = append(out, int(e.State.ID.Ino))
	}
	return out
}

// TestMemoryOutlivesTheRun: what a source remembers is there for the next run, in its order,
// moves with the source and goes with it.
func TestMemoryOutlivesTheRun(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	for n := 1; n <= 3; n++ {
		r.Remember("a", ended(n))
	}
	r.Learn("a", names("/x", 1))
	r.Learn("a", names("/x", 2))
	r.Learn("a", names("/y\xff", 3))
	check := func(key string, last int) {
		t.Helper()
		m := r.Memory(key)
		slices.SortFunc(m.Names, func(a, b tail.Names) int { return strings.Compare(a.Path, b.Path) })
		want := tail.Memory{Names: []tail.Names{names("/x", 2), names("/y\xff", 3)}}
		for n := 1; n <= last; n++ {
			want.Ended = append(want.Ended, ended(n))
		}
		if diff := cmp.Diff(want, m); diff != "" {
			t.Fatal(diff)
		}
	}
	check("a", 3)
	for n := 4; n <= 9; n++ {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		r = open(t, dir)
		check("a", n-1)
		r.Remember("a", ended(n))
	}
	if err := r.Move("a", "b"); err != nil {
		t.Fatal(err)
	}
	if m := r.Memory("a"); len(m.Ended) > 0 || len(m.Names) > 0 {
		t.Errorf("the source that was moved remembers %+v", m)
	}
	check("b", 9)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open(t, dir)
	check("b", 9)
	if err := r.Forget("b"); err != nil {
		t.Fatal(err)
	}
	if m := r.Memory("b"); len(m.Ended) > 0 || len(m.Names) > 0 {
		t.Errorf("a forgotten source remembers %+v", m)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestMemoryIsBounded: of many generations the oldest are forgotten, on disk too, and of
// all sources together no more than a bound is kept.
func TestMemoryIsBounded(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	r.db.NoSync = true
	for n := range 3 * endedMost {
		r.Remember("a", ended(n))
		if n%1000 == 0 {
			if err := r.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for n := range 3 * namesMost / 2 {
		r.Learn("a", names(fmt.Sprint("/", n), n))
	}
	again := func() {
		t.Helper()
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		r = open(t, dir)
		r.db.NoSync = true
	}
	again()
	m := r.Memory("a")
	got := numbersOf(m)
	if n := len(got); n > endedMost || n < endedMost/2 || got[n-1] != 3*endedMost-1 || got[0] != 3*endedMost-n {
		t.Errorf("%d generations are remembered, from %d to %d", n, got[0], got[n-1])
	}
	if n := len(m.Names); n != namesMost {
		t.Errorf("names of %d logs are remembered", n)
	}
	for key := range 8 {
		for n := range endedMost {
			r.Remember(fmt.Sprint("s", key), ended(n))
		}
	}
	again()
	total := 0
	for key := range r.Keys() {
		total += len(r.Memory(key).Ended)
	}
	if total > totalMost+endedMost/8 || total < totalMost/2 {
		t.Errorf("%d generations of all sources are remembered", total)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedMemoryIsLeftOut: records that are damaged, or of another program, are left out
// with a line in the log. The positions beside them stay, and new ones can be written.
func TestDamagedMemoryIsLeftOut(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	if err := r.Register("a", []tail.State{state(1, 7)}); err != nil {
		t.Fatal(err)
	}
	if err := r.Register("b", nil); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 4; n++ {
		r.Remember("a", ended(n))
	}
	r.Learn("a", names("/x", 1))
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(filepath.Join(dir, FileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		top := tx.Bucket(bucketMemory)
		b := top.Bucket([]byte("a"))
		bad := bytes.Clone(b.Get(endedKey(1)))
		bad[len(bad)/2] ^= 4
		_, err := b.CreateBucket([]byte("e of another"))
		return errors.Join(err,
			b.Put(endedKey(1), bad), b.Put(endedKey(2), nil), b.Put(endedKey(1<<63), []byte("x")),
			b.Put([]byte("n/other"), encodeRecord("text")), b.Put([]byte("foreign"), []byte("foreign")),
			top.Put([]byte("b"), []byte("no bucket")))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if r, err = Open(dir, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
		t.Fatal(err)
	}
	m := r.Memory("a")
	if got := numbersOf(m); r.SetAside() != "" || !slices.Equal(got, []int{1, 4}) || len(m.Names) != 1 {
		t.Errorf("set aside %q, remembered %v and %v", r.SetAside(), got, m.Names)
	}
	if !strings.Contains(log.String(), "left out") {
		t.Errorf("nothing was logged: %s", &log)
	}
	r.Remember("a", ended(5))
	r.Remember("b", ended(6))
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open(t, dir)
	if a, b := numbersOf(r.Memory("a")), numbersOf(r.Memory("b")); !slices.Equal(a, []int{1, 4, 5}) || !slices.Equal(b, []int{6}) {
		t.Errorf("then a remembers %v, b %v", a, b)
	}
	if st := r.States("a"); len(st) != 1 || st[0].Pos != 7 {
		t.Errorf("states: %+v", st)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestMemoryWaitsForTheDisk: what could not be written is written later, in its order.
func TestMemoryWaitsForTheDisk(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	if err := r.Register("a", nil); err != nil {
		t.Fatal(err)
	}
	real := r.sync
	for n := 1; n <= 6; n++ {
		r.Remember("a", ended(n))
		r.Learn("a", names("/x", n))
		if n%2 == 1 { // a save that failed is made sure of first, which fails too
			r.unsure, r.sync = true, func() error { return os.ErrDeadlineExceeded }
			if r.Flush() == nil {
				t.Fatal("it was written")
			}
		}
		r.sync = real
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open(t, dir)
	m := r.Memory("a")
	if got := numbersOf(m); !slices.Equal(got, []int{1, 2, 3, 4, 5, 6}) {
		t.Errorf("remembered: %v", got)
	}
	if diff := cmp.Diff([]tail.Names{names("/x", 6)}, m.Names); diff != "" {
		t.Error(diff)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}
