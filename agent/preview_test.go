package agent

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"logctl/agent/state"
	"logctl/etcdcfg"
)

func TestPreviewEntry(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("a.log", "")
	b := write("b.log", "2026 one\n  more of it\n2026 DEBUG two\n2026 three\n")
	c := write("c.gz", "packed")
	refused := write("d.log", "secret\n")
	e := etcdcfg.Entry{Path: dir + "/*", Topic: "t", Exclude: []string{dir + "/*.gz"}, ExcludeLines: []string{"DEBUG"}, Multiline: &etcdcfg.Multiline{Start: "^2026"}}
	p, err := PreviewEntry(t.Context(), e, Access{Allowed: func(path string) error {
		if path == refused {
			return ErrNotAllowed
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Matches != 3 || slices.ContainsFunc(p.Files, func(f PreviewFile) bool { return f.Path == c }) {
		t.Errorf("matches %+v", p.Files)
	}
	if last := p.Files[2]; last.Path != refused || !strings.HasPrefix(last.Error, "not allowed") || last.State != state.NotAllowed {
		t.Errorf("%+v", last)
	}
	if p.Of != b || p.Filtered != 1 || !slices.Equal(p.Records, []string{"2026 one\n  more of it", "2026 three"}) {
		t.Errorf("%+v", p)
	}
	if _, err := PreviewEntry(t.Context(), etcdcfg.Entry{Path: dir + "/*", Topic: "t", IncludeLines: []string{"("}}, Access{}); err == nil {
		t.Error("a bad expression is no error")
	}
	if p, err := PreviewEntry(t.Context(), etcdcfg.Entry{Path: dir + "/none/*", Topic: "t"}, Access{}); err != nil || p.Matches != 0 || p.Of != "" {
		t.Errorf("nothing matches: %+v, %v", p, err)
	}
}
