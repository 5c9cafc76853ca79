package tail

import (
	"bytes"
	"fmt"
	"os"
	"time"
	"unicode/utf8"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/history"
)

// A file may be written over in place: by two programs that write to it, each at a
// position of its own, or by one that makes its content unreadable before its deletion.

// rewrites counts how often in a row a file was rewritten without being truncated.
type rewrites struct {
	n     int
	last  time.Time
	until time.Time // the file is not read before
}

// rewrittenError says why a file is not read now.
type rewrittenError struct {
	path  string
	until time.Time
}

func (e *rewrittenError) Error() string {
	return fmt.Sprintf("overwritten in place again and again, as if two programs write to it; it is read from its start again at %s: %s",
		e.until.Format(time.TimeOnly), e.path)
}

// overwritten tells whether f, whose content is not what it was, was written over after it
// was rotated away and read: then nothing in it is a line. held: the caller holds f.
func (s *Set) overwritten(f *File, st fsys.Stat, held bool) bool {
	var b [fingerprint.HeadMax]byte
	s.mu.Lock()
	h, named := f.handle, !s.elsewhereLocked(f)
	s.mu.Unlock()
	if h == nil {
		return false
	}
	n, err := fsys.ReadAt(h, b[:min(st.Size, fingerprint.HeadMax)], 0)
	if err != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	facts := history.Rewrite{
		Shrunk:  st.Size < f.pos || st.Size < f.size,
		Rotated: f.away && !named,
		Drained: f.pos >= f.size,
		Text:    s.cfg.Newline == NewlineLF && isText(b[:n]),
	}
	if f.pos == 0 || f.handle == nil || s.takenLocked(f, held) || history.AfterRewrite(facts) != history.Over {
		return false
	}
	s.log.Info("rotated file was overwritten after it was read; what is in it now is not read", "path", f.path,
		"name", f.name, "file", f.id.String(), "size", st.Size)
	f.size, f.mtime, f.readMtime = st.Size, st.Mtime, st.Mtime
	f.proved, f.provedAt, f.unproved = st.Size, st.Mtime, false
	s.startAtEndLocked(f, st.Size)
	f.trail.Reset()
	f.atEnd, f.partial = true, false
	return true
}

// isText tells whether b, the head of a file, may be text: without NUL, and UTF-8 but for a
// character that is cut at its end.
func isText(b []byte) bool {
	if bytes.IndexByte(b, 0) >= 0 {
		return false
	}
	for cut := 0; cut < utf8.UTFMax && cut <= len(b); cut++ {
		if utf8.Valid(b[:len(b)-cut]) {
			return true
		}
	}
	return false
}

// rewrittenLocked returns the rewrites of f, whose file h has size bytes and other content
// than before; copied: that is because it was copied and truncated.
func (s *Set) rewrittenLocked(f *File, h *os.File, size int64, copied bool) rewrites {
	switch {
	case f.pos == 0:
		return f.rewrites // nothing was read of it since
	case copied || h == nil || size < f.pos || !f.keepsLocked(h, size):
		return rewrites{}
	}
	now := s.now()
	since := now.Sub(f.rewrites.last)
	if now.Before(f.rewrites.until) || f.rewrites.until.After(f.rewrites.last) {
		since = now.Sub(f.rewrites.until)
	}
	r := rewrites{n: history.Rewrites(f.rewrites.n, since, s.cfg.Interval), last: now}
	r.until = now.Add(history.BackOff(r.n, s.cfg.Interval))
	return r
}

// keepsLocked tells whether the file h of f, which was rewritten, still has a part of what
// it had: what was truncated has none of it.
func (f *File) keepsLocked(h *os.File, size int64) bool {
	st := f.stateLocked()
	f.set.mu.suspend()
	defer f.set.mu.resume()
	head := fingerprint.Match(h, size, fingerprint.Print{HeadLen: st.HeadLen, HeadHash: st.HeadHash, MarkHash: fingerprint.Empty})
	mark := fingerprint.Match(h, size, fingerprint.Print{Pos: st.Pos, MarkLen: st.MarkLen, MarkHash: st.MarkHash})
	return st.HeadLen > 0 && st.MarkLen > 0 && head != mark
}

// waitsCalm tells whether f is not to be read yet because it was rewritten too often.
func (s *Set) waitsCalm(f *File) bool {
	s.mu.Lock()
	until := f.rewrites.until
	wait := f.pos == 0 && s.now().Before(until)
	path := f.name
	s.mu.Unlock()
	if wait {
		s.failed(f, &rewrittenError{path, until})
	}
	return wait
}
