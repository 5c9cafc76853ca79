// Command image writes an OCI image layout with logctl in it and nothing to run beside:
// no shell, no libraries. It needs no Docker. Same binaries, same bytes.
//
//	go run . -dist ../../dist -out ../../dist/image -version 0.2.0 -date 2026-11-30T01:00:00Z
//
// `skopeo copy oci:dist/image docker://registry/logctl:0.2.0` or `crane push dist/image …` publish it.
package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// uid is the user and the group of the image, "nonroot" of the images without a distribution.
const uid = 65532

// build is what the image is made from.
type build struct {
	dist, out, config       string
	texts                   string // directory of the licence and the notices
	version, commit, source string
	date                    time.Time
}

func main() {
	var b build
	date := ""
	flag.StringVar(&b.dist, "dist", "dist", "directory of a release, with artifacts.json")
	flag.StringVar(&b.out, "out", "dist/image", "OCI layout to write, made anew")
	flag.StringVar(&b.config, "config", "../config.ini", "sample configuration")
	flag.StringVar(&b.texts, "texts", "../..", "directory of LICENSE and THIRD_PARTY_NOTICES")
	flag.StringVar(&b.version, "version", "", "version of the release")
	flag.StringVar(&b.commit, "commit", "", "its commit")
	flag.StringVar(&date, "date", "", "the commit's time, RFC 3339: the time of all files")
	flag.StringVar(&b.source, "source", "", "address of the repository")
	flag.Parse()
	var err error
	if b.date, err = time.Parse(time.RFC3339, date); err == nil {
		err = b.write()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// artifact is a line of goreleaser's artifacts.json.
type artifact struct {
	Path, Type   string
	Goos, Goarch string
	Extra        struct{ ID string }
}

// binaries finds the binaries for hosts, by GOARCH.
func (b *build) binaries() (map[string]string, error) {
	data, err := os.ReadFile(filepath.Join(b.dist, "artifacts.json"))
	if err != nil {
		return nil, fmt.Errorf("read the release: %w", err)
	}
	var list []artifact
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("read the release: %w", err)
	}
	found := map[string]string{}
	for _, a := range list {
		if a.Type == "Binary" && a.Goos == "linux" && a.Extra.ID == "host" {
			// Paths are relative to the directory dist stands in.
			found[a.Goarch] = filepath.Join(filepath.Dir(filepath.Clean(b.dist)), a.Path)
		}
	}
	if len(found) == 0 {
		return nil, errors.New("no Linux binary in the release: run make release first")
	}
	return found, nil
}

func (b *build) write() error {
	found, err := b.binaries()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(b.out); err != nil {
		return fmt.Errorf("make room: %w", err)
	}
	base, err := b.base()
	if err != nil {
		return err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range []string{"amd64", "arm64"} {
		if found[arch] == "" {
			continue
		}
		img, err := b.image(arch, found[arch], base)
		if err != nil {
			return fmt.Errorf("%s: %w", arch, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
		layers, err := img.Layers()
		if err != nil {
			return err
		}
		var size int64
		for _, l := range layers {
			n, err := l.Size()
			if err != nil {
				return err
			}
			size += n
		}
		fmt.Printf("linux/%s: %.1f MB compressed\n", arch, float64(size)/1e6)
	}
	if _, err := layout.Write(b.out, index); err != nil {
		return fmt.Errorf("write %s: %w", b.out, err)
	}
	return nil
}

// image is the image of one architecture.
func (b *build) image(arch, binary string, base v1.Layer) (v1.Image, error) {
	program, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	files := b.tar()
	files.dir("usr/", 0o755, 0)
	files.dir("usr/bin/", 0o755, 0)
	files.file("usr/bin/logctl", 0o755, program)
	layer, err := files.layer()
	if err != nil {
		return nil, err
	}
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, l := range []v1.Layer{base, layer} {
		if img, err = mutate.Append(img, mutate.Addendum{Layer: l, MediaType: types.OCILayer,
			History: v1.History{Created: v1.Time{Time: b.date}, CreatedBy: "logctl/deploy/image"}}); err != nil {
			return nil, err
		}
	}
	conf, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	conf = conf.DeepCopy()
	conf.OS, conf.Architecture, conf.Created = "linux", arch, v1.Time{Time: b.date}
	conf.Config = v1.Config{
		User:       fmt.Sprintf("%d:%d", uid, uid),
		Env:        []string{"PATH=/usr/bin", "HOME=/var/lib/logctl", "LOGCTL_AGENT_DATA_DIR=/var/lib/logctl"},
		Entrypoint: []string{"/usr/bin/logctl"}, Cmd: []string{"agent"},
		WorkingDir: "/", Volumes: map[string]struct{}{"/var/lib/logctl": {}}, StopSignal: "SIGTERM",
		Labels: map[string]string{
			"org.opencontainers.image.title": "logctl", "org.opencontainers.image.version": b.version,
			"org.opencontainers.image.revision": b.commit, "org.opencontainers.image.source": b.source,
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
	return mutate.ConfigFile(img, conf)
}

// base is what stands around the program: users, authorities, places to write to.
func (b *build) base() (v1.Layer, error) {
	config, err := os.ReadFile(b.config)
	if err != nil {
		return nil, err
	}
	var roots bytes.Buffer
	for c := range bundle.Roots() {
		if c.Constraint != nil {
			continue // trusted for some certificates only, which a file cannot say
		}
		if err := pem.Encode(&roots, &pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate}); err != nil {
			return nil, err
		}
	}
	f := b.tar()
	f.dir("usr/", 0o755, 0)
	f.dir("usr/share/", 0o755, 0)
	f.dir("usr/share/doc/", 0o755, 0)
	f.dir("usr/share/doc/logctl/", 0o755, 0)
	for _, name := range []string{"LICENSE", "THIRD_PARTY_NOTICES"} {
		text, err := os.ReadFile(filepath.Join(b.texts, name))
		if err != nil {
			return nil, err
		}
		f.file("usr/share/doc/logctl/"+name, 0o644, text)
	}
	f.dir("etc/", 0o755, 0)
	f.file("etc/passwd", 0o644, fmt.Appendf(nil, "root:x:0:0:root:/root:/sbin/nologin\nlogctl:x:%d:%d:logctl agent:/var/lib/logctl:/sbin/nologin\n", uid, uid))
	f.file("etc/group", 0o644, fmt.Appendf(nil, "root:x:0:\nlogctl:x:%d:\n", uid))
	f.dir("etc/logctl/", 0o755, 0)
	f.file("etc/logctl/config.ini", 0o644, config)
	f.dir("etc/ssl/", 0o755, 0)
	f.dir("etc/ssl/certs/", 0o755, 0)
	f.file("etc/ssl/certs/ca-certificates.crt", 0o644, roots.Bytes())
	f.dir("tmp/", 0o1777, 0)
	f.dir("var/", 0o755, 0)
	f.dir("var/lib/", 0o755, 0)
	f.dir("var/lib/logctl/", 0o700, uid)
	return f.layer()
}

// archive collects the files of a layer.
type archive struct {
	buf  *bytes.Buffer
	tar  *tar.Writer
	date time.Time
	err  error
}

func (b *build) tar() *archive {
	buf := &bytes.Buffer{}
	return &archive{buf: buf, tar: tar.NewWriter(buf), date: b.date}
}

func (a *archive) dir(name string, mode int64, owner int) {
	a.add(&tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode, Uid: owner, Gid: owner}, nil)
}

func (a *archive) file(name string, mode int64, data []byte) {
	a.add(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(data))}, data)
}

func (a *archive) add(h *tar.Header, data []byte) {
	if a.err != nil {
		return
	}
	h.ModTime, h.Format = a.date, tar.FormatUSTAR
	if a.err = a.tar.WriteHeader(h); a.err == nil {
		_, a.err = a.tar.Write(data)
	}
}

func (a *archive) layer() (v1.Layer, error) {
	if err := errors.Join(a.err, a.tar.Close()); err != nil {
		return nil, fmt.Errorf("write layer: %w", err)
	}
	data := a.buf.Bytes()
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
		tarball.WithMediaType(types.OCILayer))
}
