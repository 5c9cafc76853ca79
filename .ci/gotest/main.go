// Command gotest reads `go test -json` on stdin, prints one line for each
// package and the whole output of each failed test, and closes with the totals.
// It exits 1 when anything failed or no test ran.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

// run collects what the events say.
type run struct {
	passed, failed, skipped, packages int
	output                            map[string][]string // package and test -> what it printed
	badPackage                        bool
}

func main() {
	r := run{output: map[string][]string{}}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 64<<20)
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Println(in.Text()) // not an event: the go command itself speaks
			continue
		}
		r.take(e)
	}
	if err := in.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		os.Exit(1)
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	if r.failed > 0 || r.badPackage || r.passed == 0 {
		os.Exit(1)
	}
}

func (r *run) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "output", "build-output":
		if e.Action == "build-output" {
			fmt.Print(e.Output)
		} else {
			r.output[key] = append(r.output[key], e.Output)
		}
		return
	case "pass", "fail", "skip":
	default:
		return
	}
	if e.Test == "" {
		r.endPackage(e, key)
		return
	}
	switch e.Action {
	case "pass":
		r.passed++
	case "skip":
		r.skipped++
		fmt.Printf("skip  %s %s: %s\n", e.Package, e.Test, reason(r.output[key]))
	case "fail":
		r.failed++
		fmt.Printf("FAIL  %s %s (%.1fs)\n%s", e.Package, e.Test, e.Elapsed, strings.Join(r.output[key], ""))
	}
	delete(r.output, key)
}

// endPackage prints the package's line. A failed package shows what it printed
// outside its tests, and what tests that never ended printed: a panic or a race.
func (r *run) endPackage(e event, key string) {
	r.packages++
	switch e.Action {
	case "fail":
		r.badPackage = true
		fmt.Printf("FAIL  %s (%.1fs)\n", e.Package, e.Elapsed)
		for k, lines := range r.output {
			if k == key || strings.HasPrefix(k, e.Package+" ") {
				fmt.Print(strings.Join(lines, ""))
				delete(r.output, k)
			}
		}
	case "pass":
		cached := ""
		for _, line := range r.output[key] {
			if strings.Contains(line, "(cached)") {
				cached = " (cached)"
			}
		}
		fmt.Printf("ok    %s %.1fs%s\n", e.Package, e.Elapsed, cached)
	}
	delete(r.output, key)
}

// reason is the line a test gave when it skipped.
func reason(lines []string) string {
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "---") && !strings.HasPrefix(line, "===") {
			return line
		}
	}
	return "no reason given"
}
