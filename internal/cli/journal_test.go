package cli

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/journal"
	"github.com/google/go-cmp/cmp"
)

func TestJournalGetsAttributesAsFields(t *testing.T) {
	var message string
	var priority journal.Priority
	var fields map[string]string
	h := &journalHandler{level: slog.LevelInfo, send: func(m string, p journal.Priority, f map[string]string) error {
		message, priority, fields = m, p, f
		return nil
	}}
	log := slog.New(h).With("topic", "app_log").WithGroup("file").With("path", "/var/log/a b.log")
	log.Debug("left out")
	log.Warn("truncated", "bytes", 12, "why", errors.New("gone\nfor good"))
	if want := `truncated topic=app_log file.path="/var/log/a b.log" file.bytes=12 file.why="gone\nfor good"`; message != want {
		t.Errorf("message %q, want %q", message, want)
	}
	if priority != journal.PriWarning {
		t.Errorf("priority %d", priority)
	}
	want := map[string]string{"SYSLOG_IDENTIFIER": "logctl", "LOGCTL_TOPIC": "app_log", "LOGCTL_FILE_PATH": "/var/log/a b.log",
		"LOGCTL_FILE_BYTES": "12", "LOGCTL_FILE_WHY": "gone\nfor good"}
	if d := cmp.Diff(want, fields); d != "" {
		t.Error(d)
	}
}

func TestWhatTheJournalRefusesGoesToTheStream(t *testing.T) {
	var out bytes.Buffer
	h := &journalHandler{level: slog.LevelInfo, fallback: slog.NewTextHandler(&out, nil),
		send: func(string, journal.Priority, map[string]string) error { return errors.New("no journal") }}
	slog.New(h).With("topic", "app_log").Error("cannot save", "path", "/x")
	if s := out.String(); !strings.Contains(s, `msg="cannot save" topic=app_log path=/x`) {
		t.Errorf("%q", s)
	}
}
