package positions

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"
	"go.uber.org/goleak"

	"logctl/agent/tail"
	"logctl/internal/testkit/ceiling"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.DiscardHandler)

func open(t *testing.T, dir string) *Registry {
	t.Helper()
	r, err := Open(dir, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func state(ino uint64, pos int64) tail.State {
	return tail.State{
		ID: tail.FileID{Dev: 1, Ino: ino, Gen: 3}, Path: "/var/log/日志.log", Pos: pos, Part: 2, HeadLen: 5, HeadHash: 1<<63 + 1,
		MarkLen: 4, MarkHash: 1<<64 - 1, Size: 99, ModTime: time.Unix(5, 7).UTC(), Seen: time.Unix(6, 0).UTC(), Rotated: true,
	}
}

func TestStatesSurviveReopening(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	if r.Known("s") {
		t.Error("a source is known before it was registered")
	}
	if err := r.Register("s", []tail.State{state(1, 10)}); err != nil {
		t.Fatal(err)
	}
	r.Put("s", state(1, 20))
	r.Put("s", state(2, 5))
	r.Put("s", state(3, 5))
	r.Drop("s", state(3, 0).ID)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open(t, dir)
	defer r.Close()
	if !r.Known("s") || r.Known("other") {
		t.Error("what is known did not survive")
	}
	got := map[uint64]tail.State{}
	for _, st := range r.States("s") {
		got[st.ID.Ino] = st
	}
	if diff := cmp.Diff(map[uint64]tail.State{1: state(1, 20), 2: state(2, 5)}, got); diff != "" {
		t.Error(diff)
	}
}

// TestPathsAreBytes: names of files need not be UTF-8, and generations are told by them.
func TestPathsAreBytes(t *testing.T) {
	for _, path := range []string{"/\xc8\xd5\xd6\xbe.log", "/日志.log", "/new\nline.log", ""} {
		st := state(1, 10)
		st.Path = path
		got, err := decode(encode(st))
		if diff := cmp.Diff(st, got); err != nil || diff != "" {
			t.Errorf("%q: %v %s", path, err, diff)
		}
	}
}

func TestRegisterIsOnDiskAtOnce(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	if err := r.Register("s", []tail.State{state(1, 10)}); err != nil {
		t.Fatal(err)
	}
	// What a kill would leave: the file as it is now, nothing closed.
	data, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir()
	if err := os.WriteFile(filepath.Join(copied, FileName), data, 0o600); err != nil {
		t.Fatal(err)
	}
	after := open(t, copied)
	if len(after.States("s")) != 1 {
		t.Error("the state of a registered source is not on disk")
	}
	if err := errors.Join(after.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestSecondAgentIsKeptOut(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	defer r.Close()
	if _, err := Open(dir, quiet); !errors.Is(err, ErrLocked) {
		t.Errorf("got %v, want ErrLocked", err)
	}
}

func TestMoveAndExpire(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	if err := r.Register("old", []tail.State{state(1, 10)}); err != nil {
		t.Fatal(err)
	}
	if err := r.Register("stale", nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Move("old", "new"); err != nil {
		t.Fatal(err)
	}
	if err := r.Move("nothing", "new2"); err != nil || r.Known("new2") {
		t.Errorf("moving nothing: %v", err)
	}
	if err := r.Expire(time.Now().Add(time.Hour), func(key string) bool { return key == "new" }); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open(t, dir)
	defer r.Close()
	if r.Known("old") || r.Known("stale") || len(r.States("new")) != 1 {
		t.Errorf("got %v", r.Keys())
	}
}

// TestQuietSourceIsKept: how long positions are kept for an entry that comes back counts
// from when it left, however long its files had been quiet by then.
func TestQuietSourceIsKept(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		none := func(string) bool { return false }
		r := open(t, dir)
		for _, key := range []string{"left", "gone"} {
			if err := r.Register(key, []tail.State{state(1, 10)}); err != nil {
				t.Fatal(err)
			}
		}
		const day = 24 * time.Hour
		time.Sleep(40 * day)
		r.Leave("left")
		r.Leave("unknown")
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * day)
		r = open(t, dir)
		if err := r.Expire(time.Now().Add(-30*day), none); err != nil {
			t.Fatal(err)
		}
		if !r.Known("left") || r.Known("gone") || r.Known("unknown") {
			t.Errorf("20 days later: %v", r.Keys())
		}
		time.Sleep(20 * day)
		if err := r.Expire(time.Now().Add(-30*day), none); err != nil {
			t.Fatal(err)
		}
		if r.Known("left") {
			t.Error("40 days later it is still there")
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestMoveIsOneWrite: a kill in the middle of a move must not leave both sources, of which
// the old one would be taken up again, far behind, when the topic is changed back.
func TestMoveIsOneWrite(t *testing.T) {
	r := open(t, t.TempDir())
	defer r.Close()
	if err := r.Register("old", []tail.State{state(1, 10)}); err != nil {
		t.Fatal(err)
	}
	writes := func() (n int) {
		if err := r.db.View(func(tx *bbolt.Tx) error { n = tx.ID(); return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := writes()
	if err := r.Move("old", "new"); err != nil {
		t.Fatal(err)
	}
	if n := writes() - before; n != 1 {
		t.Errorf("%d writes", n)
	}
}

func TestRunFlushesInTheBackground(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.Put("s", state(1, 77))
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := r.db.Close(); err != nil { // no flush of Close: Run must have done it
		t.Fatal(err)
	}
	r = open(t, dir)
	defer r.Close()
	if got := r.States("s"); len(got) != 1 || got[0].Pos != 77 {
		t.Errorf("got %+v", got)
	}
}

func TestFirstWriteAfterSilenceIsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, t.TempDir())
		defer r.Close()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		unsaved := func() int {
			synctest.Wait()
			r.mu.Lock()
			defer r.mu.Unlock()
			return len(r.sources["s"].dirty)
		}
		for round := range 3 {
			r.Put("s", state(1, 10))
			if n := unsaved(); n != 0 {
				t.Errorf("round %d: %d states wait, want the first one after a silence saved at once", round, n)
			}
			r.Put("s", state(1, 20))
			time.Sleep(FlushInterval - time.Millisecond)
			if n := unsaved(); n != 1 {
				t.Errorf("round %d: %d states wait, want the second one to wait for the interval", round, n)
			}
			time.Sleep(time.Millisecond)
			if n := unsaved(); n != 0 {
				t.Errorf("round %d: %d states wait after the interval", round, n)
			}
			time.Sleep(time.Minute)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestUnreadableDatabaseIsSetAside(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"foreign":      func([]byte) []byte { return []byte("not a database, but somebody's precious file\n") },
		"empty":        func([]byte) []byte { return []byte{} },
		"cut short":    func(b []byte) []byte { return b[:len(b)/3] },
		"pages zeroed": func(b []byte) []byte { clear(b[8192:]); return b },
		"metas zeroed": func(b []byte) []byte { clear(b[:8192]); return b },
		"flipped":      func(b []byte) []byte { flip(b); return b },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := open(t, dir)
			if err := r.Register("s", []tail.State{state(1, 10)}); err != nil {
				t.Fatal(err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, FileName)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			bad := damage(data)
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			r = open(t, dir)
			defer r.Close()
			if r.SetAside() == "" || r.Known("s") {
				t.Fatalf("damage was not seen: %v", r.Keys())
			}
			kept, err := os.ReadFile(r.SetAside())
			if err != nil || !cmp.Equal(kept, bad) {
				t.Errorf("the bad file was not kept as it was: %v", err)
			}
			if err := r.Register("s", nil); err != nil {
				t.Errorf("the new database does not work: %v", err)
			}
		})
	}
}

func TestDatabaseOfAnotherProgramIsSetAside(t *testing.T) {
	dir := t.TempDir()
	db, err := bbolt.Open(filepath.Join(dir, FileName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("theirs"))
		return err
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	r := open(t, dir)
	defer r.Close()
	if r.SetAside() == "" {
		t.Error("it was taken for ours")
	}
}

// flip changes one byte within every stored state.
func flip(b []byte) {
	for i := range b {
		if i+4 < len(b) && string(b[i:i+4]) == "/var" {
			b[i] = '\\'
		}
	}
}

func TestDirectoryThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(file, "sub"), quiet); err == nil {
		t.Error("no error")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(state(1, 2)))
	f.Add([]byte("xxxx{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ceiling.Within(t, 128<<20, func() {
			st, err := decode(data)
			if err != nil {
				return
			}
			again, err := decode(encode(st))
			if err != nil || !cmp.Equal(st, again) {
				t.Errorf("%+v does not survive: %+v, %v", st, again, err)
			}
		})
	})
}

func TestAddNeverGoesBack(t *testing.T) {
	r := open(t, t.TempDir())
	r.Put("s", state(1, 20)) // acknowledged before the file was noted as new
	r.Add("s", state(1, 0))
	r.Add("s", state(2, 0))
	got := map[uint64]int64{}
	for _, st := range r.States("s") {
		got[st.ID.Ino] = st.Pos
	}
	if diff := cmp.Diff(map[uint64]int64{1: 20, 2: 0}, got); diff != "" {
		t.Error(diff)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}
