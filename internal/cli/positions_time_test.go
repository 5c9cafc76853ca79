package cli

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"logctl/agent/positions"
	"logctl/agent/tail"
	"logctl/etcdcfg"
)

// TestRewindToATime finds the line by the records of the topic, for each generation by itself.
func TestRewindToATime(t *testing.T) {
	f := newFleet(t)
	dir := t.TempDir()
	f.env = append(f.env, "LOGCTL_AGENT_DATA_DIR="+dir)
	topic := f.kafka.Topic(t, 1)
	now := time.Now().Truncate(time.Second)
	reg, err := positions.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.ToSlash(filepath.Join(dir, "a.log"))
	one, two := tail.FileID{Ino: 7, Gen: 1}, tail.FileID{Ino: 8, Gen: 2}
	states := []tail.State{{ID: one, Path: path, Pos: 900, Size: 1000, HeadLen: 800}, {ID: two, Path: path, Pos: 500, Size: 500, HeadLen: 500, Rotated: true}}
	if err := reg.Register(etcdcfg.Entry{Path: path, Topic: topic}.Key(), states); err != nil {
		t.Fatal(err)
	}
	if err := reg.Close(); err != nil {
		t.Fatal(err)
	}
	cfg, err := f.kafka.Config().Sarama()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Producer.Return.Successes = true
	p, err := sarama.NewSyncProducer(f.kafka.Addrs(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	send := func(id tail.FileID, pos int64, ago time.Duration) {
		t.Helper()
		m := &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("x"), Timestamp: now.Add(-ago), Headers: []sarama.RecordHeader{
			{Key: []byte("file"), Value: []byte(id.Short())}, {Key: []byte("pos"), Value: fmt.Appendf(nil, "%d", pos)}}}
		if _, _, err := p.SendMessage(m); err != nil {
			t.Fatal(err)
		}
	}
	send(two, 400, 3*time.Hour)
	send(one, 0, 2*time.Hour)
	send(one, 300, time.Hour)
	send(one, 600, time.Minute)
	to := now.Add(-90 * time.Minute).Format("2006-01-02 15:04:05")
	r := f.run(t, "", "positions", "rewind", path, "--to", to, "--dry-run")
	if want := path + ": 900 -> 300 of 1000\n1 position would be moved, 600 B are sent once more\n"; r.code != ExitOK || r.out != want {
		t.Errorf("exit %d: %q, want %q\n%s", r.code, r.out, want, r.err)
	}
	if !strings.Contains(r.err, "no line of it was read since then") {
		t.Error(r.err)
	}
	if out := f.ok(t, "positions", "rewind", path, "--to", "-4h"); !strings.Contains(out, "900 -> 0 of 1000") || !strings.Contains(out, "500 -> 400 of 500") {
		t.Error(out)
	}
	f.fails(t, ExitUsage, "is not beginning, skipped or a time", "positions", "rewind", path, "--to", "newest")
}

// TestEditsAreAdvised says what a valid edit does that its author may not expect.
func TestEditsAreAdvised(t *testing.T) {
	f := newFleet(t)
	f.ok(t, "entries", "add", "/a/x.log", "t")
	r := f.run(t, "", "entries", "add", "/a/*.log", "t")
	if r.code != ExitOK || !strings.Contains(r.err, "mind: /a/*.log and /a/x.log both send the same files") {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}
	r = f.run(t, "", "entries", "edit", "/a/x.log", "--from", "beginning")
	if r.code != ExitOK || !strings.Contains(r.err, "has no effect on files that are followed already") || !strings.Contains(r.err, "positions rewind '/a/x.log' t --to skipped") {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}
	if strings.Contains(r.err, "both send") {
		t.Error("an overlap that was there before is told again")
	}
	file := filepath.Join(t.TempDir(), "list.json")
	if err := os.WriteFile(file, []byte(`[{"path":"/b/*","topic":"t"},{"path":"/b/y","topic":"t"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if r = f.run(t, "", "entries", "apply", "-f", file, "--dry-run"); r.code != ExitOK || !strings.Contains(r.err, "mind: /b/* and /b/y both send") {
		t.Errorf("exit %d\n%s", r.code, r.err)
	}
}

// TestNodePlaceholder fills the name of a pod's node in.
func TestNodePlaceholder(t *testing.T) {
	t.Setenv("NODE_NAME", "node-7")
	if got := resolve("{node}-x"); got != "node-7-x" {
		t.Error(got)
	}
	t.Setenv("NODE_NAME", "")
	if got := resolve("{node}"); got != hostname() {
		t.Error(got)
	}
}
