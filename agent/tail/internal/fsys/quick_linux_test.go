package fsys

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestQuick: what is read and seen the quick way is what is read and seen as usual.
func TestQuick(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "app.log")
	content := bytes.Repeat([]byte("0123456789abcdef"), quickMost/8)
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var q Quick
	var quickly, usual Stat
	if q.quickStat(f, &quickly) {
		t.Error("looked the quick way before a read showed that it may be")
	}
	b := make([]byte, quickMost)
	if n, ok := q.Read(f, b, 16); q == quickNo {
		t.Skip("the file system of the temporary directory has no reads without waiting")
	} else if !ok || n != len(b) || !bytes.Equal(b, content[16:][:n]) {
		t.Errorf("read %d bytes, %v", n, ok)
	}
	if n, ok := q.Read(f, b, int64(len(content)-5)); !ok || n != 5 || string(b[:5]) != "bcdef" {
		t.Errorf("at the end: read %q, %v", b[:n], ok)
	}
	if n, ok := q.Read(f, b, int64(len(content))); !ok || n != 0 {
		t.Errorf("past the end: read %q, %v", b[:n], ok)
	}
	if _, ok := q.Read(f, make([]byte, quickMost+1), 0); ok {
		t.Error("a large read was made the quick way")
	}
	if err := StatFile(f, &usual); err != nil || !q.quickStat(f, &quickly) || quickly != usual {
		t.Errorf("seen %+v and %+v, %v", quickly, usual, err)
	}
}

// TestQuickNot: a file that cannot be read without waiting is read as usual from then on.
func TestQuickNot(t *testing.T) {
	t.Parallel()
	f, err := os.Open("/proc/self/stat") // has no page cache
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var q Quick
	if n, ok := q.Read(f, make([]byte, 10), 0); ok || q != quickNo {
		t.Errorf("read %d bytes, %v; quick %d", n, ok, q)
	}
	if q.quickStat(f, new(Stat)) {
		t.Error("looked the quick way")
	}
}
