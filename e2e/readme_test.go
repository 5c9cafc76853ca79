package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"logctl/internal/testkit"
)

// readmeCommands are the lines of a README's shell blocks.
func readmeCommands(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	in := false
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```"):
			in = line == "```sh"
		case in && line != "":
			out = append(out, line)
		}
	}
	return out
}

// TestReadmeCommands runs every command of the README as a reader would, with the
// addresses, the file and the topic of this test in place of the examples'.
func TestReadmeCommands(t *testing.T) {
	w := newWorld(t)
	topic := w.kafka.Topic(t, 3)
	log := w.path("syslog")
	l := newLedger()
	appendTo(t, log, l.lines("syslog", 100))
	replace := strings.NewReplacer("/var/log/syslog", log, "127.0.0.1:9092", strings.Join(w.kafka.Addrs(), ","),
		"127.0.0.1:2379", strings.Join(w.etcd.Endpoints(), ","), " syslog", " "+topic)
	env := []string{"LOGCTL_ETCD_COLLECT_KEY=" + w.key, "LOGCTL_AGENT_DATA_DIR=" + w.data, "LOGCTL_AGENT_ID=" + w.agentID()}
	done := map[string]bool{}
	for _, line := range readmeCommands(t, "../README.md") {
		args := strings.Fields(replace.Replace(line))
		name := strings.Join(strings.Fields(line)[:min(4, len(strings.Fields(line)))], " ")
		done[name] = true
		ok := t.Run(name, func(t *testing.T) {
			switch {
			case strings.HasPrefix(line, "go build -o logctl ."):
				buildAsTold(t)
			case strings.HasPrefix(line, "go run . demo"):
				runDemo(t, args[3:])
			case args[0] != "./logctl":
				t.Errorf("nobody tries %q", line)
			case args[1] == "entries":
				if p := start(t, env, args[1:]...); p.wait() != 0 {
					t.Errorf("exit code %d: %s", p.code, p.err.String())
				}
			case args[1] == "status":
				testkit.Eventually(t, "status is content", func() bool {
					p := start(t, env, args[1:]...)
					return p.wait() == 0 && strings.Contains(p.out.String(), topic)
				})
			case args[1] == "tui":
				p := start(t, env, args[1:]...)
				if code := p.wait(); code != 2 || strings.Count(p.err.String(), "\n") != 1 {
					t.Errorf("without a terminal: exit code %d, %q; want 2 and one line", code, p.err.String())
				}
			default:
				keepRunning(t, w, env, args[1:], func() { appendTo(t, log, l.lines("syslog", 10)) })
			}
		})
		if !ok {
			t.Fatalf("%s failed", line)
		}
	}
	for _, want := range []string{"go run . demo", "go build -o logctl", "./logctl status --kafka 127.0.0.1:9092", "./logctl agent --kafka 127.0.0.1:9092", "./logctl tail-topic syslog --kafka"} {
		if !done[want] {
			t.Errorf("the README does not say %q", want)
		}
	}
}

// said is what two READMEs must have in common, whatever their language.
type said struct {
	Commands []string // of the blocks that a reader runs
	Programs []string // commands of logctl that are listed
	Links    []string // to files of the repository, each once, sorted
	Figures  []string // of the promises and the measured table, in their order
	Sections int
}

var (
	readmeLink    = regexp.MustCompile(`\]\(([^)#:]+)\)`)
	readmeProgram = regexp.MustCompile(`(?m)^    (logctl [a-z-]+) `)
	readmeFigure  = regexp.MustCompile(`\d[\d,.]*\d|\d`)
)

func readSaid(t *testing.T, file string) said {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	s := said{Commands: readmeCommands(t, file), Programs: readmeProgram.FindAllString(text, -1), Sections: strings.Count(text, "\n## ")}
	for _, m := range readmeLink.FindAllStringSubmatch(text, -1) {
		if base := filepath.Base(m[1]); base != "README.md" && base != "README.zh-CN.md" { // each names the other
			s.Links = append(s.Links, m[1])
		}
	}
	slices.Sort(s.Links)
	s.Links = slices.Compact(s.Links)
	for row := range strings.Lines(text) {
		if strings.HasPrefix(row, "| ") && (strings.Contains(row, "2,000,000") || strings.Contains(row, " MB |") || strings.Contains(row, "kcat`") ||
			strings.Contains(row, "p99") || strings.Contains(row, "123 MB") || strings.Contains(row, "0.77") || strings.Contains(row, "0.26")) {
			s.Figures = append(s.Figures, readmeFigure.FindAllString(row, -1)...)
		}
	}
	return s
}

// TestReadmesAgree holds the Chinese README to the commands, the links, the sections and the
// figures of the English one, and both to the Go version of go.mod.
func TestReadmesAgree(t *testing.T) {
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindSubmatch(mod)
	files := [2]string{"../README.md", "../README.zh-CN.md"}
	var both [2]said
	for i, file := range files {
		both[i] = readSaid(t, file)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "Go "+string(version[1])) {
			t.Errorf("%s does not name Go %s", file, version[1])
		}
		for _, to := range both[i].Links {
			if _, err := os.Stat(filepath.Join("..", to)); err != nil {
				t.Errorf("%s links to %s: %v", file, to, err)
			}
		}
	}
	if len(both[0].Figures) < 20 || len(both[0].Programs) < 10 {
		t.Errorf("only %d figures, %d programs are found", len(both[0].Figures), len(both[0].Programs))
	}
	if d := cmp.Diff(both[0], both[1]); d != "" {
		t.Errorf("the READMEs differ (- English, + Chinese):\n%s", d)
	}
}

func buildAsTold(t *testing.T) {
	cmd := exec.Command("go", "build", "-o", filepath.Join(t.TempDir(), "logctl"), ".")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// runDemo runs the demo without a terminal, until its first records when it has no
// end of its own. It must end well and leave nothing behind.
func runDemo(t *testing.T, args []string) {
	tmp := t.TempDir()
	began := time.Now()
	p := start(t, []string{"TMPDIR=" + tmp}, args...)
	testkit.Eventually(t, "the first record is printed", func() bool { return strings.Contains(p.out.String(), "\n") })
	t.Logf("first record after %v", time.Since(began).Round(time.Millisecond))
	if !strings.Contains(strings.Join(args, " "), "--for") {
		p.signal(syscall.SIGINT)
	}
	if code := p.wait(); code != 0 {
		t.Errorf("exit code %d: %s", code, lastLines(p.err.String(), 5))
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// keepRunning leaves a command running beside the later ones: the agent ships while
// tail-topic reads.
func keepRunning(t *testing.T, w *world, env, args []string, write func()) {
	if args[0] == "agent" {
		// It must outlive the subtest, so the world's test owns it.
		start(w.t, env, args...)
		testkit.Eventually(t, "the agent is on duty", func() bool { _, ok := w.presence(); return ok })
		return
	}
	p := start(t, env, args...)
	testkit.Eventually(t, "tail-topic prints a record", func() bool {
		write()
		return strings.Contains(p.out.String(), "syslog ")
	})
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code != 0 {
		t.Errorf("exit code %d: %s", code, lastLines(p.err.String(), 5))
	}
}
