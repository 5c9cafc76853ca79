package cli

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"logctl/agent/positions"
	"logctl/agent/tail"
	"logctl/etcdcfg"
)

// TestPositionsOfAStoppedAgent moves what stands in a data directory.
func TestPositionsOfAStoppedAgent(t *testing.T) {
	home, dir := t.TempDir(), t.TempDir()
	b := &bench{env: []string{"HOME=" + home, "LOGCTL_AGENT_DATA_DIR=" + dir}}
	b.fails(t, ExitFailure, "no agent ran with it", "positions", "list")
	file := filepath.Join(home, "a.log")
	if err := os.WriteFile(file, []byte(strings.Repeat("123456789\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	reg, err := positions.Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	key := etcdcfg.Entry{Path: file, Topic: "t"}.Key()
	if err := reg.Register(key, []tail.State{{ID: tail.FileID{Ino: 1}, Path: file, Pos: 800, Size: 1000, HeadLen: 800, Skipped: 500}}); err != nil {
		t.Fatal(err)
	}
	b.fails(t, ExitFailure, "another agent uses this data directory", "positions", "list")
	if err := reg.Close(); err != nil {
		t.Fatal(err)
	}
	if out := b.ok(t, "positions", "list"); !strings.Contains(out, file) || !strings.Contains(out, "800") || !strings.Contains(out, "500 B") {
		t.Error(out)
	}
	dry := b.ok(t, "positions", "rewind", file, "--to", "skipped", "--dry-run")
	if want := file + ": 800 -> 0 of 1000\n1 position would be moved, 500 B are sent for the first time, 300 B are sent once more\n"; dry != want {
		t.Errorf("%q, want %q", dry, want)
	}
	if out := b.ok(t, "positions", "seek", file, "t", "615"); out != file+": 800 -> 610 of 1000\n1 position moved, 190 B are sent once more\n" {
		t.Error(out)
	}
	if out := b.ok(t, "positions", "seek", file, "--end"); !strings.Contains(out, "610 -> 1000 of 1000\n1 position moved, 390 B are passed over") {
		t.Error(out)
	}
	if out := b.ok(t, "positions", "forget", file); out != "forgotten: "+file+"\n" {
		t.Error(out)
	}
	b.fails(t, ExitFailure, "no positions are kept for the entry", "positions", "forget", file)
	b.fails(t, ExitUsage, "is not beginning, skipped or a time", "positions", "rewind", file, "--to", "monday")
	b.fails(t, ExitUsage, "is not TOPIC:PARTITION:OFFSET", "positions", "seek", file, "--offset", "x")
	b.fails(t, ExitUsage, "name a position in bytes", "positions", "seek", file)
}
