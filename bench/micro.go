package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// micro runs the Go benchmarks of the path of a line: the splitter, the window of
// unacknowledged lines and the batch builder, with their allocations.
func (l *lab) micro(ctx context.Context, r *results) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^Benchmark(Split|Read|Line|Window|Batch)$", "-benchmem",
		"./agent/tail", "./agent", "./agent/ship")
	cmd.Dir = ".."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go test -bench: %w: %s%s", err, out, stderr.String())
	}
	var kept []string
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Benchmark") {
			kept = append(kept, strings.Join(strings.Fields(line), " "))
		}
	}
	r.notes = append(r.notes, "## The path of a line, in Go's benchmarks\n\n```\n"+strings.Join(kept, "\n")+"\n```")
	return nil
}
