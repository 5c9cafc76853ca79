package positions

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"logctl/agent/tail"
)

func TestMovePlans(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.log"), filepath.Join(dir, "b.log")
	text := strings.Repeat("0123456789abcde\n", 1000) // 16 bytes a line
	for _, path := range []string{a, b} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	states := []tail.State{
		{ID: tail.FileID{Ino: 1}, Path: a, Pos: 8000, Size: 16000, HeadLen: 1024, HeadHash: 7, MarkLen: 64, MarkHash: 9, Part: 2},
		{ID: tail.FileID{Ino: 2}, Path: b, Pos: 12000, Size: 16000, HeadLen: 1024, Skipped: 10000},
	}
	for _, tt := range []struct {
		name string
		move Move
		want []Change
	}{
		{"beginning", Move{To: ToBeginning}, []Change{{Path: a, From: 8000, Again: 8000, Size: 16000}, {Path: b, From: 12000, First: 10000, Again: 2000, Size: 16000}}},
		{"one file", Move{To: ToBeginning, File: a}, []Change{{Path: a, From: 8000, Again: 8000, Size: 16000}}},
		{"a glob", Move{To: ToBeginning, File: dir + "/b*"}, []Change{{Path: b, From: 12000, First: 10000, Again: 2000, Size: 16000}}},
		{"what was skipped", Move{To: ToSkipped}, []Change{{Path: b, From: 12000, First: 10000, Again: 2000, Size: 16000}}},
		{"middle of a line", Move{To: ToPosition, Pos: 4009, File: a}, []Change{{Path: a, From: 8000, To: 4000, Again: 4000, Size: 16000}}},
		{"start of a line", Move{To: ToPosition, Pos: 4000, File: a}, []Change{{Path: a, From: 8000, To: 4000, Again: 4000, Size: 16000}}},
		{"end", Move{To: ToEnd, File: a}, []Change{{Path: a, From: 8000, To: 16000, Passed: 8000, Size: 16000}}},
		{"where it is", Move{To: ToPosition, Pos: 8000, File: a}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.move.Plan(states)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreUnexported(Change{})); diff != "" {
				t.Error(diff)
			}
			for _, c := range got {
				if c.state.Part != 0 || c.state.MarkLen != 0 || c.state.HeadLen != 1024 || c.state.Pos != c.To || c.state.Skipped > c.To {
					t.Errorf("state %+v", c.state)
				}
			}
		})
	}
	if _, err := (Move{To: ToBeginning, File: "/other"}).Plan(states); !errors.Is(err, ErrNoFile) {
		t.Errorf("another file: %v", err)
	}
	for _, bad := range []Move{{To: "elsewhere"}, {To: ToPosition, Pos: 99999}, {To: ToPosition, Pos: -1}} {
		if _, err := bad.Plan(states); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
}

func TestRewriteAndForgetAreOnDisk(t *testing.T) {
	dir := t.TempDir()
	open := func() *Registry {
		t.Helper()
		r, err := Open(dir, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := open()
	st := tail.State{ID: tail.FileID{Ino: 1}, Path: "/a", Pos: 500, Size: 500, HeadLen: 500}
	if err := r.Register("k", []tail.State{st}); err != nil {
		t.Fatal(err)
	}
	plan, err := Move{To: ToBeginning}.Plan(r.States("k"))
	if err != nil || len(plan) != 1 {
		t.Fatalf("%+v, %v", plan, err)
	}
	if err := r.Rewrite("k", plan); err != nil {
		t.Fatal(err)
	}
	if err := r.db.Close(); err != nil { // as a kill does: nothing more is written
		t.Fatal(err)
	}
	r = open()
	if got := r.States("k"); len(got) != 1 || got[0].Pos != 0 || got[0].HeadLen != 500 {
		t.Fatalf("%+v", got)
	}
	if err := r.Forget("k"); err != nil {
		t.Fatal(err)
	}
	if err := r.Forget("k"); !errors.Is(err, ErrNoFile) {
		t.Errorf("forgotten twice: %v", err)
	}
	if err := r.db.Close(); err != nil {
		t.Fatal(err)
	}
	r = open()
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	if r.Known("k") {
		t.Error("still known")
	}
}
