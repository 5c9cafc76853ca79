package manual

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDependenciesAreExplained holds docs/dependencies.md to what go.mod asks for directly.
func TestDependenciesAreExplained(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	direct := regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(string(mod), -1)
	if len(direct) < 30 {
		t.Fatalf("only %d direct dependencies found in go.mod", len(direct))
	}
	for _, m := range direct {
		// The page writes relatives by their last parts: `github.com/spf13/cobra`, `pflag`.
		parts := strings.Split(m[1], "/")
		short := strings.Join(parts[len(parts)-1:], "/")
		if regexp.MustCompile(`^v\d+$`).MatchString(short) {
			short = strings.Join(parts[len(parts)-2:], "/")
		}
		if !strings.Contains(string(page), short+"`") {
			t.Errorf("docs/dependencies.md does not say what %s is for", m[1])
		}
	}
}
