package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestRenameCopy: logrotate's renamecopy moves a file aside, copies it into another
// directory and removes it. The copy brings nothing new, whenever it is seen.
func TestRenameCopy(t *testing.T) {
	const per = 400
	for _, glob := range []string{"app.log", "**/app*"} {
		for seen := range 4 { // looks between the steps of a rotation: none, or after step seen
			for _, restart := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, seen after step %d, restart %v", glob, seen, restart), func(t *testing.T) {
					dir := t.TempDir()
					p, old := filepath.Join(dir, "app.log"), filepath.Join(dir, "old")
					if err := os.Mkdir(old, 0o755); err != nil {
						t.Fatal(err)
					}
					write(t, p, rows(1, per))
					r := newRig(t, Config{Path: filepath.Join(dir, glob)})
					r.step(2)
					for n := 1; n <= 4; n++ {
						for i := n; i > 1; i-- {
							rename(t, fmt.Sprintf("%s/app.log.%d", old, i-1), fmt.Sprintf("%s/app.log.%d", old, i))
						}
						look := func(step int) {
							if step == seen {
								r.step(2)
							}
						}
						rename(t, p, p+".tmp")
						look(1)
						write(t, p, rows(n*per+1, n*per+per))
						copyFile(t, p+".tmp", old+"/app.log.1")
						look(2)
						remove(t, p+".tmp")
						look(3)
						r.step(2)
						if restart {
							r.restart()
							r.step(1)
						}
					}
					r.clock = r.clock.Add(2 * time.Minute)
					r.step(4)
					r.wantRows(1, 5*per)
					if n := r.unreadable(); n != 0 {
						t.Errorf("%d bytes counted as unreadable, none were lost", n)
					}
				})
			}
		}
	}
}

// TestCopyStandsTwice: the copy of a truncated file is compressed, and both forms of it
// stand on disk when the truncation is noticed. Its rest is read from one of them.
func TestCopyStandsTwice(t *testing.T) {
	for _, two := range []string{"compressed", "copied"} {
		t.Run(two, func(t *testing.T) {
			dir := t.TempDir()
			p := filepath.Join(dir, "app.log")
			write(t, p, rows(1, 1000))
			r := newRig(t, Config{Path: p})
			r.step(2)
			write(t, p, rows(1001, 1100))
			copyFile(t, p, p+".1")
			truncateTo(t, p, 0)
			write(t, p, rows(1101, 1110))
			if two == "copied" {
				copyFile(t, p+".1", p+".2")
			} else if err := os.WriteFile(p+".1.gz", packers[0].compressed(t, p+".1"), 0o644); err != nil {
				t.Fatal(err)
			}
			r.step(2)
			if two == "compressed" {
				remove(t, p+".1")
			}
			r.step(3)
			rename(t, p, p+".0")
			write(t, p, rows(1111, 1120))
			r.step(3)
			r.wantRows(1, 1120)
		})
	}
}

// TestCompressedUnderAnotherNameLater: savelog compresses into one name and moves the
// result to another; the plain file is gone before the last name is there.
func TestCompressedUnderAnotherNameLater(t *testing.T) {
	for _, glob := range []string{"app.log", "app*"} {
		t.Run(glob, func(t *testing.T) {
			dir := t.TempDir()
			p := filepath.Join(dir, "app.log")
			write(t, p, rows(1, 1000))
			r := newRig(t, Config{Path: filepath.Join(dir, glob)})
			r.step(2)
			rename(t, p, p+".0")
			write(t, p, rows(1001, 1100))
			r.step(3)
			packers[0].compress(t, p+".0", filepath.Join(dir, "elsewhere.gz"), true)
			r.step(2)
			r.clock = r.clock.Add(2 * time.Minute)
			r.step(2)
			rename(t, filepath.Join(dir, "elsewhere.gz"), p+".1.gz")
			rename(t, p, p+".0")
			write(t, p, rows(1101, 1200))
			r.step(3)
			r.wantRows(1, 1200)
			if n := r.unreadable(); n != 0 {
				t.Errorf("%d bytes counted as unreadable, none were lost", n)
			}
		})
	}
}

// TestCopyFollowedAndFound: under a glob the copy of a truncated file is followed under its
// own name, and its compressed form is found besides. The rest is read from one of them.
func TestCopyFollowedAndFound(t *testing.T) {
	dir := t.TempDir()
	p := filepath.Join(dir, "app.log")
	write(t, p, rows(1, 1000))
	r := newRig(t, Config{Path: filepath.Join(dir, "app*")})
	r.step(2)
	write(t, p, rows(1001, 1100))
	copyFile(t, p, p+".1")
	r.scan() // the copy is seen and waits; nothing is read
	if err := os.WriteFile(p+".1.gz", packers[0].compressed(t, p+".1"), 0o644); err != nil {
		t.Fatal(err)
	}
	truncateTo(t, p, 0)
	remove(t, p+".1")
	write(t, p, rows(1101, 1110))
	r.step(3)
	r.clock = r.clock.Add(2 * time.Minute)
	r.step(3)
	r.wantRows(1, 1110)
}

// TestCopySeenEmpty: a copy in another directory is seen when it has no content yet.
func TestCopySeenEmpty(t *testing.T) {
	for _, glob := range []string{"app.log", "**/app*"} {
		for _, removed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, removed %v", glob, removed), func(t *testing.T) {
				dir := t.TempDir()
				p, old := filepath.Join(dir, "app.log"), filepath.Join(dir, "old", "app.log.1")
				if err := os.Mkdir(filepath.Dir(old), 0o755); err != nil {
					t.Fatal(err)
				}
				write(t, p, rows(1, 1000))
				r := newRig(t, Config{Path: filepath.Join(dir, glob)})
				r.step(2)
				rename(t, p, p+".tmp")
				write(t, p, rows(1001, 1010))
				write(t, old, "")
				r.step(1)
				copyFile(t, p+".tmp", old)
				if !removed {
					r.step(1)
				}
				remove(t, p+".tmp")
				r.step(4)
				r.clock = r.clock.Add(2 * time.Minute)
				r.step(4)
				r.wantRows(1, 1010)
			})
		}
	}
}

// TestKeptOpenWhileNamesMoved: what was opened at a name while names were moving turns out
// to be a copy, or the compressed form, of what is followed or has ended.
func TestKeptOpenWhileNamesMoved(t *testing.T) {
	for _, form := range []string{"copy", "compressed", "of one that ended"} {
		t.Run(form, func(t *testing.T) {
			dir := t.TempDir()
			p := filepath.Join(dir, "app.log")
			write(t, p, rows(1, 1000))
			r := newRig(t, Config{Path: filepath.Join(dir, "app*")})
			r.step(2)
			beside := filepath.Join(dir, "beside")
			if form == "compressed" {
				if err := os.WriteFile(beside, packers[0].compressed(t, p), 0o644); err != nil {
					t.Fatal(err)
				}
			} else {
				copyFile(t, p, beside)
			}
			if form == "of one that ended" {
				remove(t, p)
				r.clock = r.clock.Add(2 * time.Minute)
				r.step(3)
			}
			h, st, err := r.set.openRetry(beside)
			if err != nil {
				t.Fatal(err)
			}
			sl := r.set.slotOf(p + ".1")
			r.set.holdOpen(sl, &arrival{st: st, h: h, name: p + ".1"}, nil)
			write(t, p+".1", rows(1001, 1010))
			r.step(4)
			r.wantRows(1, 1010)
		})
	}
}

// TestFoundWithItsCopy: of two files that nobody saw before and that have the same content,
// as after renamecopy while the agent was behind, one is read.
func TestFoundWithItsCopy(t *testing.T) {
	dir := t.TempDir()
	p, old := filepath.Join(dir, "app.log"), filepath.Join(dir, "old")
	if err := os.Mkdir(old, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, p, rows(1, 100))
	r := newRig(t, Config{Path: p})
	r.step(2)
	rename(t, p, old+"/app.log.2")
	write(t, p, rows(101, 200))
	rename(t, p, p+".1")
	copyFile(t, p+".1", old+"/app.log.1")
	write(t, p, rows(201, 210))
	r.step(4)
	r.clock = r.clock.Add(2 * time.Minute)
	r.step(4)
	r.wantRows(1, 210)
}

// TestCopySeenByALaterRun: the copy of a generation appears under a name that the glob
// matches when that generation has ended, and the agent was restarted meanwhile.
func TestCopySeenByALaterRun(t *testing.T) {
	const per = 300
	for _, restarts := range []int{0, 1, 2} {
		for _, compressed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d restarts, compressed %v", restarts, compressed), func(t *testing.T) {
				dir, away := t.TempDir(), t.TempDir()
				p, copied := filepath.Join(dir, "app.log"), filepath.Join(away, "copy")
				if err := os.Mkdir(filepath.Join(dir, "kept"), 0o755); err != nil {
					t.Fatal(err)
				}
				write(t, p, rows(1, per))
				r := newRig(t, Config{Path: filepath.Join(dir, "**/app*")})
				r.step(2)
				for n := 1; n <= 3; n++ {
					copyFile(t, p, copied)
					if compressed {
						packers[0].compress(t, copied, copied+".gz", true)
					}
					remove(t, p)
					write(t, p, rows(n*per+1, n*per+per))
					r.clock = r.clock.Add(2 * time.Minute)
					r.step(3)
					for range restarts {
						r.restart()
						r.step(2)
					}
					name := filepath.Join(dir, "kept", fmt.Sprintf("app-%d.txt", n))
					if compressed {
						rename(t, copied+".gz", name+".gz")
					} else {
						rename(t, copied, name)
					}
					r.step(3)
				}
				r.step(3)
				r.wantRows(1, 4*per)
				if n := r.unreadable(); n != 0 {
					t.Errorf("%d bytes counted as unreadable, none were lost", n)
				}
			})
		}
	}
}

// TestCopyOfWhatWasNotDelivered: what was handed out of a generation and not delivered when
// the run ended is read from its copy, and what was delivered is not.
func TestCopyOfWhatWasNotDelivered(t *testing.T) {
	dir, away := t.TempDir(), t.TempDir()
	p, copied := filepath.Join(dir, "app.log"), filepath.Join(away, "copy")
	write(t, p, rows(1, 300))
	r := newRig(t, Config{Path: filepath.Join(dir, "app*")})
	r.step(2)
	r.outage = true
	write(t, p, rows(301, 400))
	r.step(2)
	copyFile(t, p, copied)
	remove(t, p)
	r.clock = r.clock.Add(2 * time.Minute)
	write(t, p, rows(401, 500))
	r.step(12)
	r.restart()
	r.got = slices.DeleteFunc(r.got, func(l string) bool { return l > "row 00000300" })
	r.outage = false
	r.step(3)
	rename(t, copied, filepath.Join(dir, "apparently-other"))
	r.step(3)
	slices.Sort(r.got)
	r.wantRows(1, 500)
}

// TestNamesOutliveTheRun: names that old generations were seen under are known to a later
// run, which was away over rotations.
func TestNamesOutliveTheRun(t *testing.T) {
	for _, lasting := range []bool{true, false} {
		dir := t.TempDir()
		p, archive := filepath.Join(dir, "app.log"), filepath.Join(dir, "were")
		if err := os.Mkdir(archive, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, p, rows(1, 10))
		r := newRig(t, Config{Path: p})
		r.step(2)
		rename(t, p, archive+"/app-1.txt")
		write(t, p, rows(11, 20))
		r.step(2)
		if len(r.cfg.Memory.Names) == 0 {
			r.cfg.Memory.Names = nil
		}
		r.stop()
		if !lasting {
			r.cfg.Memory = Memory{}
		}
		rename(t, p, archive+"/app-2.txt")
		write(t, p, rows(21, 30))
		rename(t, p, archive+"/app-3.txt")
		write(t, p, rows(31, 40))
		r.begin()
		r.step(4)
		if lasting {
			r.wantRows(1, 40)
		} else if len(r.got) == 40 {
			t.Error("the test shows nothing: the names are known without what was learned")
		}
	}
}
