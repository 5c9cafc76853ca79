package tui

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestFilesOfTwoConsolesAreNeverMixed(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, prefsFile)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				if err := replaceFile(name, bytes.Repeat([]byte{'a' + byte(i)}, 1000*(i+1))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if want := bytes.Repeat(data[:1], 1000*(int(data[0]-'a')+1)); !bytes.Equal(data, want) {
		t.Errorf("%d bytes of more than one writer", len(data))
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
