package tail

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"logctl/agent/tail/internal/fsys"
)

// pack rotates by rename, and then compresses a generation in the steps that a program has
// for that: the one before, or the one that was just moved away. Numbers begin at one and
// move up, or rise for ever; those are told by times, so that times must tell.
func (r *racer) pack() {
	r.rotate()
	away, before := r.name(1), r.name(2)
	if r.rises {
		away, before = r.name(r.turns), r.name(r.turns-1)
	}
	if r.delay {
		r.compress(before)
	} else {
		r.compress(away)
	}
}

// compress compresses a file if it is there when its turn comes.
func (r *racer) compress(plain string) {
	var rest []byte
	var to *os.File
	r.todo = append(r.todo, func() {
		content, err := os.ReadFile(plain)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		r.must(err)
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err = z.Write(content)
		r.must(errors.Join(err, z.Close()))
		rest = b.Bytes()
		to, err = os.OpenFile(plain+".gz", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		r.must(err)
		if r.after != nil {
			r.files.gone(r.isOpen)
		}
		r.note("begin %s.gz, %d", filepath.Base(plain), r.files.made(plain+".gz"))
	})
	put := func(share int) func() {
		return func() {
			if to == nil {
				return
			}
			b := rest[:len(rest)/share]
			_, err := to.Write(b)
			r.must(err)
			r.files.wrote(to)
			rest = rest[len(b):]
			r.note("compress to %d bytes more", len(b))
		}
	}
	r.todo = append(r.todo, put(2), put(1), func() {
		if to == nil {
			return
		}
		r.must(to.Close())
		r.files.removed(plain)
		r.must(os.Remove(plain))
		r.files.moved(plain)
		r.note("remove %s", filepath.Base(plain))
	})
}

// isOpen tells whether this process has the file of that number open, which the model gave.
func (r *racer) isOpen(ino uint64) bool {
	var own fsys.Stat
	r.must(fsys.StatFile(r.w, &own))
	names, err := fsys.ReadNames("/proc/self/fd")
	r.must(err)
	return slices.ContainsFunc(names, func(n string) bool {
		var st fsys.Stat
		if fsys.StatPath("/proc/self/fd/"+n, &st) != nil || st.ID.Dev != own.ID.Dev {
			return false
		}
		f := r.files.known[st.ID.Ino]
		return f != nil && f.ino == ino
	})
}

// goOn lets the writer go on while no Set runs.
func (r *racer) goOn() {
	if r.after == nil {
		return
	}
	for range r.after.IntN(40) {
		r.act()
	}
}
