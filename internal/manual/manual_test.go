package manual

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPagesAreCurrent(t *testing.T) {
	for name, want := range Pages() {
		got, err := os.ReadFile(filepath.Join("../../docs", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("docs/%s is not what the program says: run `make docs`\n%s", name, cmp.Diff(string(got), string(want)))
		}
	}
}

func TestManPagesAndCompletions(t *testing.T) {
	dir := t.TempDir()
	man, completions := filepath.Join(dir, "man"), filepath.Join(dir, "completions")
	day := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	if err := WriteMan(man, day); err != nil {
		t.Fatal(err)
	}
	if err := WriteCompletions(completions); err != nil {
		t.Fatal(err)
	}
	agent, err := os.ReadFile(filepath.Join(man, "logctl-agent.1"))
	if err != nil || !bytes.Contains(agent, []byte(`"Nov 2026"`)) || !bytes.Contains(agent, []byte("print\\-config")) && !bytes.Contains(agent, []byte("print-config")) {
		t.Errorf("%v\n%s", err, agent)
	}
	script := filepath.Join(completions, "logctl.bash")
	if bash, err := exec.LookPath("bash"); err == nil {
		if out, err := exec.Command(bash, "-n", script).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
	again := filepath.Join(dir, "again")
	if err := WriteMan(again, day); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"logctl.1", "logctl-agent.1", "logctl-tail-topic.1"} {
		a, _ := os.ReadFile(filepath.Join(man, name))
		b, _ := os.ReadFile(filepath.Join(again, name))
		if len(a) == 0 || !bytes.Equal(a, b) {
			t.Errorf("%s: %d bytes, and %d the second time", name, len(a), len(b))
		}
	}
}

// TestIndexNamesEveryPage holds docs/README.md to the pages there are.
func TestIndexNamesEveryPage(t *testing.T) {
	index, err := os.ReadFile("../../docs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if name := filepath.Base(page); name != "README.md" && !bytes.Contains(index, []byte("("+name+")")) {
			t.Errorf("docs/README.md does not name %s", name)
		}
	}
	for _, m := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllSubmatch(index, -1) {
		if _, err := os.Stat(filepath.Join("../../docs", string(m[1]))); err != nil {
			t.Errorf("docs/README.md: %v", err)
		}
	}
}
