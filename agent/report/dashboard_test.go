package report

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// registry is that of an agent's metrics alone.
func registry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(newCollector(sample))
	return reg
}

// TestDashboardAndAlertsNameMetricsThatExist looks at every metric of ours that they ask for.
func TestDashboardAndAlertsNameMetricsThatExist(t *testing.T) {
	list, err := registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, f := range list {
		known = append(known, f.GetName())
	}
	files, err := filepath.Glob("../../deploy/grafana/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	for _, file := range append(files, "../../deploy/alerts.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`\blogctl_[a-z_]+`).FindAllString(string(text), -1)
		if len(names) == 0 {
			t.Errorf("%s asks for no metric", file)
		}
		for _, n := range names {
			if !slices.Contains(known, n) {
				t.Errorf("%s asks for %s, which does not exist", file, n)
			}
		}
	}
}
