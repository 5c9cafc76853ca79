package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// findings runs doctor and returns what it found, by level.
func (f *fleet) findings(code int, args ...string) map[string]string {
	f.t.Helper()
	r := f.run(f.t, "", append(args, "-o", "json")...)
	var list []finding
	if err := json.Unmarshal([]byte(r.out), &list); err != nil || r.code != code {
		f.t.Fatalf("exit %d, want %d: %v\n%s%s", r.code, code, err, r.out, r.err)
	}
	out := map[string]string{}
	for _, x := range list {
		out[x.Level] += x.Area + " " + x.Where + ": " + x.What + " -> " + x.Do + "\n"
	}
	return out
}

// TestDoctor looks at servers that are well, then at everything that can be wrong with them.
func TestDoctor(t *testing.T) {
	f := newFleet(t)
	dir := t.TempDir()
	f.env = append(f.env, "LOGCTL_AGENT_DATA_DIR="+filepath.Join(dir, "data"), "LOGCTL_AGENT_ALLOW_PATHS="+filepath.ToSlash(dir)+"/**")
	good, compacted := f.kafka.Topic(t, 1), f.kafka.Topic(t, 1, "cleanup.policy", "compact", "message.timestamp.before.max.ms", "60000")
	path := filepath.ToSlash(filepath.Join(dir, "a.log"))
	testkit.NewLog(t, path).Lines(3)
	f.ok(t, "entries", "add", path, good)
	got := f.findings(ExitOK, "doctor")
	for _, part := range []string{"etcd " + f.key + ": 1 entry", "can be reached at the address that it announces", "topics " + good + ": 1 partition",
		"files " + path + ": 1 file matches", "will be made at the first start"} {
		if !strings.Contains(got[levelOK], part) {
			t.Errorf("%q is not in\n%s", part, got[levelOK])
		}
	}
	f.ok(t, "entries", "add", filepath.ToSlash(dir)+"/*.log", good)
	f.ok(t, "entries", "add", "/etc/*", compacted)
	f.ok(t, "entries", "add", path, good+"-missing")
	f.lose(f.key + "-2")
	if err := os.WriteFile(filepath.Join(dir, "data"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got = f.findings(ExitFailure, "doctor")
	for _, part := range []string{"topics " + compacted + ": it is compacted", good + "-missing", "not allowed", "Add the path to allow_paths", "agents " + f.key + "-2: lost", "is not a directory", "logctl agents forget"} {
		if !strings.Contains(got[levelProblem], part) {
			t.Errorf("%q is not in\n%s", part, got[levelProblem])
		}
	}
	for _, part := range []string{"both send the same files to topic " + good, "message.timestamp.before.max.ms is 1m0s"} {
		if !strings.Contains(got[levelWarning], part) {
			t.Errorf("%q is not in\n%s", part, got[levelWarning])
		}
	}
	if r := f.run(t, "", "doctor", "--console"); r.code != ExitFailure || !strings.Contains(r.out, "✗ topics  "+compacted) || !strings.Contains(r.out, "    to do: set cleanup.policy=delete") || strings.Contains(r.out, "files  ") {
		t.Error(r.out)
	}
}

func TestDoctorWithoutServers(t *testing.T) {
	b := &bench{args: []string{"--etcd", "127.0.0.1:1", "--kafka", "127.0.0.1:1"}, env: []string{"HOME=" + t.TempDir()}}
	r := b.run(t, "", "doctor")
	if r.code != ExitFailure || !strings.Contains(r.out, "✗ etcd  127.0.0.1:1: ") || !strings.Contains(r.out, "✗ kafka  127.0.0.1:1: kafka at 127.0.0.1:1 refuses connections") {
		t.Errorf("exit %d\n%s%s", r.code, r.out, r.err)
	}
}

// TestAgentCheck looks at what needs no server.
func TestAgentCheck(t *testing.T) {
	home := t.TempDir()
	certs := testkit.NewCerts(t)
	b := &bench{env: []string{"HOME=" + home, "LOGCTL_KAFKA_TLS=true", "LOGCTL_KAFKA_CA_FILE=" + certs.CAFile}, args: []string{"--etcd", "127.0.0.1:1", "--kafka", "127.0.0.1:1"}}
	if out := b.ok(t, "agent", "--check"); !strings.Contains(out, "[kafka] ca_file") || strings.Contains(out, "refuses connections") {
		t.Error(out)
	}
	b.env = append(b.env, "LOGCTL_KAFKA_CERT_FILE="+certs.CAFile)
	if r := b.run(t, "", "agent", "--check"); r.code == ExitOK || !strings.Contains(r.out+r.err, "key_file") {
		t.Errorf("exit %d\n%s", r.code, r.out)
	}
}

func TestPreviewHere(t *testing.T) {
	b := &bench{env: []string{"HOME=" + t.TempDir()}}
	path := filepath.Join(t.TempDir(), "a.log")
	if err := os.WriteFile(path, []byte("one\ntwo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := b.ok(t, "entries", "preview", path, "--exclude-lines", "one")
	if !strings.Contains(out, "this host: 1 file matches, 8 B") || !strings.Contains(out, "(1 left out by filters):\n  two\n") {
		t.Error(out)
	}
	b.fails(t, ExitUsage, "path", "entries", "preview", "relative.log")
}

func TestOverlapsAreFound(t *testing.T) {
	got := etcdcfg.Overlaps([]etcdcfg.Entry{
		{Path: "/a/*.log", Topic: "t"}, {Path: "/a/x.log", Topic: "t"}, {Path: "/a/y.log", Topic: "other"},
		{Path: "/b/*.log", Topic: "t", Exclude: []string{"/b/x.log"}}, {Path: "/b/x.log", Topic: "t"}, {Path: "/a/z.log", Topic: "t", Disabled: true},
	})
	if len(got) != 1 || got[0] != (etcdcfg.Overlap{A: "/a/*.log", B: "/a/x.log", Topic: "t"}) {
		t.Errorf("%+v", got)
	}
}
