package deploy

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"logctl/agent/state"
	"logctl/internal/config"
)

// section finds where the sample's sections begin.
var section = regexp.MustCompile(`(?m)^\[(\w+)\]$`)

func TestSampleConfigIsAcceptedAsItIs(t *testing.T) {
	if _, err := config.Load(config.Sources{File: "config.ini"}); err != nil {
		t.Fatal(err)
	}
}

func TestSampleConfigIsAcceptedWithEveryKeySet(t *testing.T) {
	data, err := os.ReadFile("config.ini")
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/config.ini"
	all := regexp.MustCompile(`(?m)^;(\w+ =)`).ReplaceAll(data, []byte("$1"))
	// A password needs its file: the sample has none to offer.
	all = regexp.MustCompile(`(?m)^(sasl|username|password)\w* =.*$`).ReplaceAll(all, nil)
	if err := os.WriteFile(file, all, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(config.Sources{File: file}); err != nil {
		t.Fatal(err)
	}
}

// Every key there is stands in the sample, in its section, with its default.
func TestSampleConfigHoldsEveryKeyWithItsDefault(t *testing.T) {
	data, err := os.ReadFile("config.ini")
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string][]byte{}
	at := section.FindAllSubmatchIndex(data, -1)
	for i, m := range at {
		end := len(data)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		parts[string(data[m[2]:m[3]])] = data[m[1]:end]
	}
	lines := 0
	for _, key := range config.Known() {
		want := ";" + key.Name + " ="
		if key.Default != "" {
			want += " " + key.Default
		}
		if key.Name == "allow_paths" {
			want += " /var/log/**" // an example says more than an empty list
		}
		if !bytes.Contains(parts[key.Section], []byte("\n"+want+"\n")) {
			t.Errorf("config.ini, section [%s]: no line %q", key.Section, want)
		}
		lines++
	}
	if n := len(regexp.MustCompile(`(?m)^;\w+ =`).FindAll(data, -1)); n != lines {
		t.Errorf("config.ini shows %d keys, there are %d", n, lines)
	}
}

// The alert for entries that collect nothing names every state of a task that is a problem.
func TestAlertsNameEveryProblem(t *testing.T) {
	data, err := os.ReadFile("alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, r := range state.Table() {
		if !r.Agent && r.Severity == state.Bad {
			words = append(words, string(r.Code))
		}
	}
	if want := `logctl_task_state{state=~"` + strings.Join(words, "|") + `"} == 1`; !bytes.Contains(data, []byte(want)) {
		t.Errorf("alerts.yaml lacks %s", want)
	}
}
