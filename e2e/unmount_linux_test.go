package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"logctl/internal/testkit"
)

// TestUnmount is about file systems that an operator takes away.
func TestUnmount(t *testing.T) {
	runAll(t, []scenario{
		{name: "pause_and_unmount", done: "a mount is busy while its file is followed; with its entry paused it is unmounted, written to and rotated elsewhere, mounted again, and the resumed entry goes on where it was", run: pauseAndUnmount},
	})
}

func pauseAndUnmount(w *world) {
	disk, mnt := w.path("disk"), w.path("mnt")
	w.must(os.MkdirAll(disk, 0o755))
	w.must(os.MkdirAll(mnt, 0o755))
	mount := func() {
		if err := unix.Mount(disk, mnt, "", unix.MS_BIND, ""); err != nil {
			w.t.Skipf("a directory may not be mounted here: %v", err)
		}
	}
	mount()
	w.t.Cleanup(func() { _ = unix.Unmount(mnt, unix.MNT_DETACH) })
	l := newLedger()
	wr := w.writer(l, "disk/app.log")
	wr.lines(100)
	wr.rotate(".1")
	wr.lines(100)
	path := filepath.Join(mnt, "app.log*")
	topic, agent := w.follow(path)
	w.awaitLanded(200, topic)
	if err := unix.Unmount(mnt, 0); !errors.Is(err, unix.EBUSY) {
		w.t.Errorf("while a file on it is followed, unmounting gives %v", err)
	}
	paused := collect(path, topic)
	paused["disabled"] = true
	w.put(paused)
	testkit.Eventually(w.t, "the file system can be unmounted", func() bool {
		return unix.Unmount(mnt, 0) == nil
	})
	wr.lines(100)
	wr.shift(3)
	wr.reopen()
	wr.lines(100)
	mount()
	w.put(collect(path, topic))
	w.awaitLanded(400, topic)
	wr.lines(10)
	w.awaitLanded(410, topic)
	agent.stop()
	w.clean(newCounter(l), topic)
}
