package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// versionCount is how many agents on duty run a version.
type versionCount struct {
	version string
	agents  int
}

// versionsOf counts the versions of the agents on duty, the most frequent first.
func versionsOf(agents []agentRow) []versionCount {
	counts := map[string]int{}
	for i := range agents {
		if agents[i].present && agents[i].version != "" {
			counts[agents[i].version]++
		}
	}
	out := make([]versionCount, 0, len(counts))
	for v, n := range counts {
		out = append(out, versionCount{v, n})
	}
	slices.SortFunc(out, func(a, b versionCount) int {
		return cmp.Or(cmp.Compare(b.agents, a.agents), cmp.Compare(a.version, b.version))
	})
	return out
}

// versionsText says how the versions of a fleet differ: "3 versions: 0.2.0 on 11, 0.1.0
// on 1, ...". It is empty where all agents run the same one.
func versionsText(list []versionCount) string {
	const shown = 3
	if len(list) < 2 {
		return ""
	}
	parts := make([]string, 0, shown+1)
	for i, v := range list {
		if i == shown {
			parts = append(parts, "...")
			break
		}
		parts = append(parts, fmt.Sprintf("%s on %d", clean(v.version), v.agents))
	}
	return fmt.Sprintf("%d versions: %s", len(list), strings.Join(parts, ", "))
}

// buildText is the version of an agent with what it was built from.
func (r *agentRow) buildText() string {
	text := "version " + clean(r.version)
	if r.commit != "" {
		text += " (commit " + clean(r.commit[:min(len(r.commit), 12)])
		if r.built != "" {
			text += " of " + clean(r.built[:min(len(r.built), len("2006-01-02"))])
		}
		text += ")"
	}
	return text
}
