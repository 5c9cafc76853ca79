package positions

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// mapped returns how many KiB of a file are in the memory of this process.
func mapped(t *testing.T, path string) (kib int) {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Skip("this system does not tell what is mapped into a process, which is what the test looks at:", err)
	}
	ours := false
	for raw := range bytes.Lines(smaps) {
		line := strings.TrimSpace(string(raw))
		if line != "" && (line[0] < 'A' || line[0] > 'Z') {
			ours = strings.HasSuffix(line, " "+path)
		}
		var n int
		if _, err := fmt.Sscanf(line, "Rss: %d kB", &n); ours && err == nil {
			kib += n
		}
	}
	return kib
}

// TestALargeDatabaseStaysOnDisk: the positions of 5,000 entries stayed mapped, 25 MB of the
// memory that the agent was seen to take.
func TestALargeDatabaseStaysOnDisk(t *testing.T) {
	r := open(t, t.TempDir())
	defer r.Close()
	const sources = 4000
	save := func(pos int64) {
		for i := range sources {
			key := fmt.Sprintf("source %d", i)
			for ino := range uint64(8) {
				r.Put(key, state(ino, pos))
			}
		}
		if err := r.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	save(10)
	save(20)
	st, err := os.Stat(r.path)
	if err != nil {
		t.Fatal(err)
	}
	if st.Size() < 2*residentMost {
		t.Fatalf("the database has %d bytes: too few for this test", st.Size())
	}
	if kib := mapped(t, r.path); kib > residentMost>>10 {
		t.Errorf("%d KiB of %d are mapped", kib, st.Size()>>10)
	}
	for i := range sources {
		for _, s := range r.States(fmt.Sprintf("source %d", i)) {
			if s.Pos != 20 {
				t.Fatalf("source %d is at %d", i, s.Pos)
			}
		}
	}
}
