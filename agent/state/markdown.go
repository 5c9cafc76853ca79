package state

import (
	"fmt"
	"strings"
)

// Markdown is the page docs/states.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString(`# States

Written from the table in agent/state by ` + "`go test ./agent/state -update`" + `: change it there.

One place in the agent decides how a task stands, from what its files, its topic and the
brokers say (` + "`agent/state`" + `). Reports, presences, ` + "`/metrics`" + `, ` + "`/readyz`" + `, the agent's log,
` + "`logctl status`" + ` and the console show the same state: a word, since when, the file it is about,
and the reason in full. A *problem* makes ` + "`logctl status`" + ` exit 1.

## States of an entry on an agent
`)
	rows := func(agent bool) {
		b.WriteString("\n| state | severity | what it means | what to do |\n|---|---|---|---|\n")
		for _, r := range Table() {
			if r.Agent == agent {
				fmt.Fprintf(&b, "| **%s** | %s | %s | %s |\n", r.Code, r.Severity, r.Meaning, r.Do)
			}
		}
	}
	rows(false)
	b.WriteString("\n## States of an agent\n")
	rows(true)
	b.WriteString("\nWords of single files, in the console and in reports: reading, idle, queued (waits for its turn),\n" +
		"waiting for older file (the file that had the name before is read first), rotated (another file has\n" +
		"its name now), deleted, or an error in words.\n")
	return b.String()
}
