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

	"logctl/internal/testkit"
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
	aside, refused := 0, 0
	n := cases(t)
	for range n {
		bad := damaged(r, data)
		testkit.Within(t, 128<<20, func() {
			if err := os.WriteFile(filepath.Join(dir, FileName), bad, 0o600); err != nil {
				t.Fatal(err)
			}
			reg, err := Open(dir, slog.New(slog.DiscardHandler))
			if err != nil {
				refused++
				return
			}
			if name := reg.SetAside(); name != "" {
				aside++
				err = os.Remove(name)
			}
			if err := errors.Join(err, reg.db.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	if aside == 0 || refused > 0 {
		t.Errorf("%d of %d were set aside, %d not opened at all", aside, n, refused)
	}
	t.Logf("%d of %d damages: set aside, the others opened", aside, n)
}
