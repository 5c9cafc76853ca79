//go:build unix

package positions

import (
	"bytes"
	"encoding/binary"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"logctl/internal/testkit/ceiling"
)

// damaged returns a copy of a database with one kind of damage somewhere.
func damaged(r *rand.Rand, data []byte) []byte {
	bad := bytes.Clone(data)
	const page = 4096
	some := func() int { return r.IntN(len(bad)/page) * page }
	ne := binary.NativeEndian
	switch r.IntN(8) {
	case 0: // bytes
		for range 1 + r.IntN(64) {
			bad[r.IntN(len(bad))] = byte(r.Uint32())
		}
	case 1: // numbers that are huge
		at := r.IntN(len(bad)-8) &^ 7
		ne.PutUint64(bad[at:], 1<<r.IntN(64))
	case 2: // a page in the place of another
		copy(bad[some():][:page], data[some():][:page])
	case 3: // the same, which says that it is the other
		at := some()
		copy(bad[at:][:page], data[some():][:page])
		ne.PutUint64(bad[at:], uint64(at/page))
	case 4: // the head of a page
		at := some()
		for i := range 16 {
			if r.IntN(3) == 0 {
				bad[at+i] = byte(r.Uint32())
			}
		}
	case 5: // very many elements
		at := some()
		ne.PutUint16(bad[at+10:], 0xffff)
		ne.PutUint64(bad[at+16:], 1<<(20+r.IntN(16)))
	case 6: // a run of one value
		at := r.IntN(len(bad))
		fill := []byte{0, 0xff, 1}[r.IntN(3)]
		for i := at; i < min(at+1+r.IntN(3*page), len(bad)); i++ {
			bad[i] = fill
		}
	case 7: // cut off, or longer
		if bad = bad[:r.IntN(len(bad))]; r.IntN(2) == 0 {
			bad = append(bad, make([]byte, 5*page)...)
		}
	}
	return bad
}

// A damaged database is opened, or set aside, within a bound of memory, whatever its
// pages say that they want.
func TestDamagesStayWithinTheirBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 13))
	reg := open(t, memory(t))
	work(t, record(t, reg), r, 300)
	if err := reg.db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(reg.path)
	if err != nil {
		t.Fatal(err)
	}
	dir := memory(t)
	aside, n := 0, cases(t)
	for range n {
		if openDamaged(t, dir, damaged(r, data)) {
			aside++
		}
	}
	if aside == 0 {
		t.Errorf("none of %d were set aside", n)
	}
	t.Logf("%d of %d damages: set aside, the others opened", aside, n)
}

// TestDamagedNumbersAreNotBelieved: numbers of the database that say how much there is of
// something are made huge one after another. The list of free pages is the one of them for
// which bbolt takes as much memory as it says.
func TestDamagedNumbersAreNotBelieved(t *testing.T) {
	reg := open(t, memory(t))
	work(t, record(t, reg), rand.New(rand.NewPCG(1, 2)), 300)
	if err := reg.db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(reg.path)
	if err != nil {
		t.Fatal(err)
	}
	size, root, free, err := newestRoot(data)
	if err != nil || free >= uint64(len(data))/size {
		t.Fatal("the database has no list of free pages", err)
	}
	dir := memory(t)
	ne := binary.NativeEndian
	for _, page := range []uint64{free, root} {
		for shift := 26; shift < 34; shift++ {
			bad := bytes.Clone(data)
			at := bad[page*size:]
			ne.PutUint16(at[10:], 0xffff)
			ne.PutUint64(at[pageHeader:], 1<<shift)
			if !openDamaged(t, dir, bad) {
				t.Errorf("page %d with 2^%d elements was taken for whole", page, shift)
			}
		}
		for _, pages := range []uint32{1 << 20, 1<<32 - 1} { // that it runs on for
			bad := bytes.Clone(data)
			ne.PutUint32(bad[page*size+12:], pages)
			if !openDamaged(t, dir, bad) {
				t.Errorf("page %d of %d pages was taken for whole", page, pages)
			}
		}
	}
}

// openDamaged opens a database within 128 MiB of memory and reports whether it was set aside.
func openDamaged(t *testing.T, dir string, bad []byte) (aside bool) {
	t.Helper()
	ceiling.Within(t, 128<<20, func() {
		if err := os.WriteFile(filepath.Join(dir, FileName), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		reg, err := Open(dir, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Errorf("not opened at all: %v", err)
			return
		}
		if name := reg.SetAside(); name != "" {
			aside = true
			err = os.Remove(name)
		}
		if err := errors.Join(err, reg.db.Close()); err != nil {
			t.Error(err)
		}
	})
	return aside
}
