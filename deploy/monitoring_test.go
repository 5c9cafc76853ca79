package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"logctl/agent/state"
	"logctl/internal/manual"
)

// expressions collects every text under a key "expr" or "query" of a document.
func expressions(v any, key string, out *[]string) {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			expressions(inner, k, out)
		}
	case []any:
		for _, inner := range v {
			expressions(inner, key, out)
		}
	case string:
		if key == "expr" || key == "query" {
			*out = append(*out, v)
		}
	}
}

var (
	seriesName = regexp.MustCompile(`\blogctl_\w+`)
	selector   = regexp.MustCompile(`\b(logctl_\w+)\{([^}]*)\}`)
	labelMatch = regexp.MustCompile(`(\w+)(=~|!~|!=|=)"([^"]*)"`)
	grouping   = regexp.MustCompile(`\b(?:by|without) \(([^)]*)\)`)
	legend     = regexp.MustCompile(`\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}`)
)

// TestMonitoringNamesWhatExists holds alerts and dashboards to the series, labels and states
// that agents serve.
func TestMonitoringNamesWhatExists(t *testing.T) {
	known := map[string][]string{}
	var labels []string
	for _, s := range manual.Metrics() {
		known[s.Name] = append(s.Labels, "instance", "job") // Prometheus adds two
		labels = append(labels, known[s.Name]...)
	}
	if len(known) < 15 {
		t.Fatalf("only %d series are known", len(known))
	}
	var states []string
	for _, row := range state.Table() {
		states = append(states, string(row.Code))
	}
	files, err := filepath.Glob("grafana/*.json")
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range append(files, "alerts.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var doc any
		if strings.HasSuffix(file, ".json") {
			err = json.Unmarshal(data, &doc)
		} else {
			err = yaml.Unmarshal(data, &doc)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		var list []string
		expressions(doc, "", &list)
		if len(list) < 6 {
			t.Errorf("%s: only %d expressions", file, len(list))
		}
		for _, e := range list {
			for _, name := range seriesName.FindAllString(e, -1) {
				if known[name] == nil {
					t.Errorf("%s: no agent serves %s, in %q", file, name, e)
				}
			}
			for _, m := range selector.FindAllStringSubmatch(e, -1) {
				for _, l := range labelMatch.FindAllStringSubmatch(m[2], -1) {
					if !slices.Contains(known[m[1]], l[1]) {
						t.Errorf("%s: %s has no label %s, in %q", file, m[1], l[1], e)
					}
					if l[1] != "state" {
						continue
					}
					for _, s := range strings.Split(l[3], "|") {
						if !slices.Contains(states, s) {
							t.Errorf("%s: there is no state %q, in %q", file, s, e)
						}
					}
				}
			}
			for _, m := range grouping.FindAllStringSubmatch(e, -1) {
				for _, l := range strings.Split(m[1], ",") {
					if !slices.Contains(labels, strings.TrimSpace(l)) {
						t.Errorf("%s: no series has the label %q, in %q", file, l, e)
					}
				}
			}
		}
		for _, m := range legend.FindAllStringSubmatch(string(data), -1) {
			if !slices.Contains(labels, m[1]) {
				t.Errorf("%s: a text names the label %q, which no series has", file, m[1])
			}
		}
	}
}

// TestAlertsFire gives the rules series of a fleet in trouble: each alert fires when it
// should, and not before (alerts_test.yaml, by Prometheus's own promtool).
func TestAlertsFire(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("no promtool here (Debian: apt-get install prometheus)")
	}
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	rules, err := os.ReadFile("alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile("alerts_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(rules), -1) {
		if !strings.Contains(string(tests), "alertname: "+m[1]) {
			t.Errorf("alerts_test.yaml does not try %s", m[1])
		}
	}
}
