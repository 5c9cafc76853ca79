package fsys

import (
	"errors"
	"testing"
)

func TestBudgetOfDescriptors(t *testing.T) {
	b := newBudget(10)
	files := map[string]int{"a": 6, "b": 5, "c": 4}
	names := func(dir string) ([]string, error) { return make([]string, files[dir]), nil }
	if err := b.take("a", names); err != nil {
		t.Fatal(err)
	}
	if err := b.take("a", names); err != nil {
		t.Fatalf("a directory is counted twice: %v", err)
	}
	var many *ManyFilesError
	if err := b.take("b", names); !errors.As(err, &many) || many.Files != 5 {
		t.Fatalf("11 files of 10: %v", err)
	}
	if err := b.take("c", names); err != nil {
		t.Fatal(err)
	}
	b.give("a")
	if err := b.take("b", names); err != nil {
		t.Fatalf("after a was given back: %v", err)
	}
	if err := newBudget(0).take("a", names); err != nil {
		t.Fatal(err)
	}
}

// TestBudgetOfADirectoryThatGrows: files that come later take descriptors too, and those
// that go give them back.
func TestBudgetOfADirectoryThatGrows(t *testing.T) {
	b := newBudget(3)
	if err := b.take("a", func(string) ([]string, error) { return make([]string, 2), nil }); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		dir  string
		by   int
		room bool
	}{{"a", 1, true}, {"a", -1, true}, {"a", 1, true}, {"other", 1, true}, {"a", 1, false}, {"a", -1, true}} {
		if got := b.changed(c.dir, c.by); got != c.room {
			t.Errorf("change %d of %s: room %v", i, c.dir, got)
		}
	}
	b.give("a")
	if b.sum != 0 || len(b.files) != 0 {
		t.Errorf("%d files are counted of directories that are not watched", b.sum)
	}
}
