package tail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"logctl/internal/testkit"
)

// TestCopiedAwayUnderAGlob rotates as logrotate's renamecopy does, into an archive directory
// that the glob matches: the log is renamed, the writer opens a new one, the renamed one is
// copied and removed. Looks stand between the steps in each way there is, with a read
// after each or none, and with a restart after a step or none.
func TestCopiedAwayUnderAGlob(t *testing.T) {
	const steps = 6
	for looks := range 1 << steps {
		for _, restart := range []int{-1, looks % steps} {
			for _, reads := range []bool{true, false} {
				c := copiedAway{looks: looks, restart: restart, reads: reads}
				t.Run(fmt.Sprintf("looks %06b restart %d reads %v", looks, restart, reads), c.run)
			}
		}
	}
}

// copiedAway is one way in which looks and steps follow on one another.
type copiedAway struct {
	looks   int // a bit for each step that a look comes after
	restart int // after this step, -1: none
	reads   bool
}

func (c copiedAway) run(t *testing.T) {
	dir := t.TempDir()
	active, aside, old := filepath.Join(dir, "app.log"), filepath.Join(dir, "app.log.tmp"), filepath.Join(dir, "old", "app.log")
	l := testkit.NewLog(t, active)
	r := newRig(t, Config{Path: filepath.Join(dir, "**", "app*"), From: FromBeginning, FirstStart: true})
	for turn := range 3 {
		l.Lines(40)
		r.step(2)
		l.Lines(5)
		nextTick(t, dir)
		var whole []byte
		for i, step := range []func(){
			func() {
				for n := turn; n > 0; n-- {
					rename(t, fmt.Sprint(old, ".", n), fmt.Sprint(old, ".", n+1))
				}
				rename(t, active, aside)
			},
			func() { l.Reopen(); l.Lines(1) },
			func() {
				if err := os.Mkdir(filepath.Dir(old), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
					t.Fatal(err)
				}
				var err error
				if whole, err = os.ReadFile(aside); err != nil {
					t.Fatal(err)
				}
				write(t, old+".1", "")
			},
			func() { write(t, old+".1", string(whole[:len(whole)/2])) },
			func() { write(t, old+".1", string(whole[len(whole)/2:])) },
			func() { remove(t, aside) },
		} {
			step()
			if c.looks>>i&1 == 1 {
				r.scan()
				if c.reads {
					r.read()
				}
			}
			if c.restart == i {
				r.restart()
			}
		}
	}
	r.step(closedEvery + 4)
	r.numbers(3 * 46)
	if n := r.unreadable(); n != 0 {
		t.Errorf("%d bytes are said to be lost", n)
	}
}

// TestCopyThatEndsBefore restarts over two rotations by renamecopy of which the first copy ends
// before what was read: the writer wrote to the renamed file after the copying began.
func TestCopyThatEndsBefore(t *testing.T) {
	for _, path := range []string{"app.log", "**/app*"} {
		t.Run(path, func(t *testing.T) {
			dir := t.TempDir()
			active, aside, old := filepath.Join(dir, "app.log"), filepath.Join(dir, "app.log.tmp"), filepath.Join(dir, "old", "app.log")
			if err := os.Mkdir(filepath.Dir(old), 0o755); err != nil {
				t.Fatal(err)
			}
			l := testkit.NewLog(t, active)
			r := newRig(t, Config{Path: filepath.Join(dir, path), From: FromBeginning, FirstStart: true})
			l.Lines(300)
			r.step(2)
			rename(t, active, aside)
			copied, err := os.ReadFile(aside)
			if err != nil {
				t.Fatal(err)
			}
			l.Lines(20) // these stand nowhere in the end
			r.step(2)
			l.Reopen()
			l.Lines(300)
			r.step(2)
			r.stop()
			write(t, old+".1", string(copied))
			last, err := os.Stat(aside)
			if err == nil { // however long this test takes
				err = os.Chtimes(old+".1", last.ModTime(), last.ModTime())
			}
			if err != nil {
				t.Fatal(err)
			}
			remove(t, aside)
			rename(t, active, aside)
			l.Reopen()
			l.Lines(10)
			rename(t, old+".1", old+".2")
			if copied, err = os.ReadFile(aside); err != nil {
				t.Fatal(err)
			}
			write(t, old+".1", string(copied))
			remove(t, aside)
			r.begin()
			r.step(6)
			r.numbers(l.Next - 1)
			if n := r.unreadable(); n != 0 {
				t.Errorf("%d bytes are said to be lost", n)
			}
		})
	}
}
