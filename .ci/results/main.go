// Command results turns the verdicts that the end-to-end scenarios append to
// LOGCTL_RESULTS into a Markdown table, and sums up.
//
//	results -servers "three Apache Kafka brokers, etcd" FILE > e2e/RESULTS.md
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// line is what the scenarios write: a verdict, or a story, or one after the other.
type line struct {
	Scenario   string
	Cases      string
	Done       string
	Passed     bool
	Skipped    bool
	Written    *int
	Lost       int
	Duplicated int
	Garbled    int
	Reordered  int
}

func main() {
	servers := flag.String("servers", "the embedded servers", "what the scenarios ran on")
	flag.Parse()
	if err := run(*servers, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "results:", err)
		os.Exit(1)
	}
}

func run(servers, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	rows := map[string]*line{}
	in := bufio.NewScanner(file)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var l line
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		merge(rows, l)
	}
	if err := in.Err(); err != nil {
		return err
	}
	print(servers, rows)
	return nil
}

// merge brings the lines of one scenario together; several verdicts are added up.
func merge(rows map[string]*line, l line) {
	row := rows[l.Scenario]
	if row == nil {
		row = &line{Scenario: l.Scenario, Passed: true}
		rows[l.Scenario] = row
	}
	row.Passed = row.Passed && (l.Passed || l.Skipped)
	row.Skipped = row.Skipped || l.Skipped
	if l.Cases != "" {
		row.Cases, row.Done = l.Cases, l.Done
	}
	if l.Written != nil {
		written := *l.Written
		if row.Written != nil {
			written += *row.Written
		}
		row.Written = &written
	}
	row.Lost += l.Lost
	row.Duplicated += l.Duplicated
	row.Garbled += l.Garbled
	row.Reordered += l.Reordered
}

func print(servers string, rows map[string]*line) {
	names := make([]string, 0, len(rows))
	var total line
	written, failed, skipped := 0, 0, 0
	for name, row := range rows {
		names = append(names, name)
		total.Lost += row.Lost
		total.Duplicated += row.Duplicated
		total.Garbled += row.Garbled
		total.Reordered += row.Reordered
		if row.Written != nil {
			written += *row.Written
		}
		switch {
		case row.Skipped:
			skipped++
		case !row.Passed:
			failed++
		}
	}
	slices.Sort(names)
	fmt.Printf("# What the scenarios lost\n\nMade by `make torture` on %s, %s/%s, on %s.\n\n", time.Now().UTC().Format("2006-01-02"), runtime.GOOS, runtime.GOARCH, servers)
	fmt.Printf("%d scenarios, %d failed, %d skipped: %d lines written, %d lost, %d garbled, %d reordered, %d duplicated (after crashes only).\n\n",
		len(names), failed, skipped, written, total.Lost, total.Garbled, total.Reordered, total.Duplicated)
	fmt.Println("| scenario | cases | what is done | written | lost | duplicated | garbled | reordered | |\n|---|---|---|--:|--:|--:|--:|--:|---|")
	for _, name := range names {
		row := rows[name]
		verdict := "ok"
		switch {
		case row.Skipped:
			verdict = "skipped"
		case !row.Passed:
			verdict = "**failed**"
		}
		counts := " | | | |"
		if row.Written != nil {
			counts = fmt.Sprintf("%d | %d | %d | %d | %d", *row.Written, row.Lost, row.Duplicated, row.Garbled, row.Reordered)
		}
		fmt.Printf("| %s | %s | %s | %s | %s |\n", strings.TrimPrefix(name, "Test"), row.Cases, row.Done, counts, verdict)
	}
}
