// Command windows runs the windows/amd64 build of logctl under Wine, with writers of its
// own, against an etcd and a Kafka broker of this machine, and counts lines.
//
//	go run ./e2e/windows -exe logctl.exe -writer writer.exe -native logctl -prefix DIR
//
// One agent follows the files of all scenarios; it is killed once in the middle. For each
// scenario it prints lines written, lost and twice, and how often the writer was refused a
// file because another program, the agent, had it open. It exits 1 when a line was lost.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"logctl/internal/demo"
)

// scenario is one writer and the entry for its files.
type scenario struct {
	name string
	path string // of the entry, below the scenario's directory
	dir  string // below the root; empty: the name
	json string // more fields of the entry
	late bool   // begins when the second agent follows: its lines are gone for ever while none does
	what string
}

func scenarios() []scenario {
	long := strings.Repeat(strings.Repeat("d", 40)+`\`, 6)
	return []scenario{
		{name: "log4net", path: "app.log", what: "holds the file sharing read, shifts numbers"},
		{name: "log4net-minimal", path: "app.log", what: "opens for each line sharing read, shifts numbers"},
		{name: "nlog", path: "app.log", json: `,"rotated":["archives/*.log"]`, what: "opens for each line sharing all, archives into a directory"},
		{name: "serilog", path: "app_*.log", what: "a file of the next number, sharing read"},
		{name: "lumberjack", path: "app.log", what: "closes and renames to a name with the time"},
		{name: "iis", path: "u_ex*.log", what: "grown by 64 KiB of zeros, cut at the end"},
		{name: "exclusive", path: "app.log", what: "opens for each line without sharing"},
		{name: "replace", path: "app.log", late: true, what: "MoveFileEx over the only backup"},
		{name: "delete", path: "app.log", late: true, what: "deleted and made anew"},
		{name: "case", path: "s4.log", what: "the entry has another case than the file"},
		{name: "gbk", path: `*.LOG`, json: `,"encoding":"gbk"`, what: "GBK, a glob of another case"},
		{name: "longpath", path: long + "app.log", dir: `longpath\` + strings.TrimSuffix(long, `\`), what: "beyond 260 characters"},
	}
}

// run is one run of everything.
type run struct {
	exe, writer, native, prefix string
	lines                       int
	list                        []scenario
	servers                     *demo.Servers
}

func main() {
	r := &run{}
	flag.StringVar(&r.exe, "exe", "", "logctl.exe")
	flag.StringVar(&r.writer, "writer", "", "writer.exe")
	flag.StringVar(&r.native, "native", "", "logctl of this machine, which counts")
	flag.StringVar(&r.prefix, "prefix", "", "Wine prefix")
	flag.IntVar(&r.lines, "lines", 1000, "lines of each scenario")
	only := flag.String("only", "", "names of scenarios, with commas; empty: all")
	flag.Parse()
	for _, s := range scenarios() {
		if *only == "" || slices.Contains(strings.Split(*only, ","), s.name) {
			r.list = append(r.list, s)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	lost, err := r.all(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "windows:", err)
	}
	if err != nil || lost > 0 {
		os.Exit(1)
	}
}

// wine is a command under Wine, which is silent about itself.
func (r *run) wine(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "wine", args...)
	cmd.WaitDelay = time.Second // Wine's own processes keep the pipes of whoever started them
	cmd.Env = append(os.Environ(), "WINEPREFIX="+r.prefix, "WINEDEBUG=-all", "DISPLAY=")
	return cmd
}

func (s scenario) directory() string {
	if s.dir != "" {
		return `C:\Logs\` + s.dir
	}
	return `C:\Logs\` + s.name
}

// log is where the agents write what they have to say.
func (r *run) log() string { return filepath.Join(r.prefix, "agent.log") }

func (s scenario) topic() string { return "win-" + s.name }

func (r *run) all(ctx context.Context) (lost int, err error) {
	list := r.list
	opts := demo.Options{}
	entries := make([]string, 0, len(list))
	for _, s := range list {
		opts.Topics = append(opts.Topics, s.topic())
		path, err := json.Marshal(`c:\LOGS\` + s.name + `\` + s.path)
		if err != nil {
			return 0, err
		}
		entries = append(entries, fmt.Sprintf(`{"path":%s,"topic":%q,"from":"beginning"%s}`, path, s.topic(), s.json))
	}
	entries = append(entries, `{"path":"/var/log/app.log","topic":"`+list[0].topic()+`"}`) // of another host
	if r.servers, err = demo.StartServers(ctx, opts); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.servers.Close()) }()
	if err := r.apply(ctx, "["+strings.Join(entries, ",")+"]"); err != nil {
		return 0, err
	}
	// What an earlier run had said would let the writers begin before the agent follows.
	if err := os.Remove(r.log()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	refused := make([]string, len(list))
	written := make(chan struct{})
	var wg sync.WaitGroup
	errs := make([]error, len(list))
	begin := func(late bool) {
		for i, s := range list {
			if s.late == late {
				wg.Go(func() {
					ctx, done := context.WithCancel(ctx)
					defer done()
					if s.late {
						go r.report(ctx, s)
					}
					refused[i], errs[i] = r.write(ctx, s)
				})
			}
		}
		if late {
			go func() { wg.Wait(); close(written) }()
		}
	}
	if err := r.agent(ctx, 3*time.Second, begin, nil); err != nil { // killed in the middle
		return 0, err
	}
	if err := r.agent(ctx, 0, begin, written); err != nil {
		return 0, err
	}
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	fmt.Printf("| scenario | what | written | lost | twice | refused to the writer |\n|---|---|---|---|---|---|\n")
	for i, s := range list {
		l, twice, err := r.count(ctx, s)
		if err != nil {
			return lost, err
		}
		lost += l
		fmt.Printf("| %s | %s | %d | %d | %d | %s |\n", s.name, s.what, r.lines, l, twice, refused[i])
	}
	if n := r.try(ctx); n > 0 {
		return lost, fmt.Errorf("%d commands did not what they should", n)
	}
	return lost, nil
}

// report tells the writer of a scenario how many of its lines were shipped, until ctx ends.
func (r *run) report(ctx context.Context, s scenario) {
	path := filepath.Join(r.prefix, "drive_c", "Logs", s.name+".shipped")
	for ctx.Err() == nil {
		if lost, _, err := r.count(ctx, s); err == nil {
			err = errors.Join(os.WriteFile(path+".new", fmt.Append(nil, r.lines-lost), 0o600), os.Rename(path+".new", path))
			if err != nil {
				fmt.Fprintln(os.Stderr, "windows:", err)
			}
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// write runs the writer of a scenario, and returns how often it was refused a file.
func (r *run) write(ctx context.Context, s scenario) (refused string, err error) {
	out, err := r.wine(ctx, r.writer, s.name, s.directory(), fmt.Sprint(r.lines)).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("%w: %s", err, exit.Stderr)
	}
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return "", fmt.Errorf("writer of %s: %w", s.name, err)
	}
	_, refused, _ = strings.Cut(strings.TrimSpace(string(out)), " ")
	return refused, nil
}

func (r *run) apply(ctx context.Context, list string) error {
	cmd := exec.CommandContext(ctx, r.native, "entries", "apply", "-f", "-", "--etcd", r.servers.EtcdAddr)
	cmd.Stdin = strings.NewReader(list)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// agent runs the agent for a time after begin, and kills it; or, the second one, until all
// is written and shipped. begin is called when the agent follows all entries: what was
// rotated before an entry is first followed is left alone.
func (r *run) agent(ctx context.Context, kill time.Duration, begin func(late bool), written <-chan struct{}) error {
	second := written != nil
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	log, err := os.OpenFile(r.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := r.wine(ctx, r.exe, "agent", "--kafka", r.servers.KafkaAddr, "--etcd", r.servers.EtcdAddr, "--id", "wine")
	cmd.Stderr = log
	cmd.Cancel = func() error { return cmd.Process.Kill() }
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var after <-chan time.Time
	if err := r.followed(ctx, log.Name(), second); err != nil {
		return err
	}
	begin(second)
	if !second {
		after = time.After(kill)
	}
	select {
	case err := <-ended:
		return fmt.Errorf("the agent ended, see %s: %w", log.Name(), err)
	case <-after:
	case <-written:
		r.settle(ctx)
		if err := r.mixed(ctx); err != nil {
			return err
		}
	}
	cancel()
	if err := <-ended; err != nil {
		fmt.Printf("the first agent: %v, as it was killed\n", err)
	}
	return nil
}

// mixed looks at what status says of the entry that is for other hosts: it is no problem.
func (r *run) mixed(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, r.native, "status", "--kafka", r.servers.KafkaAddr, "--etcd", r.servers.EtcdAddr).CombinedOutput()
	if !bytes.Contains(out, []byte("not for this host")) {
		return errors.Join(fmt.Errorf("status of a list for several systems: %s", out), err)
	}
	fmt.Println("status: the entry of another system is quiet")
	return nil
}

// followed waits until the agent says of every entry that it waits for its file; the second
// agent, of those whose writers have not begun.
func (r *run) followed(ctx context.Context, log string, second bool) error {
	for ctx.Err() == nil {
		b, err := os.ReadFile(log)
		if err != nil {
			return err
		}
		missing := slices.ContainsFunc(r.list, func(s scenario) bool {
			said := bytes.Count(b, []byte("topic="+s.topic()+` state="waiting for file"`))
			return said == 0 || second && s.late && said < 2
		})
		if !missing {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return ctx.Err()
}

// settle waits until every scenario has all its lines, or nothing came for a while.
func (r *run) settle(ctx context.Context) {
	quiet, last := 0, -1
	for quiet < 8 && ctx.Err() == nil {
		have := 0
		for _, s := range r.list {
			l, _, err := r.count(ctx, s)
			if err != nil {
				return
			}
			have += r.lines - l
		}
		if have == r.lines*len(r.list) {
			return
		}
		if have == last {
			quiet++
		} else {
			quiet, last = 0, have
		}
		time.Sleep(time.Second)
	}
}

// count reads a scenario's topic and tells how many lines are missing, and how many came
// more than once.
func (r *run) count(ctx context.Context, s scenario) (lost, twice int, err error) {
	cmd := exec.CommandContext(ctx, r.native, "tail-topic", s.topic(), "--kafka", r.servers.KafkaAddr, "--from", "oldest", "--no-follow", "-q", "-o", "raw")
	out, err := cmd.Output()
	if err != nil {
		return 0, 0, fmt.Errorf("count %s: %w", s.topic(), err)
	}
	seen := make([]int, r.lines)
	for line := range strings.Lines(string(out)) {
		n := -1
		if _, err := fmt.Sscanf(line, s.name+" %d", &n); err != nil && !errors.Is(err, io.EOF) || n < 0 || n >= r.lines {
			return 0, 0, fmt.Errorf("%s has a line that nobody wrote: %q", s.topic(), line)
		}
		if s.name == "gbk" && !strings.Contains(line, "交易") {
			return 0, 0, fmt.Errorf("%s is garbled: %q", s.topic(), line)
		}
		seen[n]++
	}
	for _, n := range seen {
		switch {
		case n == 0:
			lost++
		case n > 1:
			twice++
		}
	}
	return lost, twice, nil
}
