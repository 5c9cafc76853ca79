package agent

import (
	"errors"
	"testing"
)

func TestAllowedPaths(t *testing.T) {
	allowed := (&Config{AllowPaths: []string{"/var/log/**", "/data/*.log"}}).allowed()
	for path, want := range map[string]bool{
		"/var/log/syslog": true, "/var/log/a/b/c.log": true, "/data/x.log": true,
		"/etc/shadow": false, "/var/log/../../etc/shadow": false, "/data/sub/x.log": false, "/var/logs/x": false,
	} {
		if err := allowed(path); (err == nil) != want || err != nil && !errors.Is(err, ErrNotAllowed) {
			t.Errorf("%s: got %v, want allowed %v", path, err, want)
		}
	}
	if err := (&Config{}).allowed()("/srv/app.log"); err != nil {
		t.Errorf("no allow_paths must allow what holds no secrets: %v", err)
	}
}
