//go:build !windows

package cli

import (
	"slices"
	"strings"
	"testing"
)

func TestServiceArguments(t *testing.T) {
	s := serviceSpec{name: "logctl-b", config: `C:\ProgramData\logctl\b.ini`, args: []string{"--id", "web-07"}}
	want := []string{"service", "run", "--name", "logctl-b", "--config", `C:\ProgramData\logctl\b.ini`, "--id", "web-07"}
	if got := s.arguments(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestServiceElsewhere says what runs the agent on systems without such services.
func TestServiceElsewhere(t *testing.T) {
	b := &bench{}
	for _, args := range [][]string{{"service", "install"}, {"service", "start"}, {"service", "status"}, {"service", "run"}} {
		if r := b.run(t, "", args...); r.code != ExitUsage || !strings.Contains(r.err, "systemd") {
			t.Errorf("%v: %+v", args, r)
		}
	}
}
