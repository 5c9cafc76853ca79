// Command results turns the results file of the scenarios (LOGCTL_RESULTS) into
// RESULTS.md: a table of the cases of the acceptance list, what was done in each, and
// what was written, lost, duplicated, garbled and reordered.
//
//	LOGCTL_RESULTS=results.jsonl go test ./e2e/
//	go run ./e2e/results -in results.jsonl -out e2e/RESULTS.md
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	in := flag.String("in", "", "results file of the scenarios (JSON lines)")
	out := flag.String("out", "", "file to write; empty: stdout")
	on := flag.String("on", "the embedded servers", "what the scenarios ran on, in words")
	flag.Parse()
	if err := run(*in, *out, *on); err != nil {
		fmt.Fprintln(os.Stderr, "results:", err)
		os.Exit(1)
	}
}

func run(in, out, on string) error {
	f, err := os.Open(in)
	if err != nil {
		return fmt.Errorf("open the results file: %w; run the scenarios with LOGCTL_RESULTS=FILE first", err)
	}
	rows, err := read(f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	var b bytes.Buffer
	write(&b, rows, on, time.Now().UTC())
	if out == "" {
		_, err = os.Stdout.Write(b.Bytes())
	} else {
		err = os.WriteFile(out, b.Bytes(), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

// story is what a scenario says about itself.
type story struct {
	Cases string `json:"cases"`
	Done  string `json:"done"`
}

// verdict is what a scenario counted.
type verdict struct {
	Written    int `json:"written"`
	Lost       int `json:"lost"`
	Duplicated int `json:"duplicated"`
	Garbled    int `json:"garbled"`
	Reordered  int `json:"reordered"`
}

// line is one line of the results file: a story, a verdict, or both.
type line struct {
	Scenario string `json:"scenario"`
	Passed   bool   `json:"passed"`
	Skipped  bool   `json:"skipped"`
	Written  *int   `json:"written"`
	verdict
	story
}

// row is one scenario.
type row struct {
	scenario string
	story
	verdict
	counted bool // it has a verdict
	failed  bool
	skipped bool
}

// read collects the lines of each scenario. A scenario that was run more than once
// counts as its last run would, but a failure of any run stays.
func read(r io.Reader) ([]row, error) {
	byName := map[string]*row{}
	var order []string
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		var l line
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("results file, line %d: %w", n, err)
		}
		rw := byName[l.Scenario]
		if rw == nil {
			rw = &row{scenario: l.Scenario, story: known()[l.Scenario]}
			byName[l.Scenario] = rw
			order = append(order, l.Scenario)
		}
		rw.failed = rw.failed || !l.Passed && !l.Skipped
		rw.skipped = l.Skipped
		if l.Done != "" {
			rw.story = l.story
		}
		if l.Written != nil {
			l.verdict.Written = *l.Written
			if rw.counted && rw.verdict != l.verdict { // several topics counted apart
				rw.add(l.verdict)
			} else {
				rw.verdict, rw.counted = l.verdict, true
			}
		}
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("results file: %w", err)
	}
	rows := make([]row, 0, len(order))
	for _, name := range order {
		rows = append(rows, *byName[name])
	}
	return rows, nil
}

func (r *row) add(v verdict) {
	r.Written += v.Written
	r.Lost += v.Lost
	r.Duplicated += v.Duplicated
	r.Garbled += v.Garbled
	r.Reordered += v.Reordered
}

// verdictWord is the last column.
func (r *row) verdictWord() string {
	switch {
	case r.failed:
		return "**failed**"
	case r.skipped:
		return "skipped"
	default:
		return "passed"
	}
}

func write(b *bytes.Buffer, rows []row, on string, now time.Time) {
	total, failed, skipped := verdict{}, 0, 0
	covered := map[string]bool{}
	for i := range rows {
		r := &rows[i]
		total.Written += r.Written
		total.Lost += r.Lost
		if r.failed {
			failed++
		}
		if r.skipped {
			skipped++
		}
		if !r.failed && !r.skipped {
			for _, c := range strings.Fields(r.Cases) {
				covered[c] = true
			}
		}
	}
	fmt.Fprintf(b, "# What was tried, and what came of it\n\nMade by `make results` on %s, %s/%s, on %s.\n\n", now.Format("2006-01-02 15:04 UTC"), runtime.GOOS, runtime.GOARCH, on)
	fmt.Fprintf(b, "%d scenarios through the built agent, %d failed, %d skipped; %d lines written, %d lost.\n", len(rows), failed, skipped, total.Written, total.Lost)
	b.WriteString(`
Lines are numbered when they are written and counted when they are read back from the
topics. A scenario passes when nothing is lost, garbled or reordered, and nothing is
duplicated either unless the agent was killed, its positions were destroyed, or its
output is not to be acknowledged for certain: then duplicates are at most what was on
its way. Scenarios without lines are about what the agent says and how it ends.
`)
	for _, g := range groups() {
		writeGroup(b, g, rows, covered)
	}
	var rest []row
	for _, r := range rows {
		if r.Cases == "" {
			rest = append(rest, r)
		}
	}
	if len(rest) > 0 {
		b.WriteString("\n## Beyond the list\n\n")
		table(b, rest)
	}
}

func writeGroup(b *bytes.Buffer, g group, rows []row, covered map[string]bool) {
	var mine []row
	for _, r := range rows {
		if strings.HasPrefix(r.Cases, g.letter) {
			mine = append(mine, r)
		}
	}
	slices.SortStableFunc(mine, func(x, y row) int { return strings.Compare(x.Cases, y.Cases) })
	fmt.Fprintf(b, "\n## %s: %s\n\n", g.letter, g.title)
	if len(mine) > 0 {
		table(b, mine)
	}
	var not []string
	for n := 1; n <= g.cases; n++ {
		id := fmt.Sprintf("%s%02d", g.letter, n)
		if why, ok := notApplicable()[id]; ok {
			not = append(not, fmt.Sprintf("- %s does not apply: %s.", id, why))
		} else if !covered[id] {
			not = append(not, fmt.Sprintf("- %s: no scenario passed in this run.", id))
		}
	}
	if len(not) > 0 {
		fmt.Fprintf(b, "\n%s\n", strings.Join(not, "\n"))
	}
}

func table(b *bytes.Buffer, rows []row) {
	b.WriteString("| case | scenario | what is done | written | lost | duplicated | garbled | reordered | verdict |\n")
	b.WriteString("|---|---|---|--:|--:|--:|--:|--:|---|\n")
	for i := range rows {
		r := &rows[i]
		counts := "| | | |"
		if r.counted {
			counts = fmt.Sprintf("%d | %d | %d | %d | %d", r.Written, r.Lost, r.Duplicated, r.Garbled, r.Reordered)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", r.Cases, title(r.scenario), cell(r.Done), counts, r.verdictWord())
	}
}

// title is the name of a scenario for readers: without Test and underscores.
func title(name string) string {
	name = strings.TrimPrefix(name, "Test")
	if _, sub, ok := strings.Cut(name, "/"); ok {
		name = sub
	}
	return strings.ReplaceAll(name, "_", " ")
}

func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
