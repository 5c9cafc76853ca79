package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// command is one call of logctl.exe under Wine and what it has to say.
type command struct {
	what  string
	args  []string // of logctl.exe; empty: shell
	shell string   // of bash, which finds "$LOGCTL" under Wine
	stdin string
	code  int
	says  []string
}

// commands are what the table of Windows' faults has that no writer shows.
func (r *run) commands() []command {
	etcd, kafka := []string{"--etcd", r.servers.EtcdAddr}, []string{"--kafka", r.servers.KafkaAddr}
	list := func(path string) string { return `[{"path":"` + path + `","topic":"win-seed"}]` }
	check := func(path, why string) command {
		return command{what: "refused: " + path, args: []string{"entries", "check", "-"}, stdin: list(strings.ReplaceAll(path, `\`, `\\`)), code: 1, says: []string{why}}
	}
	tail := "tail-topic " + r.list[0].topic() + " --kafka " + r.servers.KafkaAddr + " --from oldest -q"
	agent := "agent --id console --kafka " + r.servers.KafkaAddr + " --etcd " + r.servers.EtcdAddr
	return []command{
		check(`C:\con`, "is a device"), check(`C:\logs\a.log.`, "drops the dot"), check(`C:\a:b.log`, "names a stream"),
		{what: "the seed's JSON is refused with the corrected text", args: append([]string{"entries", "apply", "-f", "-"}, etcd...),
			stdin: list(`d:\logs\s4.log`), code: 1, says: []string{`d:\\logs\\s4.log`, "--fix"}},
		{what: "the corrected text is a list", args: []string{"entries", "check", "-"}, stdin: list(`d:\\logs\\s4.log`)},
		{what: "the code page of the machine", args: []string{"entries", "check", "-"}, stdin: `[{"path":"C:\\logs\\a.log","topic":"win-seed","encoding":"ansi"}]`},
		{what: "time zones are built in", args: append([]string{"tail-topic", r.list[0].topic(), "--from", "oldest", "--no-follow", "-q", "-n", "1", "--timezone", "Asia/Shanghai"}, kafka...)},
		{what: "a closed pipe is a quiet end", shell: `"$LOGCTL" ` + tail + ` | head -1; echo "code ${PIPESTATUS[0]}"`, says: []string{"code 0"}},
		{what: "a damaged positions.db is set aside", says: []string{"set aside"},
			shell: `head -c 20000 /dev/zero | tr '\0' x >"$STATE/positions.db"; timeout -s KILL 50 "$LOGCTL" ` + agent + ` 2>&1 | grep -m1 "set aside"`},
		{what: "the seed's JSON is taken with --fix", args: append([]string{"entries", "apply", "--fix", "-f", "-"}, etcd...), stdin: list(`d:\logs\s4.log`)},
	}
}

// try runs all commands and prints how each went. It returns how many failed.
func (r *run) try(ctx context.Context) (failed int) {
	fmt.Printf("| command | result |\n|---|---|\n")
	for _, c := range r.commands() {
		result := "as wanted"
		if out, err := r.one(ctx, c); err != nil {
			failed++
			result = "**" + err.Error() + "**"
			fmt.Fprintf(os.Stderr, "windows: %s: %s\n", c.what, out)
		}
		fmt.Printf("| %s | %s |\n", c.what, result)
	}
	return failed
}

func (r *run) one(ctx context.Context, c command) (out []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := r.wine(ctx, append([]string{r.exe}, c.args...)...)
	if c.shell != "" {
		shell := exec.CommandContext(ctx, "bash", "-c", strings.ReplaceAll(c.shell, `"$LOGCTL"`, `wine "$EXE"`))
		users, globErr := filepath.Glob(filepath.Join(r.prefix, "drive_c/users/*/AppData/Local/logctl"))
		if globErr != nil {
			return nil, globErr
		}
		shell.Env = append(cmd.Env, "EXE="+r.exe, "STATE="+strings.Join(users, " "))
		shell.WaitDelay, cmd = cmd.WaitDelay, shell
	}
	cmd.Stdin = strings.NewReader(c.stdin)
	out, err = cmd.CombinedOutput()
	code := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return out, err
	}
	if code != c.code {
		return out, fmt.Errorf("exit code %d, want %d", code, c.code)
	}
	for _, text := range c.says {
		if !bytes.Contains(out, []byte(text)) {
			return out, fmt.Errorf("does not say %q", text)
		}
	}
	return out, nil
}
