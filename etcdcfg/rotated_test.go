package etcdcfg

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestRotatedGlobs(t *testing.T) {
	e := Entry{Rotated: []string{"old/app-*.log", "../backup/*", "/srv/app/*.log"}}
	want := []string{"/var/log/app/old/app-*.log", "/var/log/backup/*", "/srv/app/*.log"}
	if got := e.RotatedGlobs("/var/log/app/app.log"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := e.RotatedGlobs("/var/log/{a}/app.log"); got[0] != `/var/log/\{a}/old/app-*.log` {
		t.Errorf("a brace in a directory's name: %q", got[0])
	}
	if got := e.RotatedGlobs(`C:\logs\app.log`); got[0] != "C:/logs/old/app-*.log" {
		t.Errorf("on Windows: %q", got[0])
	}
}

func TestRotatedOfOthers(t *testing.T) {
	for _, c := range []struct {
		name, list, problem string
	}{
		{"its own generations", `[{"path":"/l/app.log","topic":"t","rotated":["app-*.log"]},{"path":"/l/web.log","topic":"t"}]`, ""},
		{"another entry's file", `[{"path":"/l/app.log","topic":"t","rotated":["app*.log"]},{"path":"/l/app2.log","topic":"t"}]`,
			`rotated[0]: "app*.log" matches "/l/app2.log", which entry 2 follows`},
		{"a paused entry's file", `[{"path":"/l/app.log","topic":"t","rotated":["app*.log"]},{"path":"/l/app2.log","topic":"t","disabled":true}]`, ""},
		{"the same file to two topics", `[{"path":"/l/app.log","topic":"t","rotated":["app*.log"]},{"path":"/l/app.log","topic":"u"}]`, ""},
		{"no glob", `[{"path":"/l/app.log","topic":"t","rotated":["app[.log"]}]`, "bad glob"},
		{"no list", `[{"path":"/l/app.log","topic":"t","rotated":"app.*"}]`, "must be a list of texts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse([]byte(c.list))
			var list *ListError
			switch {
			case c.problem == "" && err != nil:
				t.Error(err)
			case c.problem != "" && (!errors.As(err, &list) || !strings.Contains(err.Error(), c.problem)):
				t.Errorf("error %v, want %s", err, c.problem)
			}
		})
	}
}
