package cli

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"logctl/agent"
	"logctl/agent/positions"
	"logctl/agent/state"
)

// certificateSoon is how long before its end a certificate is warned of.
const certificateSoon = 30 * 24 * time.Hour

// freeLeast is the room on the disk of the data directory below which there is a warning.
const freeLeast = 256 << 20

// certificate looks when the certificates in a PEM file end.
func (d *doctor) certificate(where, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		d.problem("settings", where, err.Error(), "let this user read it")
		return
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			d.problem("settings", where, file+": "+err.Error(), "")
			continue
		}
		d.ends("settings", where, file+": the certificate "+strconv.Quote(cert.Subject.CommonName), cert.NotAfter)
	}
}

// ends says when a certificate ends.
func (d *doctor) ends(area, where, what string, at time.Time) {
	const do = "renew it; it is read again when the file changes"
	switch left := time.Until(at); {
	case left <= 0:
		d.problem(area, where, what+" expired on "+at.Format(time.DateOnly), do)
	case left < certificateSoon:
		d.warn(area, where, fmt.Sprintf("%s ends in %s, on %s", what, shortDuration(left), at.Format(time.DateOnly)), do)
	default:
		d.ok(area, where, what+" is valid until "+at.Format(time.DateOnly))
	}
}

// host looks at the data directory and the limits of this host.
func (d *doctor) host() {
	if os.Geteuid() == 0 && len(d.c.Agent.AllowPaths) == 0 {
		d.warn("settings", "[agent] allow_paths", "the agent runs as root and may read nearly every file: whoever may edit the list decides which", "set allow_paths, for example /var/log/**")
	}
	dir, err := d.a.dataDir(d.c)
	if err != nil {
		d.problem("host", "[agent] data_dir", err.Error(), "")
		return
	}
	d.dataDir(dir)
	if free, ok := diskFree(dir); ok {
		if free < freeLeast {
			d.warn("host", dir, shortBytes(free)+" are free on its disk: positions cannot be saved when it is full", "make room")
		} else {
			d.ok("host", dir, shortBytes(free)+" are free on its disk")
		}
	}
	for _, l := range limits() {
		if l.value < l.least {
			d.warn("host", l.name, fmt.Sprintf("is %d: %s", l.value, l.effect), l.do)
		} else {
			d.ok("host", l.name, fmt.Sprintf("is %d", l.value))
		}
	}
}

// dataDir looks whether the directory can be used, without making it.
func (d *doctor) dataDir(dir string) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		parent := filepath.Dir(dir)
		for parent != filepath.Dir(parent) {
			if _, err := os.Stat(parent); err == nil {
				break
			}
			parent = filepath.Dir(parent)
		}
		if err := writable(parent); err != nil {
			d.problem("host", dir, "it does not exist and cannot be made: "+err.Error(), "make it for the agent's user, or set [agent] data_dir")
		} else {
			d.ok("host", dir, "will be made at the first start")
		}
		return
	case err != nil:
		d.problem("host", dir, err.Error(), "set [agent] data_dir to a directory that the agent's user may write")
		return
	case !info.IsDir():
		d.problem("host", dir, "is not a directory", "set [agent] data_dir")
		return
	}
	if err := writable(dir); err != nil {
		d.problem("host", dir, err.Error(), "let the agent's user write there, or set [agent] data_dir")
		return
	}
	if !positions.Exists(dir) {
		d.ok("host", dir, "can be written; no agent ran with it yet")
		return
	}
	reg, err := positions.Open(dir, slog.New(slog.DiscardHandler))
	switch {
	case errors.Is(err, positions.ErrLocked):
		d.ok("host", dir, "an agent is using it")
	case err != nil:
		d.problem("host", dir, err.Error(), "")
	default:
		n := len(reg.Keys())
		if err := reg.Close(); err != nil {
			d.problem("host", dir, err.Error(), "")
			return
		}
		d.ok("host", dir, "holds the positions of "+plural(n, "entry", "entries")+"; no agent is using it")
	}
}

// writable tries to make a file in a directory.
func writable(dir string) error {
	f, err := os.CreateTemp(dir, ".logctl-doctor-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// files looks what each entry matches on this host.
func (d *doctor) files(ctx context.Context) {
	access := agent.AccessOf(d.c.Agent.AllowPaths)
	total := 0
	for _, e := range d.list {
		p, err := agent.PreviewEntry(ctx, e, access)
		if err != nil {
			todo := "correct the entry"
			if errors.Is(err, agent.ErrNotAllowed) {
				todo = state.Of(state.NotAllowed).Do
			}
			d.problem("files", e.Path, err.Error(), todo)
			continue
		}
		total += p.Matches
		if p.Matches == 0 {
			d.warn("files", e.Path, "no file has the path, or matches the glob", "nothing, if the file comes later or lives on other hosts")
			continue
		}
		bad := 0
		for _, f := range p.Files {
			if f.Error != "" {
				if bad++; bad <= 3 {
					d.problem("files", f.Path, f.Error, state.Of(f.State).Do+" Or leave it out with exclude.")
				}
			}
		}
		if bad > 3 {
			d.problem("files", e.Path, fmt.Sprintf("%d files of it cannot be read, of which three are named", bad), "")
		}
		d.ok("files", e.Path, plural(p.Matches, "file matches", "files match")+", "+shortBytes(p.Bytes)+d.family(ctx, p.Of))
	}
	for _, l := range limits() {
		if l.files && int64(total)*2 > l.value {
			d.warn("host", l.name, fmt.Sprintf("is %d, and %d files match: %s", l.value, total, l.effect), l.do)
		}
	}
}

// limit is a limit of the system that following files meets.
type limit struct {
	name         string
	value, least int64
	files        bool // each file needs one of it
	effect, do   string
}
