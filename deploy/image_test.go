//go:build linux

package deploy

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha1" //nolint:gosec // the format of apk asks for it
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"logctl/internal/testkit"
)

// unpack writes the files of a tar below a root, with their owners, and returns what was in it.
func unpack(t *testing.T, root string, data []byte) map[string]*tar.Header {
	t.Helper()
	seen := map[string]*tar.Header{}
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // the control part of an apk has no end of its own
			return seen
		}
		if err != nil {
			t.Fatal(err)
		}
		seen[strings.TrimSuffix(h.Name, "/")] = h
		path := filepath.Join(root, h.Name)
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if want := h.PAXRecords["APK-TOOLS.checksum.SHA1"]; want != "" && h.Typeflag == tar.TypeReg {
			if sum := sha1.Sum(body); hex.EncodeToString(sum[:]) != want { //nolint:gosec // as above
				t.Errorf("%s: checksum %x, the package says %s", h.Name, sum, want)
			}
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(path, 0o755)
		case tar.TypeReg:
			if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
				err = os.WriteFile(path, body, 0o600)
			}
		default:
			t.Fatalf("%s: kind %q", h.Name, h.Typeflag)
		}
		if err == nil {
			err = errors.Join(os.Chown(path, h.Uid, h.Gid), os.Chmod(path, h.FileInfo().Mode()))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// streams splits a file of gzip streams, one behind the other, into their plain bytes and the
// SHA-256 of each as it lies in the file.
func streams(t *testing.T, path string) (plain [][]byte, sums []string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for rest := data; len(rest) > 0; {
		source := bytes.NewReader(rest)
		in := bufio.NewReaderSize(source, 16)
		z, err := gzip.NewReader(in)
		if err != nil {
			t.Fatal(err)
		}
		z.Multistream(false)
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		used := len(rest) - source.Len() - in.Buffered()
		plain, sums = append(plain, text), append(sums, fmt.Sprintf("%x", sha256.Sum256(rest[:used])))
		rest = rest[used:]
	}
	return plain, sums
}

// static fails when a program asks for a loader: it would not start on Alpine or from scratch.
func static(t *testing.T, path string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Errorf("%s asks for a loader", path)
		}
	}
}

// TestPackageAPK takes the apk apart as apk-tools do: its sums, its files with their modes, and
// its scripts, run in a root of their own. apk-tools themselves are not in Debian.
func TestPackageAPK(t *testing.T) {
	dist, base := packages(t)
	plain, sums := streams(t, one(t, dist, "*_x86_64.apk"))
	if len(plain) != 2 {
		t.Fatalf("%d streams, want control and data", len(plain))
	}
	h := newHost(t, base)
	control := t.TempDir()
	scripts := unpack(t, control, plain[0])
	info, err := os.ReadFile(filepath.Join(control, ".PKGINFO"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pkgname = logctl\n", "arch = x86_64\n", "license = Apache-2.0\n", "datahash = " + sums[1] + "\n"} {
		if !strings.Contains(string(info), want) {
			t.Errorf(".PKGINFO has no %q:\n%s", want, info)
		}
	}
	// The grammar of versions of apk-tools (apk-package(5)): another one cannot be installed.
	version := regexp.MustCompile(`(?m)^pkgver = [0-9]+(\.[0-9]+)*[a-z]?(_(alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*(-r[0-9]+)?$`)
	if !version.Match(info) {
		t.Errorf(".PKGINFO has a version that apk does not take:\n%s", info)
	}
	script := func(name string, args ...string) {
		t.Helper()
		if scripts[name] == nil {
			t.Fatalf("no script %s", name)
		}
		text, err := os.ReadFile(filepath.Join(control, name))
		if err != nil {
			t.Fatal(err)
		}
		h.write("tmp/script", string(text))
		h.run("chroot", append([]string{h.root, "/bin/sh", "/tmp/script"}, args...)...)
	}
	script(".pre-install", "0.2.0")
	files := unpack(t, h.root, plain[1])
	for name, mode := range map[string]fs.FileMode{
		"usr/bin/logctl": 0o755, "etc/init.d/logctl": 0o755, "etc/logctl/config.ini": 0o640, "usr/share/doc/logctl/copyright": 0o644,
		"usr/share/doc/logctl/THIRD_PARTY_NOTICES":     0o644,
		"usr/share/bash-completion/completions/logctl": 0o644,
	} {
		if f := files[name]; f == nil || f.FileInfo().Mode().Perm() != mode {
			t.Errorf("%s: %+v, want mode %v", name, f, mode)
		}
	}
	for name := range files {
		if strings.Contains(name, "systemd") {
			t.Errorf("%s: Alpine has no systemd", name)
		}
	}
	script(".post-install", "0.2.0")
	uid, gid := h.ids()
	st, err := os.Stat(h.path("var/lib/logctl"))
	if err != nil {
		t.Fatal(err)
	}
	if sys := st.Sys().(*syscall.Stat_t); uid == 0 || int(sys.Uid) != uid || int(sys.Gid) != gid || st.Mode().Perm() != 0o700 {
		t.Errorf("data directory: %v, uid %d, gid %d; logctl is %d, %d", st.Mode(), sys.Uid, sys.Gid, uid, gid)
	}
	script(".pre-upgrade", "0.3.0", "0.2.0")
	script(".post-upgrade", "0.3.0", "0.2.0")
	script(".pre-deinstall", "0.3.0")
	script(".post-deinstall", "0.3.0")
	if !h.exists("var/lib/logctl") {
		t.Error("a removal takes the positions")
	}
	static(t, h.path("usr/bin/logctl"))
	if out := h.run("chroot", h.root, "/usr/bin/logctl", "version"); !strings.Contains(out, "without the demo") {
		t.Errorf("version: %q", out)
	}
}

// blob reads a part of an image layout by its digest, and checks it.
func blob(t *testing.T, dir, digest string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "blobs", strings.Replace(digest, ":", "/", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("sha256:%x", sha256.Sum256(data)); got != digest {
		t.Errorf("%s holds %s", digest, got)
	}
	return data
}

// imageConfig is the part of an image's configuration that a runtime obeys.
type imageConfig struct {
	User            string
	Env, Entrypoint []string
	Cmd             []string
	Volumes         map[string]struct{}
}

// image unpacks the image of this architecture into a directory.
func image(t *testing.T, layout, root string) imageConfig {
	t.Helper()
	type descriptor struct {
		Digest   string
		Platform struct{ Architecture string }
	}
	var index struct{ Manifests []descriptor }
	data, err := os.ReadFile(filepath.Join(layout, "index.json"))
	if err == nil {
		err = json.Unmarshal(data, &index)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range index.Manifests {
		if m.Platform.Architecture != "amd64" {
			continue
		}
		var manifest struct {
			Config descriptor
			Layers []descriptor
		}
		var conf struct{ Config imageConfig }
		if err := json.Unmarshal(blob(t, layout, m.Digest), &manifest); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(blob(t, layout, manifest.Config.Digest), &conf); err != nil {
			t.Fatal(err)
		}
		for _, l := range manifest.Layers {
			z, err := gzip.NewReader(bytes.NewReader(blob(t, layout, l.Digest)))
			if err != nil {
				t.Fatal(err)
			}
			plain, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			unpack(t, root, plain)
		}
		return conf.Config
	}
	t.Fatal("no image for amd64")
	return imageConfig{}
}

// TestPackageImage runs the image as a container runtime would: its layers as root directory,
// its user, its environment and its command, nothing else.
func TestPackageImage(t *testing.T) {
	dist, _ := packages(t)
	root := filepath.Join(t.TempDir(), "root")
	c := image(t, filepath.Join(dist, "image"), root)
	if _, ok := c.Volumes["/var/lib/logctl"]; !ok || c.User == "" || strings.HasPrefix(c.User, "0") {
		t.Errorf("user %q, volumes %v", c.User, c.Volumes)
	}
	static(t, filepath.Join(root, "usr/bin/logctl"))
	for _, name := range []string{"LICENSE", "THIRD_PARTY_NOTICES"} {
		if st, err := os.Stat(filepath.Join(root, "usr/share/doc/logctl", name)); err != nil || st.Size() == 0 {
			t.Errorf("the image carries no %s: %v", name, err)
		}
	}
	kafka, etcd := testkit.Kafka(t), testkit.Etcd(t)
	topic, key := kafka.Topic(t, 1), etcd.Key(t)
	if _, err := etcd.Client(t).Put(t.Context(), key, fmt.Sprintf(`[{"path": "/tmp/app.log", "topic": %q, "from": "beginning"}]`, topic)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "tmp/app.log"), testkit.Numbered(1, 100, ""), 0o644); err != nil {
		t.Fatal(err)
	}
	// What every runtime mounts: the agent opens files by way of /proc/self/fd.
	proc := filepath.Join(root, "proc")
	if err := errors.Join(os.Mkdir(proc, 0o555), syscall.Mount("proc", proc, "proc", 0, "")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(proc, 0); err != nil {
			t.Error(err)
		}
	})
	var log bytes.Buffer
	cmd := exec.Command("chroot", append(append([]string{"--userspec=" + c.User, "--groups=", root}, c.Entrypoint...), c.Cmd...)...)
	cmd.Env = append(c.Env, "LOGCTL_KAFKA_ADDRESS="+strings.Join(kafka.Addrs(), ","), "LOGCTL_ETCD_ADDRESS="+strings.Join(etcd.Endpoints(), ","),
		"LOGCTL_ETCD_COLLECT_KEY="+key, "LOGCTL_AGENT_ID="+key)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := sync.OnceFunc(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the agent: %v", err)
		}
		if t.Failed() {
			t.Logf("the agent said:\n%s", log.String())
		}
	})
	t.Cleanup(end)
	testkit.Eventually(t, "the lines arrive", func() bool { return len(kafka.Read(t, topic)) == 100 })
	end()
	st, err := os.Stat(filepath.Join(root, "var/lib/logctl/positions.db"))
	if err != nil {
		t.Fatal(err)
	}
	if uid := st.Sys().(*syscall.Stat_t).Uid; fmt.Sprintf("%d:%d", uid, uid) != c.User {
		t.Errorf("positions belong to %d, the user is %s", uid, c.User)
	}
}
