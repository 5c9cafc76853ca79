package state

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write docs/states.md")

func TestDocument(t *testing.T) {
	const page = "../../docs/states.md"
	if *update {
		if err := os.WriteFile(page, []byte(Markdown()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != Markdown() {
		t.Error("docs/states.md is not what the table says: go test ./agent/state -update")
	}
}
