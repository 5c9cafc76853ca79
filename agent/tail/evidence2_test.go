package tail

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/internal/ownfile"
)

// overwrite writes over the beginning of a file in place.
func overwrite(t *testing.T, p string, b []byte) {
	t.Helper()
	f, err := ownfile.OpenShared(p, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
}

// TestShredOfARotatedFile: what is written over a rotated file before its deletion is
// neither read nor counted.
func TestShredOfARotatedFile(t *testing.T) {
	for _, restart := range []bool{false, true} {
		p := tmp(t, "app.log")
		write(t, p, rows(1, 1000))
		r := newRig(t, Config{Path: p})
		r.step(2)
		rename(t, p, p+".1")
		write(t, p, rows(1001, 1010))
		r.step(2)
		r.wantRows(1, 1010)
		rename(t, p+".1", p+".2")
		rename(t, p, p+".1")
		write(t, p, rows(1011, 1020))
		rnd := rand.New(rand.NewPCG(1, 2))
		noise := make([]byte, 4*4096)
		for pass := range 3 {
			for i := range noise {
				noise[i] = byte(rnd.Uint32())
			}
			overwrite(t, p+".2", noise)
			r.step(1)
			if restart && pass == 1 {
				r.restart()
			}
		}
		if err := os.Remove(p + ".2"); err != nil {
			t.Fatal(err)
		}
		r.step(15)
		r.wantRows(1011, 1020)
		if n := r.unreadable(); n != 0 {
			t.Errorf("restart %v: %d bytes counted as unreadable, nothing is lost", restart, n)
		}
	}
}

// TestOverwrittenAgainAndAgain: two programs write to one file, each at a position of its
// own, and one is behind the other. Lines come again, but not at each look.
func TestOverwrittenAgainAndAgain(t *testing.T) {
	p := tmp(t, "app.log")
	write(t, p, rows(1, 100))
	r := newRig(t, Config{Path: p})
	r.step(1)
	const looks = 78 // the head of the file is written over all the time
	text := []byte(rows(1, 100))
	for i := range looks {
		copy(text[i*13:], "new")
		overwrite(t, p, text[:(i+1)*13])
		write(t, p, rows(101+i, 101+i))
		r.step(1)
	}
	if most := 12 * 150; len(r.got) > most {
		t.Errorf("%d lines were read of a file of 178 in %d looks, want %d at most", len(r.got), looks, most)
	}
	st := r.set.Status()
	if !strings.Contains(st.Problem, "again and again") || !strings.Contains(st.Problem, p) {
		t.Errorf("the state says %q", st.Problem)
	}
	if st.Unreadable != 0 {
		t.Errorf("%d bytes counted as unreadable", st.Unreadable)
	}
	r.got = nil
	for range 600 { // when it is calm, what is in the file is read
		r.step(1)
	}
	if len(r.got) != 178 || r.got[0] != "new 00000001" || r.got[177] != "row 00000178" {
		t.Errorf("read %d lines at last", len(r.got))
	}
	if st := r.set.Status(); st.Problem != "" {
		t.Errorf("the state still says %q", st.Problem)
	}
}

// TestTouchOfTheFollowedFile: a modification time in the future, or a clock that was set
// back, hides no generation.
func TestTouchOfTheFollowedFile(t *testing.T) {
	for _, by := range []time.Duration{100 * time.Second, 5 * time.Second, -5 * time.Second} {
		for _, stopped := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, stopped %v", by, stopped), func(t *testing.T) {
				p := tmp(t, "app.log")
				write(t, p, rows(1, 100))
				r := newRig(t, Config{Path: p})
				r.clock, r.pause = time.Now(), time.Microsecond
				if by > 0 { // no births are needed: only a clock that was set back is told by these alone
					r.sys.Born = func(*os.File) int64 { return 0 }
					r.set.sys.Born = r.sys.Born
				} else {
					needsBirths(t, filepath.Dir(p))
				}
				r.step(1)
				if by > 0 {
					at := time.Now().Add(by)
					if err := os.Chtimes(p, at, at); err != nil {
						t.Fatal(err)
					}
				}
				r.step(2)
				if stopped {
					r.stop()
				}
				rename(t, p, p+".1")
				write(t, p, rows(101, 200))
				rename(t, p+".1", p+".2")
				rename(t, p, p+".1")
				if by < 0 { // written by a clock that had been set back
					at := time.Now().Add(by)
					if err := os.Chtimes(p+".1", at, at); err != nil {
						t.Fatal(err)
					}
				}
				write(t, p, rows(201, 300))
				if stopped {
					r.begin()
				}
				r.step(3)
				r.wantRows(1, 300)
			})
		}
	}
}

// TestSameContentUnderANewInode: a file that was copied, saved by an editor, or brought to
// another disk goes on where it was read to.
func TestSameContentUnderANewInode(t *testing.T) {
	copyA := func(t *testing.T, p string) { // cp -a, to another disk
		st, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		copyFile(t, p, p+"~~")
		if err := os.Chtimes(p+"~~", st.ModTime(), st.ModTime()); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
		rename(t, p+"~~", p)
	}
	vim := func(t *testing.T, p string) {
		rename(t, p, p+"~")
		copyFile(t, p+"~", p)
	}
	for _, tc := range []struct {
		name  string
		lines int
		how   func(t *testing.T, p string)
	}{
		{"cp -a", 1000, copyA},
		{"cp -a, short", 3, copyA},
		{"vim", 1000, vim},
		{"vim, backup deleted", 1000, func(t *testing.T, p string) {
			vim(t, p)
			if err := os.Remove(p + "~"); err != nil {
				t.Fatal(err)
			}
		}},
		{"sed -i", 1000, func(t *testing.T, p string) {
			copyFile(t, p, p+".sedX")
			rename(t, p+".sedX", p)
		}},
	} {
		for _, mode := range []string{"live", "stopped", "unread"} {
			t.Run(tc.name+", "+mode, func(t *testing.T) {
				p := tmp(t, "app.log")
				write(t, p, rows(1, tc.lines))
				r := newRig(t, Config{Path: p})
				r.step(2)
				r.wantRows(1, tc.lines)
				next := tc.lines + 1
				switch mode {
				case "stopped":
					r.stop()
				case "unread":
					write(t, p, rows(next, next+4))
					r.scan()
					next += 5
				}
				tc.how(t, p)
				if tc.lines > 3 {
					write(t, p, rows(next, next+4))
					next += 5
				}
				if mode == "stopped" {
					r.begin()
				}
				r.step(20)
				write(t, p, rows(next, next+1))
				r.step(3)
				r.wantRows(tc.lines+1, next+1)
				if n := r.unreadable(); n != 0 {
					t.Errorf("%d bytes counted as unreadable", n)
				}
				r.restart()
				r.step(3)
				r.want()
			})
		}
	}
}

// TestDirectoryCopiedToAnotherDisk: old generations that are known by content are known
// under their new inodes, and what was not read of them is read.
func TestDirectoryCopiedToAnotherDisk(t *testing.T) {
	for _, times := range []bool{true, false} { // cp -a, or rsync without -t
		dir := filepath.Join(t.TempDir(), "log")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		p := filepath.Join(dir, "app.log")
		write(t, p+".1", rows(9000, 9100)) // an old archive
		dated(t, p, time.Now().Add(-24*time.Hour), ".1")
		write(t, p, rows(1, 200))
		r := newRig(t, Config{Path: p, From: FromBeginning, FirstStart: true})
		r.step(2)
		rename(t, p+".1", p+".2")
		rename(t, p, p+".1")
		write(t, p, rows(201, 400))
		r.step(3)
		r.wantRows(1, 400)
		r.stop()
		write(t, p+".1", rows(9999, 9999)) // late
		to := dir + ".new"
		if err := os.Mkdir(to, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, n := range []string{"app.log.2", "app.log.1", "app.log"} {
			copyFile(t, filepath.Join(dir, n), filepath.Join(to, n))
			if st, err := os.Stat(filepath.Join(dir, n)); err != nil || times && os.Chtimes(filepath.Join(to, n), st.ModTime(), st.ModTime()) != nil {
				t.Fatal(err)
			}
		}
		rename(t, dir, dir+".old")
		rename(t, to, dir)
		write(t, p, rows(401, 410))
		r.begin()
		r.step(3)
		if !times { // nothing tells an archive that was copied from a generation nobody saw
			r.got = onlyBelow(r.got, "row 00009000", "row 00009100")
		}
		want := append([]string{"row 00009999"}, strings.Split(strings.TrimSpace(rows(401, 410)), "\n")...)
		r.want(want...)
		if n := r.unreadable(); n != 0 {
			t.Errorf("times kept %v: %d bytes counted as unreadable", times, n)
		}
	}
}

// onlyBelow leaves the lines that are not in a range.
func onlyBelow(lines []string, from, to string) []string {
	var rest []string
	for _, l := range lines {
		if l < from || l > to {
			rest = append(rest, l)
		}
	}
	return rest
}

// TestEncodingCorrected: a file of two-byte units that was read as if it had units of one
// goes on at a whole unit.
func TestEncodingCorrected(t *testing.T) {
	for _, nl := range []Newline{NewlineUTF16LE, NewlineUTF16BE} {
		enc := func(s string) string {
			var b bytes.Buffer
			for _, c := range s {
				if nl == NewlineUTF16LE {
					b.WriteByte(byte(c))
					b.WriteByte(byte(c >> 8))
				} else {
					b.WriteByte(byte(c >> 8))
					b.WriteByte(byte(c))
				}
			}
			return b.String()
		}
		p := tmp(t, "app.log")
		write(t, p, enc("one\ntwo\n"))
		r := newRig(t, Config{Path: p})
		r.step(2)
		r.got = nil
		r.stop()
		r.cfg.Newline = nl
		write(t, p, enc("three\nfour\n"))
		r.begin()
		r.step(2)
		r.want(enc("three"), enc("four"))
	}
}
