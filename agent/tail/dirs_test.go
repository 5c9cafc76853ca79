package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"logctl/agent/tail/internal/fsys"
	"logctl/internal/testkit"
)

// TestManyQuietDirectories: of very many directories where nothing happens, a part is looked
// at in each scan, as long as changes are told of. What comes to one of them is found at
// once when it is told, and within ten scans when it is not.
func TestManyQuietDirectories(t *testing.T) {
	testkit.NotUnderWine(t, testkit.WineIsSlow)
	const dirs = 700
	root := t.TempDir()
	dir := func(n int) string { return filepath.Join(root, fmt.Sprintf("d%03d", n)) }
	for n := range dirs {
		if err := os.Mkdir(dir(n), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir(0)+"/app.log", "L00000001\n")
	looks := 0
	r := &rig{t: t, cfg: Config{Path: filepath.Join(root, "**/*.log")}, clock: time.Now().Add(time.Minute), pause: time.Second, states: map[FileID]State{}, trusts: true}
	r.sys.Adapt = func(st *fsys.Stat) {
		if st.Dir {
			looks++
		}
	}
	r.open()
	t.Cleanup(func() { _ = r.set.Close() })
	r.set.counters.Watching = "notify"
	r.step(2)
	looks = 0
	r.step(10)
	if looks > 4*dirs {
		t.Errorf("%d looks at %d directories in ten scans where nothing happens", looks, dirs)
	}
	told := dir(333) + "/app.log"
	write(t, told, "L00000002\n")
	r.set.named[dir(333)] = []string{dir(333)}
	r.set.event(fsys.Event{Dir: dir(333), Name: told, Op: fsnotify.Create})
	r.set.openInbox()
	r.set.checkDirty()
	r.read()
	if len(r.got) != 2 {
		t.Errorf("%d lines when the second file was told of", len(r.got))
	}
	write(t, dir(334)+"/app.log", "L00000003\n")
	r.step(10)
	sub := filepath.Join(dir(335), "new")
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, sub+"/app.log", "L00000004\n")
	r.set.full = true // as when a name that came may be a directory
	r.step(1)
	r.numbers(4)
}
