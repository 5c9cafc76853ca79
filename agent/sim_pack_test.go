//go:build unix

package agent

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"time"
)

// simPacking is when, behind a rotation, a lane's generations are compressed.
type simPacking int

const (
	simPlain    simPacking = iota // never
	simDelayed                    // the one before, as delaycompress does
	simAtOnce                     // the one that was moved away, a moment later
	simPackings                   // how many there are
)

// pack compresses a generation of a lane as logrotate does: written beside it, given its
// times, or not, and then removed.
func (s *sim) pack(la *simLane) {
	n := la.turns
	switch {
	case la.packs == simDelayed:
		n--
	case la.packs == simPlain:
		return
	}
	if n < 1 {
		return
	}
	plain := fmt.Sprintf("%s.%d", la.path, n)
	content, err := os.ReadFile(plain)
	s.must(err)
	st, err := os.Stat(plain)
	s.must(err)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err = z.Write(content)
	s.must(errors.Join(err, z.Close()))
	cut := s.rnd.IntN(b.Len())
	s.note("compress %s, %d bytes, to %d", plain, len(content), b.Len())
	at := time.Now()
	s.must(os.WriteFile(plain+".gz", b.Bytes()[:cut], 0o644))
	s.must(os.Chtimes(plain+".gz", at, at))
	if s.rnd.IntN(2) == 0 {
		s.sleep(1 << s.rnd.IntN(12))
	}
	at = time.Now()
	if s.rnd.IntN(2) == 0 {
		at = st.ModTime()
	}
	s.must(os.WriteFile(plain+".gz", b.Bytes(), 0o644))
	s.must(os.Chtimes(plain+".gz", at, at))
	if s.rnd.IntN(2) == 0 {
		s.sleep(1 << s.rnd.IntN(10))
	}
	s.must(os.Remove(plain))
}
