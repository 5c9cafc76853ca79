package main

import (
	"bytes"
	"cmp"
	"context"
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

// process is a measured program.
type process struct {
	cmd     *exec.Cmd
	started time.Time
	stderr  bytes.Buffer
	ended   chan struct{} // closed when it has ended
	err     error         // how it ended; read after ended
}

// start runs a program with its output in the scratch directory's void.
func start(ctx context.Context, dir, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, name, args...), ended: make(chan struct{})}
	p.cmd.Dir = dir
	p.cmd.Stderr = &p.stderr
	p.cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// usage is what a process has used so far.
type usage struct {
	cpu  time.Duration // user and system
	rss  int64         // bytes now
	peak int64         // bytes at most
}

func (u usage) sub(before usage) time.Duration { return u.cpu - before.cpu }

// use reads what the process and its threads have used, from /proc while it runs. The
// memory of one that has ended is not known: see watchPeak.
func (p *process) use() (usage, error) {
	select {
	case <-p.ended:
		return usage{cpu: p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()}, nil
	default:
		return usageOf(p.cmd.Process.Pid)
	}
}

// usageOf reads what a running process and its threads have used.
func usageOf(pid int) (usage, error) {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(proc, "stat"))
	if err != nil {
		return usage{}, err
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+2:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	u := usage{cpu: time.Duration(user+system) * (time.Second / ticksPerSecond)}
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	if err != nil {
		return usage{}, err
	}
	u.rss, u.peak = kilobytes(status, "VmRSS:"), kilobytes(status, "VmHWM:")
	return u, nil
}

// watchPeak follows how much memory a program has had at most, until the returned
// function is called, which must be and tells it in bytes. The kernel's own figure for a process that
// has ended, Rusage.Maxrss, does not do: it counts what the parent had when it forked. A
// peak in the last milliseconds of a program may be missed.
func watchPeak(pid int) (peak func() int64) {
	stop, result := make(chan struct{}), make(chan int64)
	go func() {
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		most := int64(0)
		for {
			if u, err := usageOf(pid); err == nil {
				most = max(most, u.peak)
			}
			select {
			case <-stop:
				result <- most
				return
			case <-ticker.C:
			}
		}
	}()
	return sync.OnceValue(func() int64 {
		close(stop)
		return <-result
	})
}

// ticksPerSecond is the unit of /proc/PID/stat on every Linux that matters here.
const ticksPerSecond = 100

func kilobytes(status []byte, field string) int64 {
	_, rest, ok := bytes.Cut(status, []byte(field))
	if !ok {
		return 0
	}
	n, _ := strconv.ParseInt(strings.Fields(string(rest[:min(len(rest), 40)]))[0], 10, 64)
	return n * 1024
}

// stop asks the program to end and waits; it is killed after a while.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(15 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return errors.New("did not end within 15 s of SIGTERM")
	}
	return nil
}

// errEarly is how a program ended that should have gone on and said nothing.
var errEarly = errors.New("exit status 0")

// failure describes a program that ended too early.
func (p *process) failure() error {
	text := strings.TrimSpace(p.stderr.String())
	if len(text) > 2000 {
		text = text[len(text)-2000:]
	}
	return fmt.Errorf("%s ended early: %w\n%s", filepath.Base(p.cmd.Path), cmp.Or(p.err, errEarly), text)
}
