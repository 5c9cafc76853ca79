package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// results is everything measured in one run of bench.
type results struct {
	began    time.Time
	order    []string // subjects in the order first seen
	runs     map[string][]shipped
	failures []string
	configs  []namedConfig
	bars     []bar
	notes    []string // tables of other parts, ready to print
}

type namedConfig struct{ name, config string }

// bar is one figure against what the project asks of itself.
type bar struct {
	what   string
	figure string
	value  float64
	want   string
	limit  float64
	atMost bool // the value must not exceed the limit
}

func (b bar) met() bool {
	if b.atMost {
		return b.value <= b.limit
	}
	return b.value >= b.limit
}

func (r *results) add(name string, one shipped) {
	if r.runs == nil {
		r.runs = map[string][]shipped{}
	}
	if _, seen := r.runs[name]; !seen {
		r.order = append(r.order, name)
	}
	r.runs[name] = append(r.runs[name], one)
}

func (r *results) fail(name string, err error) {
	first, _, _ := strings.Cut(err.Error(), "\n")
	r.failures = append(r.failures, name+": "+first)
}

// middle is the median of the runs' figures, each by itself.
func (r *results) middle(name string) (shipped, bool) {
	runs := r.runs[name]
	if len(runs) == 0 {
		return shipped{}, false
	}
	return shipped{
		rate:  median(runs, func(s shipped) float64 { return s.rate }),
		cpu:   median(runs, func(s shipped) float64 { return s.cpu }),
		peak:  median(runs, func(s shipped) int64 { return s.peak }),
		whole: median(runs, func(s shipped) time.Duration { return s.whole }),
		lines: runs[0].lines,
	}, true
}

func median[T any, V cmp.Ordered](items []T, of func(T) V) V {
	values := make([]V, len(items))
	for i, item := range items {
		values[i] = of(item)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func (r *results) most(name string) float64 {
	var most int64
	for _, one := range r.runs[name] {
		most = max(most, one.peak)
	}
	return float64(most) / 1e6
}

// write prints the results as Markdown.
func (r *results) write(ctx context.Context, w io.Writer, o options) {
	fmt.Fprintf(w, "# Results\n\nMade by `make bench` on %s. %s\n\n", r.began.UTC().Format("2006-01-02 15:04 UTC"), machine())
	if len(r.bars) > 0 {
		fmt.Fprintf(w, "## Against the bars\n\n| what | measured | bar | met |\n|---|---|---|---|\n")
		for _, b := range r.bars {
			met := "yes"
			if !b.met() {
				met = "**no**"
			}
			fmt.Fprintf(w, "| %s | %s | %s | %s |\n", b.what, b.figure, b.want, met)
		}
		fmt.Fprintln(w)
	}
	if len(r.order) > 0 {
		r.writeThroughput(w, o)
	}
	for _, note := range r.notes {
		fmt.Fprintf(w, "%s\n\n", strings.TrimSpace(note))
	}
	if len(r.failures) > 0 {
		fmt.Fprintf(w, "## Failed\n\n")
		for _, f := range r.failures {
			fmt.Fprintf(w, "- %s\n", f)
		}
		fmt.Fprintln(w)
	}
	r.writeVersions(ctx, w, o)
	for i, c := range r.configs {
		if i == 0 {
			fmt.Fprintf(w, "## What each ran with\n\n")
		}
		fmt.Fprintf(w, "%s:\n\n```\n%s\n```\n\n", c.name, strings.TrimSpace(c.config))
	}
}

func (r *results) writeThroughput(w io.Writer, o options) {
	fmt.Fprintf(w, "## Throughput\n\n%d lines of %d bytes in one file, topic of 3 partitions, acks=all, medians of %d rounds in turn.\n"+
		"Rate: between the first and the last record. CPU: user and system over the whole run, per 10^9 bytes of the file.\n\n", o.lines, lineBytes, o.rounds)
	raw, _ := r.middle("raw limit, 3 partitions")
	kcat, _ := r.middle("kcat")
	fmt.Fprintf(w, "| | lines/s | to raw | to kcat | CPU s/GB | to kcat | peak RSS MB | whole run s |\n|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, name := range r.order {
		m, _ := r.middle(name)
		fmt.Fprintf(w, "| %s | %.0f | %s | %s | %.2f | %s | %.0f | %.2f |\n", name, m.rate, ratio(m.rate, raw.rate), ratio(m.rate, kcat.rate),
			m.cpu, ratio(m.cpu, kcat.cpu), float64(m.peak)/1e6, m.whole.Seconds())
	}
	fmt.Fprintln(w)
}

func ratio(a, b float64) string {
	if b == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", a/b)
}

// machine says what kind of machine this is without naming it.
func machine() string {
	model := "unknown CPU"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(info), "model name"); ok {
			line, _, _ := strings.Cut(rest, "\n")
			model = strings.TrimSpace(strings.TrimLeft(line, "\t :"))
		}
	}
	memory := ""
	if info, err := os.ReadFile("/proc/meminfo"); err == nil {
		memory = fmt.Sprintf(", %.0f GB memory", float64(kilobytes(info, "MemTotal:"))/1e9)
	}
	return fmt.Sprintf("%s/%s, %d cores (%s)%s; Kafka, etcd and all programs share them.", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), model, memory)
}

func (r *results) writeVersions(ctx context.Context, w io.Writer, o options) {
	fmt.Fprintf(w, "## Versions\n\n- %s, sarama %s, hpcloud/tail v1.0.0, nxadm/tail v1.4.11\n", runtime.Version(), moduleVersion("github.com/IBM/sarama"))
	for _, p := range []struct {
		prefix, program string
		args            []string
	}{
		{"logctl", o.logctl, []string{"version"}}, {"kcat", "kcat", []string{"-V"}}, {"Fluent Bit", "fluent-bit", []string{"--version"}},
		{"Vector", "vector", []string{"--version"}}, {"rsyslog", "rsyslogd", []string{"-v"}}, {"syslog-ng", "syslog-ng", []string{"--version"}},
	} {
		if p.program != "" && slices.ContainsFunc(r.order, func(name string) bool { return strings.HasPrefix(name, p.prefix) }) {
			fmt.Fprintf(w, "- %s: %s\n", p.prefix, version(ctx, p.program, p.args...))
		}
	}
	fmt.Fprintf(w, "- Apache Kafka: the version in .ci/kafka/pom.xml, one broker, KRaft\n\n")
}
