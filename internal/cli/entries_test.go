package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// ran is what a command line did.
type ran struct {
	code     int
	out, err string
}

// bench runs command lines against one etcd and one key.
type bench struct {
	args []string // shared flags
	env  []string
}

// newBench is a bench on a test server.
func newBench(t *testing.T) (*bench, *testkit.EtcdServer, string) {
	t.Helper()
	server := testkit.Etcd(t)
	key := server.Key(t)
	return &bench{args: []string{"--etcd", strings.Join(server.Endpoints(), ","), "--key", key}, env: []string{"HOME=" + t.TempDir(), "LOGCTL_ETCD_TIMEOUT=10s"}}, server, key
}

// run runs a command line in process.
func (b *bench) run(t *testing.T, stdin string, args ...string) ran {
	t.Helper()
	var out, errs bytes.Buffer
	a := newApp(Streams{In: strings.NewReader(stdin), Out: &out, Err: &errs, Environ: b.env})
	root := newRootCmd(a)
	if args[0] != "__complete" {
		args = append(args, b.args...)
	}
	root.SetArgs(args)
	code := a.exitCode(root, root.ExecuteContext(t.Context()))
	return ran{code, out.String(), errs.String()}
}

// ok runs a command line that must succeed, and returns its stdout.
func (b *bench) ok(t *testing.T, args ...string) string {
	t.Helper()
	r := b.run(t, "", args...)
	if r.code != ExitOK {
		t.Fatalf("%v: exit %d\n%s%s", args, r.code, r.out, r.err)
	}
	return r.out
}

// fails runs a command line that must fail with a code, and nothing on stdout, and
// whose stderr must say something.
func (b *bench) fails(t *testing.T, code int, says string, args ...string) {
	t.Helper()
	r := b.run(t, "", args...)
	if r.code != code || r.out != "" || !strings.Contains(r.err, says) {
		t.Fatalf("%v: exit %d, stdout %q, stderr\n%s\nwant exit %d and %q", args, r.code, r.out, r.err, code, says)
	}
}

func equal(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

func TestEntriesFromAddToRemove(t *testing.T) {
	b, _, key := newBench(t)
	r := b.run(t, "", "entries", "list")
	if r.code != 0 || r.out != "" || !strings.Contains(r.err, "no entries under "+key+"; add one: logctl entries add PATH TOPIC") {
		t.Fatalf("empty: %+v", r)
	}
	equal(t, b.ok(t, "entries", "list", "-o", "json"), "[]\n")

	b.ok(t, "entries", "add", "/var/log/a.log", "alpha", "-m", "first")
	b.ok(t, "entries", "add", `C:\logs\*.log`, "win", "--encoding", "gbk", "--exclude", "*.gz", "--exclude", "*.zip", "--rotated", "old/*.log", "--from", "beginning",
		"--multiline-start", "^\\d", "--include-lines", "x", "--exclude-lines", "y", "--label", "team=支付", "--poll", "--paused")
	equal(t, b.ok(t, "entries", "list"), "PATH            TOPIC  STATE   OPTIONS\n"+
		"/var/log/a.log  alpha  on\n"+
		`C:\logs\*.log   win    paused  from=beginning exclude=*.gz,*.zip rotated=old/*.log encoding=gbk multiline=^\d include=x exclude_lines=y label:team=支付 poll`+"\n")
	equal(t, b.ok(t, "entries", "list", "-o", "json"), "[\n"+`  {"path": "/var/log/a.log", "topic": "alpha"},`+"\n"+
		`  {"path": "C:\\logs\\*.log", "topic": "win", "from": "beginning", "exclude": ["*.gz", "*.zip"], "rotated": ["old/*.log"], "encoding": "gbk", "multiline": {"start": "^\\d"}, `+
		`"include_lines": ["x"], "exclude_lines": ["y"], "labels": {"team": "支付"}, "disabled": true, "poll": true}`+"\n]\n")

	b.fails(t, ExitFailure, "there is an entry for /var/log/a.log -> alpha already", "entries", "add", "/var/log/a.log", "alpha")
	b.ok(t, "entries", "add", "/var/log/a.log", "alpha", "--if-missing")
	b.fails(t, ExitUsage, `"var/log" is not an absolute path`, "entries", "add", "var/log", "t")
	b.fails(t, ExitUsage, `"a b" contains a space`, "entries", "add", "/a", "a b")
	b.fails(t, ExitUsage, "accepts 2 arg(s), received 1; see 'logctl entries add --help'", "entries", "add", "/a")
	b.fails(t, ExitUsage, `--label: "x" is not name=value`, "entries", "add", "/a", "t", "--label", "x")
	b.fails(t, ExitUsage, `--multiline: "jav" is no preset and no object`, "entries", "add", "/a", "t", "--multiline", "jav")
	b.fails(t, ExitUsage, `--multiline: multiline: unknown field "ende"`, "entries", "add", "/a", "t", "--multiline", `{"ende": "x"}`)
	b.fails(t, ExitUsage, "cannot be given together", "entries", "add", "/a", "t", "--multiline", "java", "--multiline-start", "x")
	b.fails(t, ExitUsage, `--label: "x" is not name=value`, "entries", "add", "/a", "t", "--label", "x", "--multiline", "java")
	b.fails(t, ExitUsage, `-o: "yaml" is not table or json or raw`, "entries", "list", "-o", "yaml")

	b.ok(t, "entries", "edit", `C:\logs\*.log`, "--encoding", "", "--exclude", "", "--rotated", "", "--topic", "win2", "--paused=false", "--label", "")
	b.ok(t, "entries", "pause", "/var/log/a.log")
	equal(t, b.ok(t, "entries", "list"), "PATH            TOPIC  STATE   OPTIONS\n"+
		"/var/log/a.log  alpha  paused\n"+
		`C:\logs\*.log   win2   on      from=beginning multiline=^\d include=x exclude_lines=y poll`+"\n")
	b.ok(t, "entries", "edit", "/var/log/a.log", "--multiline", `{"end": ";$", "max_lines": 9}`)
	b.ok(t, "entries", "edit", `C:\logs\*.log`, "--multiline", "java")
	equal(t, b.ok(t, "entries", "list"), "PATH            TOPIC  STATE   OPTIONS\n"+
		`/var/log/a.log  alpha  paused  multiline={"end": ";$", "max_lines": 9}`+"\n"+
		`C:\logs\*.log   win2   on      from=beginning multiline={"preset": "java"} include=x exclude_lines=y poll`+"\n")
	b.ok(t, "entries", "edit", "/var/log/a.log", "--multiline", "")
	b.ok(t, "entries", "resume", "--all")
	b.ok(t, "entries", "add", "/var/log/a.log", "beta")
	b.fails(t, ExitUsage, "/var/log/a.log goes to several topics (alpha, beta): name the topic too", "entries", "remove", "/var/log/a.log")
	b.fails(t, ExitFailure, "no entry for a.log; is it /var/log/a.log?", "entries", "edit", "a.log", "--poll")
	b.fails(t, ExitUsage, "pause: name a PATH, or give --all", "entries", "pause")
	b.ok(t, "entries", "remove", "/var/log/a.log", "beta")
	b.ok(t, "entries", "rm", `C:\logs\*.log`)
	b.ok(t, "entries", "remove", "/none", "--if-present")
	equal(t, b.ok(t, "entries", "list", "-o", "json"), "[\n"+`  {"path": "/var/log/a.log", "topic": "alpha"}`+"\n]\n")
}

// Every host of a fleet adds its entry at the same moment.
func TestEntriesOfManyEditorsAtOnce(t *testing.T) {
	b, _, _ := newBench(t)
	const editors = 30
	done := make(chan ran, editors)
	for i := range editors {
		go func() { done <- b.run(t, "", "entries", "add", fmt.Sprintf("/var/log/%02d.log", i), "t") }()
	}
	for range editors {
		if r := <-done; r.code != ExitOK {
			t.Errorf("%+v", r)
		}
	}
	if n := strings.Count(b.ok(t, "entries", "list", "-o", "json"), "/var/log/"); n != editors {
		t.Errorf("%d entries, want %d", n, editors)
	}
}

func TestEntriesDryRunAndRevision(t *testing.T) {
	b, _, key := newBench(t)
	b.ok(t, "entries", "add", "/a", "t")
	equal(t, b.ok(t, "entries", "add", "/b", "t", "--dry-run"), " [\n   {\"path\": \"/a\", \"topic\": \"t\"},\n+  {\"path\": \"/b\", \"topic\": \"t\"}\n ]\n")
	var saved savedEntries
	if err := json.Unmarshal([]byte(b.ok(t, "entries", "add", "/b", "t", "-o", "json")), &saved); err != nil {
		t.Fatal(err)
	}
	if saved.Key != key || saved.Revision == 0 || !saved.Changed || !strings.Contains(saved.Diff, `+  {"path": "/b"`) {
		t.Fatalf("%+v", saved)
	}
	again := b.run(t, "", "entries", "add", "/b", "t", "--if-missing", "-o", "json")
	if again.code != 0 || !strings.Contains(again.err, "nothing to change: "+key+" stays at revision") || !strings.Contains(again.out, `"changed": false`) {
		t.Fatalf("%+v", again)
	}
	b.fails(t, ExitFailure, "not 1: nothing was changed", "entries", "remove", "/b", "--if-revision", "1")
	b.ok(t, "entries", "remove", "/b", "--if-revision", revisionOf(saved))
}

func revisionOf(s savedEntries) string {
	text, _ := json.Marshal(s.Revision)
	return string(text)
}

func TestEntriesApplyHistoryRevertUndo(t *testing.T) {
	b, server, key := newBench(t)
	file := filepath.Join(t.TempDir(), "entries.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("[\n {\"path\": \"/a\", \"topic\": \"t\", \"owner\": 12345678901234567890}\n]\n")
	if out := b.ok(t, "entries", "apply", "-f", file, "--dry-run"); !strings.Contains(out, "+ {\"path\"") {
		t.Fatal(out)
	}
	b.ok(t, "entries", "apply", "-f", file, "-m", "from a file")
	equal(t, b.ok(t, "entries", "list", "-o", "raw"), "[\n {\"path\": \"/a\", \"topic\": \"t\", \"owner\": 12345678901234567890}\n]\n")
	write("[{\"path\": \"D:\\programs\\a.log\", \"topic\": \"t\",}]")
	b.fails(t, ExitFailure, file+`:1:14: entry 1: invalid escape \p: a Windows path needs \\ or /`, "entries", "apply", "-f", file)
	b.fails(t, ExitFailure, `apply --fix takes it as:
  [{"path": "D:\\programs\\a.log", "topic": "t"}]`, "entries", "apply", "-f", file)
	if r := b.run(t, "", "entries", "apply", "-f", file, "--fix", "--dry-run"); r.code != 0 || !strings.Contains(r.out, `"D:\\programs\\a.log"`) {
		t.Fatalf("%+v", r)
	}
	b.fails(t, ExitUsage, "name the file with -f", "entries", "apply")
	b.fails(t, ExitUsage, "read the list: open", "entries", "apply", "-f", file+"x")
	if r := b.run(t, `[{"path": "/b", "topic": "t"}]`, "entries", "apply", "-f", "-", "-m", "from stdin"); r.code != 0 {
		t.Fatalf("%+v", r)
	}

	var changes []changeJSON
	if err := json.Unmarshal([]byte(b.ok(t, "entries", "history", "-o", "json")), &changes); err != nil {
		t.Fatal(err)
	}
	if len(changes) != 2 || changes[0].Note != "from stdin" || changes[0].Added != 1 || changes[0].Removed != 1 || changes[1].Before != nil || changes[1].Who != author() {
		t.Fatalf("%+v", changes)
	}
	first := revisionOf(savedEntries{Revision: changes[1].Revision})
	if out := b.ok(t, "entries", "history", first); !strings.Contains(out, "+1 -0 ~0  from a file") || !strings.Contains(out, "+ {\"path\": \"/a\"") || strings.Contains(out, "stdin") {
		t.Fatal(out)
	}
	b.fails(t, ExitFailure, "that revision is not in the history", "entries", "history", "999999")
	b.fails(t, ExitUsage, `"x" is not a revision`, "entries", "history", "x")
	b.fails(t, ExitUsage, "nobody can be asked here", "entries", "revert", first)
	b.ok(t, "entries", "revert", "--yes", first)
	if out := b.ok(t, "entries", "list"); !strings.Contains(out, "/a ") {
		t.Fatal(out)
	}
	b.ok(t, "entries", "undo")
	if out := b.ok(t, "entries", "list"); !strings.Contains(out, "/b ") {
		t.Fatal(out)
	}
	if _, err := server.Client(t).Put(t.Context(), key, `[{"path":"/other","topic":"tool"}]`); err != nil {
		t.Fatal(err)
	}
	b.fails(t, ExitFailure, "was not made through logctl", "entries", "undo")
	b.ok(t, "entries", "add", "/c", "t")
	if out := b.ok(t, "entries", "history"); strings.Count(out, "(edited past logctl)") != 1 || !strings.Contains(out, "undo revision") || !strings.Contains(out, "revert to revision "+first) {
		t.Fatal(out)
	}
	b.fails(t, ExitFailure, "that revision is not in the history: see 'logctl entries history -n 0'", "entries", "revert", "99999999")
}

func TestEntriesOfABadListAreExplainedAndRepaired(t *testing.T) {
	b, server, key := newBench(t)
	bad := "[\n{\"path\": \"D:\\programs\\a.log\", \"topic\": \"t\"},\n]"
	if _, err := server.Client(t).Put(t.Context(), key, bad); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"entries", "list"}, {"entries", "add", "/a", "t"}, {"entries", "pause", "--all"}} {
		b.fails(t, ExitFailure, `line 2, column 13: entry 1: invalid escape \p: a Windows path needs \\ or /: "D:\\programs\\a.log" (and 1 more problem)`, args...)
	}
	equal(t, b.ok(t, "entries", "list", "-o", "raw"), bad)
	r := b.run(t, "", "entries", "check")
	equal(t, r.out, key+`:2:13: entry 1: invalid escape \p: a Windows path needs \\ or /: "D:\\programs\\a.log"`+"\n"+key+":2:44: entry 1: trailing comma before ]: remove the comma\n")
	if r.code != ExitFailure || r.err != key+": 2 errors\n" {
		t.Fatalf("%+v", r)
	}
	if r := b.run(t, `[{"path": "D:/programs/a.log", "topic": "t"}]`, "entries", "apply", "-f", "-"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	b.ok(t, "entries", "check")
	// What cannot be taken back is not shown as if it could.
	for _, args := range [][]string{{"entries", "undo"}, {"entries", "undo", "--dry-run"}} {
		b.fails(t, ExitFailure, `invalid escape \p: a Windows path needs`, args...)
	}
}

func TestEntriesCheckNeedsNoServer(t *testing.T) {
	b := &bench{args: []string{"--etcd", "127.0.0.1:1"}, env: []string{"HOME=" + t.TempDir()}}
	r := b.run(t, "[\n {\"path\": \"rel\", \"topic\": \"t\", \"exlude\": []}]", "entries", "check", "-")
	equal(t, r.out, "<stdin>:2:11: entry 1: path: \"rel\" is not an absolute path: write it from the root, like \"/var/log/app.log\"\n"+
		"<stdin>:2:32: entry 1: warning: unknown field \"exlude\" has no effect: is \"exclude\" meant?\n")
	if r.code != ExitFailure {
		t.Fatalf("exit %d", r.code)
	}
	r = b.run(t, "[{\"path\": \"/a\", \"topic\": \"t\", \"exlude\": []}]", "entries", "check", "-", "-o", "json")
	var result checkResult
	if err := json.Unmarshal([]byte(r.out), &result); err != nil || r.code != 0 || !result.OK || result.Entries != 1 || len(result.Problems) != 1 ||
		result.Problems[0].Severity != "warning" || result.Problems[0].Entry != 1 || result.Problems[0].Column != 31 {
		t.Fatalf("%+v %v %+v", r, err, result)
	}
	b.fails(t, ExitUsage, "no such file", "entries", "check", filepath.Join(t.TempDir(), "none.json"))
	b.fails(t, ExitFailure, "connection refused: is it running, and is [etcd] address right?", "entries", "list")
}

func TestEntriesEditOpensTheEditor(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the editor of this test is a shell script")
	}
	b, server, key := newBench(t)
	script := filepath.Join(t.TempDir(), "edit")
	editor := func(text string) {
		t.Helper()
		if err := os.WriteFile(script, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	b.env = append(b.env, "EDITOR="+script)
	editor(`printf '[{"path": "/a", "topic": "t"}]\n' > "$1"`)
	b.ok(t, "entries", "edit")
	equal(t, b.ok(t, "entries", "list", "-o", "raw"), `[{"path": "/a", "topic": "t"}]`)
	editor(`true`)
	if r := b.run(t, "", "entries", "edit"); r.code != 0 || !strings.Contains(r.err, "nothing to change: "+key) {
		t.Fatalf("%+v", r)
	}
	editor(`sed -i 's/"t"/"u",/' "$1"`)
	r := b.run(t, "", "entries", "edit")
	if r.code != ExitFailure || !strings.Contains(r.err, "trailing comma before }") || !strings.Contains(r.err, "Nothing was saved. Your text is in ") {
		t.Fatalf("%+v", r)
	}
	_, rest, _ := strings.Cut(r.err, "Your text is in ")
	kept, _, _ := strings.Cut(rest, ":")
	if text, err := os.ReadFile(kept); err != nil || !strings.Contains(string(text), `"u",`) {
		t.Fatalf("the text is lost: %q %v", text, err)
	}
	if err := os.Remove(kept); err != nil {
		t.Fatal(err)
	}
	editor(`exit 3`)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	b.fails(t, ExitFailure, "exit status 3; set EDITOR to another one", "entries", "edit")
	// An edit that is saved and that not all agents apply leaves nothing behind either.
	p, err := json.Marshal(etcdcfg.Presence{ID: key + "-1", CollectKey: key, Revision: 1})
	if err != nil {
		t.Fatal(err)
	}
	c := server.Client(t)
	if _, err := c.Put(t.Context(), etcdcfg.AgentsPrefix+key+"-1", string(p)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = c.Delete(context.Background(), etcdcfg.AgentsPrefix+key+"-1") })
	editor(`sed -i 's/"t"/"v"/' "$1"`)
	if r := b.run(t, "", "entries", "edit", "--wait", "100ms"); r.code != ExitFailure || !strings.Contains(r.err, "saved: ") || !strings.Contains(r.err, "is applied by 0 of 1 agent") {
		t.Fatalf("%+v", r)
	}
	b.fails(t, ExitUsage, "edit: --topic changes one entry: name its PATH", "entries", "edit", "--topic", "u", "--dry-run")
	b.env = append(b.env, "VISUAL= ") // as good as none
	if r := b.run(t, "", "entries", "edit"); r.code != ExitOK && r.code != ExitFailure {
		t.Fatalf("%+v", r)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	// What was written before the editor failed is not thrown away.
	editor(`echo mine > "$1"; exit 3`)
	b.fails(t, ExitFailure, "Your text is in "+temp, "entries", "edit")
}

func TestEntriesShowControlCharacters(t *testing.T) {
	b, server, key := newBench(t)
	if _, err := server.Client(t).Put(t.Context(), key, "[\n  \x1b]0;pwned\a\n]"); err != nil {
		t.Fatal(err)
	}
	const good = `[{"path": "/a", "topic": "t"}]`
	if r := b.run(t, good, "entries", "apply", "-f", "-", "--dry-run"); r.code != 0 || !strings.Contains(r.out, "]0;pwned") || strings.ContainsAny(r.out+r.err, "\x1b\a") {
		t.Errorf("dry run: %+v", r)
	}
	if r := b.run(t, good, "entries", "apply", "-f", "-"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	if out := b.ok(t, "entries", "history", "--diff"); !strings.Contains(out, "]0;pwned") || strings.ContainsAny(out, "\x1b\a") {
		t.Errorf("history: %q", out)
	}
	a := newApp(Streams{Err: &bytes.Buffer{}})
	root := newRootCmd(a)
	if a.exitCode(root, errors.New("theirs:\n- \u009b31m\tred")); a.Err.(*bytes.Buffer).String() != "logctl: theirs:\n  - \\x9b31m    red\n" {
		t.Errorf("error: %q", a.Err)
	}
}

func TestEntriesCheckOfNoKeyIsAnObjectToo(t *testing.T) {
	b, _, key := newBench(t)
	var got checkResult
	if err := json.Unmarshal([]byte(b.ok(t, "entries", "check", "-o", "json")), &got); err != nil || !got.OK || got.Name != key {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestEntriesWaitForAgents(t *testing.T) {
	b, server, key := newBench(t)
	c := server.Client(t)
	announce := func(id string, revision int64, problem string) {
		t.Helper()
		text, err := json.Marshal(etcdcfg.Presence{ID: id, CollectKey: key, Revision: revision, ListError: problem})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Put(t.Context(), etcdcfg.AgentsPrefix+id, string(text)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = c.Delete(context.Background(), etcdcfg.AgentsPrefix+id) })
	}
	announce(key+"-1", 1<<40, "")
	r := b.run(t, "", "entries", "add", "/a", "t", "--wait", "10s")
	if r.code != 0 || !strings.Contains(r.err, "is applied by 1 of 1 agent\n") {
		t.Fatalf("%+v", r)
	}
	announce(key+"-2", 1, "")
	announce(key+"-3", 1, "line 1: bad")
	r = b.run(t, "", "entries", "add", "/b", "t", "--wait", "300ms", "-o", "json")
	if r.code != ExitFailure || !strings.Contains(r.err, "is applied by 1 of 3 agents\n  "+key+"-2: is at revision 1\n  "+key+"-3: line 1: bad\n") {
		t.Fatalf("%+v", r)
	}
	var saved savedEntries
	if err := json.Unmarshal([]byte(r.out), &saved); err != nil || saved.Applied == nil || saved.Applied.Agents != 3 || len(saved.Applied.Missing) != 2 {
		t.Fatalf("%v %s", err, r.out)
	}
}

func TestEntriesCompletion(t *testing.T) {
	b, _, _ := newBench(t)
	b.ok(t, "entries", "add", "/var/log/a.log", "alpha", "-m", "why")
	b.ok(t, "entries", "add", "/var/log/a.log", "beta")
	b.ok(t, "entries", "add", "/data/b.log", "beta")
	complete := func(words ...string) string {
		t.Helper()
		return b.ok(t, append(append([]string{"__complete"}, b.args...), words...)...)
	}
	equal(t, complete("entries", "remove", "/var"), "/var/log/a.log\t-> alpha\n:4\n")
	equal(t, complete("entries", "pause", "/var/log/a.log", ""), "alpha\nbeta\n:4\n")
	equal(t, complete("entries", "edit", "/data/b.log", ""), "beta\n:4\n")
	equal(t, complete("entries", "add", "--from", ""), "end\nbeginning\n:4\n")
	if out := complete("entries", "revert", ""); strings.Count(out, "\n") != 4 || !strings.Contains(out, author()+": why\n") {
		t.Fatal(out)
	}
}

func TestEntriesHelpHasExamples(t *testing.T) {
	b := &bench{}
	for _, cmd := range []string{"", "list", "add", "edit", "remove", "pause", "resume", "apply", "history", "revert", "undo", "check"} {
		args := []string{"entries", cmd, "--help"}
		if cmd == "" {
			args = []string{"entries", "--help"}
		}
		if out := b.ok(t, args...); !strings.Contains(out, "Examples:\n  logctl entries") {
			t.Errorf("help of %q has no example:\n%s", cmd, out)
		}
	}
}

func TestTextTableCountsWideCharactersAsTwo(t *testing.T) {
	equal(t, string(textTable([][]string{{"A", "B", "C"}, {"日志", "x", ""}, {"abcdef", "", "z"}})), "A       B  C\n日志    x\nabcdef     z\n")
}
