//go:build linux

package deploy

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// packages returns the directory of a release and the root of a small Debian;
// .ci/packages-check sets both. The test needs root's rights.
func packages(t *testing.T) (dist, base string) {
	t.Helper()
	dist, base = os.Getenv("LOGCTL_PACKAGES"), os.Getenv("LOGCTL_PACKAGE_ROOT")
	if dist == "" || base == "" {
		t.Skip("needs LOGCTL_PACKAGES and LOGCTL_PACKAGE_ROOT: run make packages-check")
	}
	return dist, base
}

// one finds the only file of a pattern.
func one(t *testing.T, dir, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s in %s: %v, %v", pattern, dir, found, err)
	}
	return found[0]
}

// host is a root of its own.
type host struct {
	t    *testing.T
	root string
}

func newHost(t *testing.T, base string) *host {
	t.Helper()
	h := &host{t: t, root: filepath.Join(t.TempDir(), "root")}
	h.run("cp", "-a", "--reflink=auto", base, h.root)
	h.run("mount", "-t", "proc", "proc", h.path("proc"))
	t.Cleanup(func() { h.run("umount", h.path("proc")) })
	return h
}

func (h *host) run(name string, args ...string) string {
	h.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		h.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (h *host) path(name string) string { return filepath.Join(h.root, name) }

func (h *host) exists(name string) bool {
	_, err := os.Lstat(h.path(name))
	return err == nil
}

func (h *host) read(name string) string {
	h.t.Helper()
	data, err := os.ReadFile(h.path(name))
	if err != nil {
		h.t.Fatal(err)
	}
	return string(data)
}

// ids are user and group of logctl on the host; 0: there is none.
func (h *host) ids() (uid, gid int) {
	if m := regexp.MustCompile(`(?m)^logctl:x:(\d+):(\d+):`).FindStringSubmatch(h.read("etc/passwd")); m != nil {
		_, _ = fmt.Sscan(m[1]+" "+m[2], &uid, &gid)
	}
	return uid, gid
}

// installed checks what every package leaves on a host.
func (h *host) installed() {
	h.t.Helper()
	uid, gid := h.ids()
	if uid == 0 || gid == 0 {
		h.t.Fatal("no user logctl")
	}
	for _, want := range []struct {
		name     string
		mode     fs.FileMode
		uid, gid int
	}{
		{"usr/bin/logctl", 0o755, 0, 0},
		{"etc/logctl/config.ini", 0o640, 0, gid},
		{"var/lib/logctl", 0o700, uid, gid},
		{"usr/lib/systemd/system/logctl.service", 0o644, 0, 0},
		{"usr/share/man/man1/logctl-agent.1", 0o644, 0, 0},
		{"usr/share/bash-completion/completions/logctl", 0o644, 0, 0},
		{"usr/share/doc/logctl/THIRD_PARTY_NOTICES", 0o644, 0, 0},
	} {
		st, err := os.Stat(h.path(want.name))
		if os.IsNotExist(err) && strings.Contains(want.name, "/man/") {
			st, err = os.Stat(h.path(want.name) + ".gz")
		}
		if err != nil {
			h.t.Error(err)
			continue
		}
		sys := st.Sys().(*syscall.Stat_t)
		if st.Mode().Perm() != want.mode || int(sys.Uid) != want.uid || int(sys.Gid) != want.gid {
			h.t.Errorf("%s: %v, uid %d, gid %d; want %v, %d, %d", want.name, st.Mode(), sys.Uid, sys.Gid, want.mode, want.uid, want.gid)
		}
	}
	if !h.exists("etc/systemd/system/multi-user.target.wants/logctl.service") {
		h.t.Error("logctl.service is not enabled")
	}
	if h.exists("etc/systemd/system/timers.target.wants/logctl-verify.timer") {
		h.t.Error("logctl-verify.timer is enabled without having been asked for")
	}
}

// agent starts the installed agent as its service does: as logctl, with the one capability.
// stop ends it in order.
func (h *host) agent() (stop func()) {
	h.t.Helper()
	uid, gid := h.ids()
	cmd := exec.Command("chroot", h.root, "setpriv", "--reuid", fmt.Sprint(uid), "--regid", fmt.Sprint(gid), "--clear-groups",
		"--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search", "--bounding-set", "-all,+dac_read_search", "--no-new-privs",
		"/usr/bin/logctl", "agent", "--config", "/etc/logctl/config.ini")
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/var/lib/logctl", "LOGCTL_AGENT_DATA_DIR=/var/lib/logctl"}
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			h.t.Errorf("agent ended by itself: %v", err)
		}
		if err := cmd.Wait(); err != nil {
			h.t.Errorf("agent: %v\n%s", err, log.String())
		}
	})
	h.t.Cleanup(func() {
		stop()
		if h.t.Failed() {
			h.t.Logf("the agent said:\n%s", log.String())
		}
	})
	return stop
}

// keepWriting appends numbered lines to a file that only root may read, until stop is
// called; stop returns the number of the last one.
func (h *host) keepWriting(name string) (stop func() int) {
	h.t.Helper()
	f, err := os.OpenFile(h.path(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		h.t.Fatal(err)
	}
	done, ended := make(chan struct{}), make(chan error, 1)
	last := 0
	go func() {
		defer f.Close()
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			if _, err := f.Write(testkit.Numbered(last+1, 1, "")); err != nil {
				ended <- err
				return
			}
			last++
			select {
			case <-done:
				ended <- nil
				return
			case <-tick.C:
			}
		}
	}()
	stop = sync.OnceValue(func() int {
		close(done)
		if err := <-ended; err != nil {
			h.t.Error(err)
		}
		return last
	})
	h.t.Cleanup(func() { stop() })
	return stop
}

// TestPackageDeb installs, upgrades beneath a running agent, removes and purges by dpkg.
func TestPackageDeb(t *testing.T) {
	dist, base := packages(t)
	deb := one(t, dist, "*_amd64.deb")
	h := newHost(t, base)
	dpkg := func(args ...string) string {
		return h.run("dpkg", append([]string{"--root=" + h.root, "--force-not-root"}, args...)...)
	}
	dpkg("-i", deb)
	h.installed()
	if out := h.run("dpkg-query", "--admindir="+h.path("var/lib/dpkg"), "-W", "-f", "${Conffiles}", "logctl"); !strings.Contains(out, "/etc/logctl/config.ini") {
		t.Errorf("conffiles: %q", out)
	}
	if out := h.run("chroot", h.root, "/usr/bin/logctl", "version"); !strings.Contains(out, "without the demo") {
		t.Errorf("version: %q", out)
	}

	kafka, etcd := testkit.Kafka(t), testkit.Etcd(t)
	topic, key := kafka.Topic(t, 1), etcd.Key(t)
	h.configure(kafka, etcd, key)
	if _, err := etcd.Client(t).Put(t.Context(), key, fmt.Sprintf(`[{"path": "/var/log/app.log", "topic": %q, "from": "beginning"}]`, topic)); err != nil {
		t.Fatal(err)
	}
	written := h.keepWriting("var/log/app.log")
	arrived := func() int { return len(kafka.Read(t, topic)) }
	stop := h.agent()
	testkit.Eventually(t, "the first lines arrive", func() bool { return arrived() > 20 })

	dpkg("-i", h.newer(deb)) // beneath the running agent
	h.installed()
	if !strings.Contains(h.read("etc/logctl/config.ini"), key) {
		t.Error("the upgrade took the settings back")
	}
	before := arrived()
	began := time.Now()
	stop() // what systemctl try-restart does
	stop = h.agent()
	testkit.Eventually(t, "lines arrive from the new agent", func() bool { return arrived() > before+20 })
	handedOver := time.Now()
	last := written()
	testkit.Eventually(t, "the last line arrives", func() bool { return arrived() >= last })
	var got []int
	records := kafka.Read(t, topic)
	for _, r := range records {
		got = append(got, testkit.Number([]byte(r.Value)))
	}
	testkit.CheckNumbers(t, got, last)
	// A record's time is when its line was read. That it is a second at most is held in pretended time: agent's TestHandOver.
	t.Logf("hand-over: no line was read for %v", longestGap(records, began, handedOver).Round(time.Millisecond))
	stop()

	dpkg("-r", "logctl")
	if !h.exists("var/lib/logctl/positions.db") || !h.exists("etc/logctl/config.ini") || h.exists("usr/bin/logctl") {
		t.Error("a removal takes positions or settings, or leaves the program")
	}
	if h.exists("etc/systemd/system/multi-user.target.wants/logctl.service") {
		t.Error("a removal leaves the unit enabled")
	}
	dpkg("-P", "logctl")
	if uid, _ := h.ids(); uid != 0 || h.exists("var/lib/logctl") || h.exists("etc/logctl") {
		t.Error("a purge leaves user, positions or settings")
	}
}

// longestGap is the longest time between two records that were read one after the other
// within a time.
func longestGap(records []testkit.Record, from, to time.Time) time.Duration {
	longest := time.Duration(0)
	for i := 1; i < len(records); i++ {
		if records[i].Time.After(from) && records[i-1].Time.Before(to) {
			longest = max(longest, records[i].Time.Sub(records[i-1].Time))
		}
	}
	return longest
}

// TestPackageRPM does the same by rpm, as far as it differs.
func TestPackageRPM(t *testing.T) {
	dist, base := packages(t)
	file := one(t, dist, "*.x86_64.rpm")
	h := newHost(t, base)
	rpm := func(args ...string) string { return h.run("rpm", append([]string{"--root", h.root}, args...)...) }
	rpm("--initdb")
	rpm("-i", "--nodeps", "--nosignature", file) // the dependencies are packages of another kind here
	h.installed()
	if out := rpm("-qc", "logctl"); strings.TrimSpace(out) != "/etc/logctl/config.ini" {
		t.Errorf("configuration files: %q", out)
	}
	if out := rpm("-V", "--nodeps", "--nogroup", "logctl"); strings.Contains(out, "missing") {
		t.Errorf("verify: %s", out)
	}
	kept := h.read("etc/logctl/config.ini") + "\n; mine\n"
	h.write("etc/logctl/config.ini", kept)
	h.write("var/lib/logctl/positions.db", "positions")
	rpm("-U", "--replacepkgs", "--nodeps", "--nosignature", file)
	if h.read("etc/logctl/config.ini") != kept || !h.exists("var/lib/logctl/positions.db") {
		t.Error("an upgrade takes settings or positions")
	}
	rpm("-e", "--nodeps", "logctl")
	if h.exists("usr/bin/logctl") || h.exists("etc/systemd/system/multi-user.target.wants/logctl.service") {
		t.Error("a removal leaves the program, or the unit enabled")
	}
	if !h.exists("var/lib/logctl/positions.db") || !h.exists("etc/logctl/config.ini.rpmsave") {
		t.Error("a removal takes positions or edited settings")
	}
}

func (h *host) write(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(h.path(name), []byte(text), 0o640); err != nil {
		h.t.Fatal(err)
	}
}

// configure writes the settings of the test into the conffile, as an operator does.
func (h *host) configure(k *testkit.KafkaServer, e *testkit.EtcdServer, key string) {
	h.t.Helper()
	f, err := os.OpenFile(h.path("etc/logctl/config.ini"), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	_, err = fmt.Fprintf(f, "[kafka]\naddress = %s\n[etcd]\naddress = %s\ncollect_key = %s\n[agent]\nid = %s\n",
		strings.Join(k.Addrs(), ","), strings.Join(e.Endpoints(), ","), key, key)
	if closeErr := f.Close(); err != nil || closeErr != nil {
		h.t.Fatal(err, closeErr)
	}
}

// newer repacks a deb under the next version.
func (h *host) newer(deb string) string {
	h.t.Helper()
	dir := filepath.Join(h.t.TempDir(), "deb")
	h.run("dpkg-deb", "-R", deb, dir)
	control := filepath.Join(dir, "DEBIAN", "control")
	text, err := os.ReadFile(control)
	if err != nil {
		h.t.Fatal(err)
	}
	text = regexp.MustCompile(`(?m)^Version: .*$`).ReplaceAll(text, []byte("Version: 99.0.0"))
	if err := os.WriteFile(control, text, 0o644); err != nil {
		h.t.Fatal(err)
	}
	out := filepath.Join(h.t.TempDir(), "newer.deb")
	h.run("dpkg-deb", "-b", "--root-owner-group", dir, out)
	return out
}
