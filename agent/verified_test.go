package agent

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"logctl/agent/report"
)

// TestVerifiedIsReported: what verify left in the data directory is in the next report, an
// entry that was not looked at again keeps what was found of it, and what is no such file
// says nothing.
func TestVerifiedIsReported(t *testing.T) {
	dir, now := t.TempDir(), time.Now().UTC()
	v := verified{dir: dir}
	if got := v.of(); len(got) != 0 {
		t.Errorf("before the first run: %v", got)
	}
	save := func(list ...report.Verified) {
		t.Helper()
		if err := SaveVerified(dir, list); err != nil {
			t.Fatal(err)
		}
		// Times of files may be coarse: the next one is another time for certain.
		now = now.Add(time.Second)
		if err := os.Chtimes(filepath.Join(dir, verifiedName), now, now); err != nil {
			t.Fatal(err)
		}
	}
	save(report.Verified{Path: "/a", Topic: "t", At: now, Files: 3}, report.Verified{Path: "/old", Topic: "t", At: now.Add(-keepVerified), Files: 1})
	save(report.Verified{Path: "/b", Topic: "t", At: now, Bytes: 9, Missing: 2})
	got := v.of()
	if len(got) != 2 || got[[2]string{"/a", "t"}].Text() != "nothing missing in 3 files" || !got[[2]string{"/b", "t"}].Bad() {
		t.Errorf("%+v", got)
	}
	if err := os.WriteFile(filepath.Join(dir, verifiedName), []byte("not JSON"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	if err := os.Chtimes(filepath.Join(dir, verifiedName), now, now); err != nil {
		t.Fatal(err)
	}
	if got := v.of(); len(got) != 0 {
		t.Errorf("of a file that is none: %v", got)
	}
	save(report.Verified{Path: "/a", Topic: "t", At: now, Twice: 4})
	if got := v.of()[[2]string{"/a", "t"}]; got == nil || got.Text() != "4 records twice" || got.Bad() {
		t.Errorf("%+v", got)
	}
}
