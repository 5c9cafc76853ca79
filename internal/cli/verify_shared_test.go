package cli

import (
	"testing"

	"logctl/internal/config"
)

// An agent with a name of its own in [agent] host writes that into its records, so that is
// the name to look for.
func TestRecordsHostIsTheAgents(t *testing.T) {
	c := &config.Config{}
	if got := recordsHost("").name(c); got != hostname() {
		t.Errorf("%q", got)
	}
	c.Agent.Host = "web-7"
	if got := recordsHost("").name(c); got != "web-7" {
		t.Errorf("%q, want the agent's", got)
	}
	if got := recordsHost("other").name(c); got != "other" {
		t.Errorf("%q, want what was asked for", got)
	}
}
