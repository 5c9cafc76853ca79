package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// modes are what happens to the agent and its broker while the writers write.
var modes = []string{"live", "behind", "restart", "kill", "broker"}

// result is what became of the lines of one writer by one entry in one mode.
type result struct {
	Writer  string `json:"writer"`
	Mode    string `json:"mode"`
	Entry   string `json:"entry"` // path or glob
	Written int    `json:"written"`
	Lost    int    `json:"lost"` // did not arrive and stands on disk
	Gone    int    `json:"gone"` // did not arrive and stands nowhere
	Twice   int    `json:"twice"`
	Late    int    `json:"late"` // out of order
	Noise   int    `json:"noise"`
	Failed  string `json:"failed,omitempty"` // why the writer itself ended badly
	odd     spans  // the lines behind Twice and Late
}

func (r result) clean() bool {
	return r.Failed == "" && r.Lost == 0 && r.Late == 0 && r.Noise == 0 && (r.Twice == 0 || r.Mode == "kill")
}

// run is a group of writers in one mode.
type run struct {
	options
	tools   tools
	mode    string
	writers []writer
	dir     string
	servers *servers
	agent   *exec.Cmd
	log     *os.File
	count   *counter
}

// entries is the list for etcd: each writer by its path and by its glob.
func (r *run) entries() ([]byte, []string, error) {
	var list []map[string]any
	var topics []string
	for _, w := range r.writers {
		for kind, name := range map[string]string{"path": w.Path, "glob": w.Glob} {
			topic := w.Name + "-" + kind
			e := map[string]any{"path": filepath.Join(r.dir, "logs", w.Name, name), "topic": topic, "from": "beginning"}
			for k, v := range w.Extra {
				e[k] = v
			}
			list, topics = append(list, e), append(topics, topic)
		}
	}
	data, err := json.Marshal(list)
	return data, topics, err
}

// do runs the group and returns two results for each writer.
func (r *run) do(ctx context.Context) ([]result, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	list, topics, err := r.entries()
	if err != nil {
		return nil, err
	}
	for _, w := range r.writers {
		if err := os.MkdirAll(filepath.Join(r.dir, "logs", w.Name), 0o755); err != nil {
			return nil, err
		}
	}
	if r.servers, err = startServers(ctx, r.dir, topics); err != nil {
		return nil, err
	}
	defer r.servers.close()
	if _, err := r.servers.store.Put(ctx, "collect_log_conf", string(list)); err != nil {
		return nil, err
	}
	if r.log, err = os.Create(filepath.Join(r.dir, "agent.log")); err != nil {
		return nil, err
	}
	defer func() { _ = r.log.Close() }()
	if r.count, err = newCounter(ctx, r.servers.addr, topics); err != nil {
		return nil, err
	}
	defer r.count.close()
	if err := r.startAgent(ctx); err != nil {
		return nil, err
	}
	defer r.stopAgent(syscall.SIGKILL)
	failed, err := r.write(ctx)
	if err != nil {
		return nil, err
	}
	r.count.quiet(ctx, time.Now(), 5*time.Second, 90*time.Second)
	r.stopAgent(syscall.SIGTERM)
	r.count.quiet(ctx, time.Now(), time.Second, 10*time.Second)
	return r.results(failed)
}

// startAgent starts the agent and waits until it has applied the list.
func (r *run) startAgent(ctx context.Context) error {
	r.agent = exec.Command(r.logctl, "agent", "--id", "writers", "--data-dir", filepath.Join(r.dir, "data"),
		"--kafka", r.servers.addr, "--etcd", r.servers.etcdAddr())
	r.agent.Stdout, r.agent.Stderr = r.log, r.log
	if err := r.agent.Start(); err != nil {
		return err
	}
	for ctx.Err() == nil {
		got, err := r.servers.store.Get(ctx, "logctl/agents/writers")
		if err == nil && len(got.Kvs) > 0 && strings.Contains(string(got.Kvs[0].Value), fmt.Sprintf(`"pid":%d`, r.agent.Process.Pid)) {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("the agent did not start: %w", ctx.Err())
}

func (r *run) stopAgent(sig syscall.Signal) {
	if r.agent == nil || r.agent.ProcessState != nil {
		return
	}
	_ = r.agent.Process.Signal(sig)
	_ = r.agent.Wait() // a killed one ends badly
}

// write runs all writers side by side, and beside them what the mode does. It returns
// why a writer failed, by its name.
func (r *run) write(ctx context.Context) (map[string]string, error) {
	var (
		mu     sync.Mutex
		failed = map[string]string{}
		wait   sync.WaitGroup
	)
	for _, w := range r.writers {
		cmd := r.tools.command(ctx, w, filepath.Join(r.dir, "logs", w.Name), r.lines, r.pause, r.size)
		out := &strings.Builder{}
		cmd.Stderr = out
		wait.Go(func() {
			if err := cmd.Run(); err != nil {
				mu.Lock()
				failed[w.Name] = strings.TrimSpace(err.Error() + ": " + lastLine(out.String()))
				mu.Unlock()
			}
		})
	}
	r.awaitWriting(ctx)
	err := r.disturb(ctx)
	wait.Wait()
	return failed, err
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// awaitWriting waits until every writer has made a file, 30 s at most.
func (r *run) awaitWriting(ctx context.Context) {
	limit := time.Now().Add(30 * time.Second)
	for _, w := range r.writers {
		for ctx.Err() == nil && time.Now().Before(limit) {
			if names, _ := os.ReadDir(filepath.Join(r.dir, "logs", w.Name)); len(names) > 0 {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// disturb does what the mode says.
func (r *run) disturb(ctx context.Context) error {
	switch r.mode {
	case "behind":
		for range 2 {
			time.Sleep(time.Second)
			_ = r.agent.Process.Signal(syscall.SIGSTOP)
			time.Sleep(2500 * time.Millisecond)
			_ = r.agent.Process.Signal(syscall.SIGCONT)
		}
	case "restart":
		for range 2 {
			time.Sleep(time.Second)
			r.stopAgent(syscall.SIGTERM)
			time.Sleep(2500 * time.Millisecond)
			if err := r.startAgent(ctx); err != nil {
				return err
			}
		}
	case "kill":
		for range 4 {
			time.Sleep(1300 * time.Millisecond)
			r.stopAgent(syscall.SIGKILL)
			if err := r.startAgent(ctx); err != nil {
				return err
			}
		}
	case "broker":
		time.Sleep(time.Second)
		r.servers.kafka.Close()
		time.Sleep(4 * time.Second)
		return r.servers.startKafka()
	}
	return nil
}

// results compares what arrived with what was written and with what stands on disk.
func (r *run) results(failed map[string]string) ([]result, error) {
	r.count.mu.Lock()
	defer r.count.mu.Unlock()
	var out []result
	var errs []error
	for _, w := range r.writers {
		disk, err := onDisk(filepath.Join(r.dir, "logs", w.Name))
		if err != nil {
			errs = append(errs, err)
		}
		for _, kind := range []string{"path", "glob"} {
			t := r.count.topics[w.Name+"-"+kind]
			res := result{Writer: w.Name, Mode: r.mode, Entry: kind, Written: r.lines, Late: t.late, Noise: t.noise, odd: t.odd, Failed: failed[w.Name]}
			for n := 1; n <= r.lines; n++ {
				switch times := t.seen[n]; {
				case times == 0 && disk[n]:
					res.Lost++
				case times == 0:
					res.Gone++
				default:
					res.Twice += times - 1
				}
			}
			out = append(out, res)
		}
	}
	return out, errors.Join(errs...)
}

// command is the driver of w, started on dir.
func (t tools) command(ctx context.Context, w writer, dir string, lines, pause, size int) *exec.Cmd {
	argv := append(append([]string{}, t[w.Driver]...), w.Name, dir, strconv.Itoa(lines), strconv.Itoa(pause), strconv.Itoa(size))
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "DRIVER="+t["go"][0], "PATH="+strings.Join([]string{filepath.Dir(t["python"][0]),
		filepath.Join(filepath.Dir(t["node"][1]), "node_modules", ".bin"), os.Getenv("PATH")}, ":"))
	return cmd
}
