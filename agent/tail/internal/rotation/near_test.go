package rotation

import (
	"slices"
	"testing"
)

func TestNeighbours(t *testing.T) {
	for name, want := range map[string][]string{
		"app.2.log":          {"app.1.log", "app.3.log"},
		"app10.log":          {"app9.log", "app09.log", "app11.log"},
		"app1.log":           {"app.log", "app0.log", "app2.log"},
		"app.log":            {"app1.log", "app.1.log", "app-0.log", "app_1.log"},
		"app_00009.log":      {"app_00010.log", "app_00008.log"},
		"web-1.app.3.log":    {"web-1.app.2.log", "web-2.app.3.log"},
		"app-20260131.7.log": {"app-20260131.6.log", "app-20260131.8.log"},
	} {
		got := Neighbours(name)
		for _, w := range want {
			if !slices.Contains(got, w) {
				t.Errorf("%s: %q has no %s", name, got, w)
			}
		}
		if slices.Contains(got, name) || slices.Contains(got, "") {
			t.Errorf("%s: %q has itself or nothing", name, got)
		}
		for _, n := range got { // of two with as many digits each has the other
			if len(n) == len(name) && len(runs(n)) == len(runs(name)) && !slices.Contains(Neighbours(n), name) {
				t.Errorf("%s has the neighbour %s, which does not have it: %q", name, n, Neighbours(n))
			}
		}
	}
	if got := Neighbours("app-20260131.log"); slices.Contains(got, "app-20260130.log") {
		t.Errorf("a date counts as a number: %q", got)
	}
}
