package deploy

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"slices"
	"testing"
)

// TestPlist reads the launchd file: well-formed, each key with its value, the agent as the
// program, and a time to drain that launchd keeps.
func TestPlist(t *testing.T) {
	f, err := os.Open("org.logctl.agent.plist")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var texts []string
	keys, values := 0, 0
	for d := xml.NewDecoder(f); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			switch x.Name.Local {
			case "key":
				keys++
			case "string", "integer", "true", "false", "array", "dict":
				values++
			}
		case xml.CharData:
			texts = append(texts, string(x))
		}
	}
	const inArray, outermost = 4, 1
	if values != keys+inArray+outermost {
		t.Errorf("%d keys, %d values", keys, values)
	}
	for _, want := range []string{"agent", "--config", "KeepAlive", "ExitTimeOut"} {
		if !slices.Contains(texts, want) {
			t.Errorf("%s is not in it", want)
		}
	}
}
