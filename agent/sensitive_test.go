package agent

import (
	"errors"
	"testing"
)

// TestSecretsNeedAllowPaths keeps what an editor of the list must not read through an agent
// without allow_paths.
func TestSecretsNeedAllowPaths(t *testing.T) {
	open, named := (&Config{}).allowed(), (&Config{AllowPaths: []string{"/etc/**"}}).allowed()
	for path, refused := range map[string]bool{
		"/etc/shadow": true, "/etc": true, "/root/app.log": true, "/proc/1/environ": true, "/sys/kernel/x": true, "/dev/sda": true,
		"/var/log/../../etc/passwd": true, "/home/ann/.ssh/config": true, "/srv/app/tls.KEY": true, "/srv/id_rsa.old": true, "/srv/a.pem": true,
		"/var/log/app.log": false, "/etcetera/app.log": false, "/dev/shm/app.log": false, "/srv/monkey.log": false, "/home/ann/app.log": false,
	} {
		if err := open(path); (err != nil) != refused || err != nil && !errors.Is(err, ErrNotAllowed) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := named("/etc/app/app.log"); err != nil {
		t.Errorf("named by allow_paths: %v", err)
	}
}
