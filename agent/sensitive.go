package agent

import (
	"fmt"
	"strings"
)

// notSensitive is the check of paths where allow_paths is not set: every path is allowed but
// those that hold the system's secrets. Whoever may edit the list of entries must not read
// them through us.
func notSensitive(path string) error {
	if what := sensitive(slashed(path)); what != "" {
		return fmt.Errorf("%w: %s is read only where they name it", ErrNotAllowed, what)
	}
	return nil
}

// sensitive says what makes a path one that only allow_paths opens; "" when nothing does.
func sensitive(path string) string {
	for _, dir := range []string{"/etc", "/root", "/proc", "/sys", "/dev"} {
		if path == dir || strings.HasPrefix(path, dir+"/") && !strings.HasPrefix(path, "/dev/shm/") {
			return "what is below " + dir
		}
	}
	for _, dir := range []string{"/.ssh/", "/.gnupg/", "/.aws/", "/.kube/"} {
		if strings.Contains(path, dir) {
			return "a directory of keys (" + strings.Trim(dir, "/") + ")"
		}
	}
	name := strings.ToLower(path[strings.LastIndexByte(path, '/')+1:])
	for _, end := range []string{".pem", ".key", ".p12", ".pfx", ".jks", ".keytab"} {
		if strings.HasSuffix(name, end) {
			return "a file that looks like a key (*" + end + ")"
		}
	}
	for _, begin := range []string{"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"} {
		if strings.HasPrefix(name, begin) {
			return "a file that looks like a key (" + begin + ")"
		}
	}
	return ""
}
