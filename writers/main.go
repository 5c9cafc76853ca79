package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// options are the flags.
type options struct {
	logctl, cache, results, page string
	only, modes                  string
	lines, pause, size, group    int
	packages, keep, report       bool
}

func main() {
	var o options
	flag.StringVar(&o.logctl, "logctl", "../logctl", "the built binary")
	flag.StringVar(&o.cache, "cache", "../.cache/writers", "where the writers are installed")
	flag.StringVar(&o.results, "results", "../.cache/writers/results.jsonl", "where each result is appended")
	flag.StringVar(&o.page, "page", "../docs/writers.md", "the page that is written from all results")
	flag.StringVar(&o.only, "only", "", "a regular expression: only writers whose names match")
	flag.StringVar(&o.modes, "modes", strings.Join(modes, ","), "modes to run")
	flag.IntVar(&o.lines, "lines", 8000, "lines each writer writes")
	flag.IntVar(&o.pause, "pause", 1000, "microseconds between two lines")
	flag.IntVar(&o.size, "size", 64<<10, "bytes after which a writer rotates")
	flag.IntVar(&o.group, "group", 8, "writers that run side by side")
	flag.BoolVar(&o.packages, "packages", false, "install the Debian packages first")
	flag.BoolVar(&o.keep, "keep", false, "keep the directories of runs that were not clean")
	flag.BoolVar(&o.report, "report", false, "only write the page")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.main(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "writers:", err)
		os.Exit(1)
	}
}

func (o options) main(ctx context.Context) error {
	for _, p := range []*string{&o.logctl, &o.cache, &o.results, &o.page} {
		abs, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = abs
	}
	if !o.report {
		if err := o.runAll(ctx); err != nil {
			return err
		}
	}
	return writePage(o.results, o.page)
}

// runAll runs the chosen writers in groups, in each mode, and appends the results.
func (o options) runAll(ctx context.Context) error {
	only, err := regexp.Compile(o.only)
	if err != nil {
		return err
	}
	var chosen []writer
	want := map[string]bool{}
	for _, w := range catalog() {
		if only.MatchString(w.Name) {
			chosen, want[w.Driver] = append(chosen, w), true
		}
	}
	if err := os.MkdirAll(o.cache, 0o755); err != nil {
		return err
	}
	drivers, err := filepath.Abs("drivers")
	if err != nil {
		return err
	}
	tools, err := install(ctx, drivers, o.cache, want, o.packages)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(o.results, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	bad := 0
	for _, mode := range strings.Split(o.modes, ",") {
		for group := range slices.Chunk(chosen, o.group) {
			n, err := o.one(ctx, tools, mode, group, json.NewEncoder(out))
			if err != nil {
				return err
			}
			bad += n
		}
	}
	if bad > 0 {
		fmt.Printf("%d results are not clean\n", bad)
	}
	return nil
}

// one runs a group in one mode, prints and keeps its results, and returns how many
// are not clean.
func (o options) one(ctx context.Context, t tools, mode string, group []writer, out *json.Encoder) (int, error) {
	dir, err := os.MkdirTemp("", "logctl-writers-")
	if err != nil {
		return 0, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // PostgreSQL runs as a user of its own
		return 0, err
	}
	r := &run{options: o, tools: t, mode: mode, writers: group, dir: dir}
	results, err := r.do(ctx)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", mode, err)
	}
	bad := 0
	for _, res := range results {
		if err := out.Encode(res); err != nil {
			return 0, err
		}
		mark := "ok "
		if !res.clean() {
			mark, bad = "BAD", bad+1
		}
		fmt.Printf("%s %-8s %-4s %-32s lost %5d  gone %5d  twice %5d  late %5d  noise %4d %s%s\n",
			mark, res.Mode, res.Entry, res.Writer, res.Lost, res.Gone, res.Twice, res.Late, res.Noise, res.Failed, res.odd)
	}
	if bad > 0 && o.keep {
		fmt.Println("kept:", dir)
		return bad, nil
	}
	return bad, os.RemoveAll(dir)
}
