// Command matrix runs the built logctl against real servers of many versions and writes
// what it found into the table of docs/servers.md. It is no part of CI: it fetches the
// servers from Maven, the Go proxy and Debian, and takes some minutes.
//
//	make servers-matrix                                   # everything
//	make servers-matrix MATRIX_FLAGS="-only kafka-3.9.1"  # one row; the others stay as they are
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

var kafkaVersions = []string{"2.4.1", "2.8.2", "3.3.2", "3.9.1", "4.0.1", "4.1.1", "4.2.1", "4.3.1", "4.4.0"}

// etcdVersions are built from the Go proxy, but for the one that Debian has.
var etcdVersions = []string{"3.4.23-debian", "3.5.21", "3.6.16", "3.7.3", "kine-0.17.5"}

// columns of the table, in order.
var columns = []string{"agent", "tail-topic", "console", "once-delivery", "TLS", "SASL", "ACL"}

// lab is where everything of one run stands.
type lab struct {
	root   string // of the repository
	cache  string // fetched and built servers
	dir    string // scratch of this run
	logctl string
	lines  int
}

// row is what was found on one server: ok, a failure in words, or a dash for what the
// server does not have; by column.
type row struct {
	server string
	cells  map[string]string
	date   string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	only := flag.String("only", "", "comma separated rows: kafka-4.4.0, etcd-3.6.16, …; empty: all")
	out := flag.String("o", "docs/servers.md", "page whose table is written; empty: print only")
	logctl := flag.String("logctl", "logctl", "the built binary")
	lines := flag.Int("lines", 20_000, "lines of each half of the agent's file")
	flag.Parse()
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	l := &lab{root: root, cache: filepath.Join(root, ".cache", "matrix"), logctl: filepath.Join(root, *logctl), lines: *lines}
	if l.dir, err = os.MkdirTemp("", "matrix-"); err != nil {
		return err
	}
	defer os.RemoveAll(l.dir)
	wanted := func(name string) bool { return *only == "" || slices.Contains(strings.Split(*only, ","), name) }
	var rows []row
	var errs []error
	for _, v := range kafkaVersions {
		if name := "kafka-" + v; wanted(name) && ctx.Err() == nil {
			r, err := l.kafkaRow(ctx, v)
			rows, errs = append(rows, r), append(errs, err)
		}
	}
	for _, v := range etcdVersions {
		if name := "etcd-" + v; wanted(name) && ctx.Err() == nil {
			r, err := l.etcdRow(ctx, v)
			rows, errs = append(rows, r), append(errs, err)
		}
	}
	for _, name := range loginRows {
		if wanted(name) && ctx.Err() == nil {
			r, err := l.loginRow(ctx, name)
			rows, errs = append(rows, r), append(errs, err)
		}
	}
	for _, r := range rows {
		fmt.Println(r.text())
	}
	if *out != "" {
		errs = append(errs, writeTable(*out, rows))
	}
	return errors.Join(append(errs, ctx.Err())...)
}

func (r *row) text() string {
	cells := make([]string, len(columns))
	for i, c := range columns {
		if cells[i] = r.cells[c]; cells[i] == "" {
			cells[i] = "–"
		}
	}
	return fmt.Sprintf("| %s | %s | %s |", r.server, strings.Join(cells, " | "), r.date)
}

// try runs the check of one cell and notes what it found.
func (r *row) try(column string, check func() error) error {
	began := time.Now()
	err := check()
	fmt.Fprintf(os.Stderr, "matrix: %s, %s: %v (%v)\n", r.server, column, err, time.Since(began).Round(100*time.Millisecond))
	if err == nil {
		r.cells[column] = "ok"
		return nil
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	r.cells[column] = "**no**: " + strings.ReplaceAll(first, "|", "/")
	return fmt.Errorf("%s, %s: %w", r.server, column, err)
}

// Marks between which the table stands in the page.
const (
	tableBegin = "<!-- make servers-matrix writes from here -->\n"
	tableEnd   = "<!-- to here -->\n"
)

// writeTable puts the rows into the page; rows of servers that were not run now stay.
func writeTable(path string, rows []row) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(page), tableBegin)
	old, tail, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for the table", path)
	}
	lines := map[string]string{}
	for _, line := range strings.Split(old, "\n") {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " |"); ok {
			lines[name] = line
		}
	}
	for _, r := range rows {
		lines[r.server] = r.text()
	}
	var b strings.Builder
	b.WriteString(head + tableBegin)
	b.WriteString("| server | " + strings.Join(columns, " | ") + " | on |\n|---" + strings.Repeat("|---", len(columns)+1) + "|\n")
	order := append(names("Kafka ", kafkaVersions), names("etcd ", etcdVersions)...)
	for _, name := range loginRows {
		order = append(order, loginNames[name])
	}
	for _, name := range order {
		if lines[name] != "" {
			b.WriteString(lines[name] + "\n")
		}
	}
	b.WriteString(tableEnd + tail)
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

func names(kind string, versions []string) []string {
	out := make([]string, len(versions))
	for i, v := range versions {
		out[i] = serverName(kind, v)
	}
	return out
}

func serverName(kind, version string) string {
	if name, ok := strings.CutPrefix(version, "kine-"); ok {
		return "kine " + name
	}
	if name, ok := strings.CutSuffix(version, "-debian"); ok {
		return kind + name + " (Debian)"
	}
	if kind == "Kafka " && strings.HasPrefix(version, "2.") {
		return kind + version + " (ZooKeeper)"
	}
	return kind + version
}

func today() string { return time.Now().UTC().Format("2006-01-02") }
