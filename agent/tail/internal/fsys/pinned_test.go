package fsys

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestClosedMeanwhile: a descriptor that another goroutine closes, because they are short,
// tells nothing from then on, not even when its number is that of another file.
func TestClosedMeanwhile(t *testing.T) {
	dir := t.TempDir()
	open := func(name, data string) *os.File {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := openShared(p)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for range 100 {
		f := open("a", "aaaa")
		var st Stat
		if err := StatFile(f, &st); err != nil {
			t.Fatal(err)
		}
		id, begun := st.ID, make(chan struct{})
		var looks sync.WaitGroup
		looks.Go(func() {
			close(begun)
			for {
				var st Stat
				var b [4]byte
				if err := StatFile(f, &st); err != nil {
					if !errors.Is(err, os.ErrClosed) || !IsDead(err) {
						t.Errorf("stat of a closed file: %v", err)
					}
					return
				}
				if n, err := ReadAt(f, b[:], 0); st.ID != id || err == nil && string(b[:n]) != "aaaa" {
					t.Errorf("it tells of another file: %v, %q", st.ID, b[:n])
					return
				}
				Birth(f)
				SeekData(f, 0)
				NameOf(f)
			}
		})
		<-begun
		_ = f.Close()
		other := open("b", "bbbbbbbb") // it takes the number
		looks.Wait()
		_ = other.Close()
	}
}
