package tlsfile

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// Files names what a client shows and trusts. An empty field is not used.
type Files struct {
	CAFile          string // authorities that sign the servers, PEM or a PKCS#12 trust store; "": the system's
	CAPasswordFile  string // file whose first line opens a PKCS#12 CAFile
	CertFile        string // own certificate with its chain: PEM, or PKCS#12 with the key in it
	KeyFile         string // own key, PEM; "": it is in CertFile
	KeyPasswordFile string // file whose first line opens the key or a PKCS#12 CertFile
	ServerName      string // expected in the server's certificate; "": the host that is dialled
	MinVersion      string // lowest version of TLS: 1.2 (as "") or 1.3
}

// Config reads the files and returns the configuration of a client, for Now and Client.
// The errors name the setting and the file.
func (f Files) Config() (*tls.Config, error) {
	s := &source{files: f}
	c, err := s.config()
	if err != nil {
		return nil, err
	}
	// A client has no use for this function: here it leads whoever dials to the files.
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.config() }
	return c, nil
}

// Now returns the configuration for a new connection: what the files of base say now.
// A base that Config did not make is returned as it is.
func Now(base *tls.Config) (*tls.Config, error) {
	if base.GetConfigForClient == nil {
		return base, nil
	}
	c, err := base.GetConfigForClient(nil)
	if err != nil {
		return nil, err
	}
	c.ServerName, c.NextProtos = base.ServerName, base.NextProtos
	return c, nil
}

// ExpiresAt returns when the certificate that CertFile holds now ends; zero without one.
func (f Files) ExpiresAt() (time.Time, error) {
	if f.CertFile == "" {
		return time.Time{}, nil
	}
	pair, err := f.readPair()
	if err != nil {
		return time.Time{}, err
	}
	return pair.Leaf.NotAfter, nil
}

// source is the files with their last good state. It is read without a lock: whoever
// dials may read files twice, and never waits for another that does.
type source struct {
	files Files
	last  atomic.Pointer[state]
}

// state is what the files held when their stamps were those.
type state struct {
	roots     *x509.CertPool
	rootsSeen stamp
	pair      *tls.Certificate
	pairSeen  stamp
}

// config returns a configuration of what the files hold.
func (s *source) config() (*tls.Config, error) {
	version, err := minVersion(s.files.MinVersion)
	if err != nil {
		return nil, err
	}
	st, err := s.files.refresh(s.last.Load())
	if err != nil {
		return nil, err
	}
	s.last.Store(st)
	c := &tls.Config{MinVersion: version, ServerName: s.files.ServerName, RootCAs: st.roots}
	if st.pair != nil {
		c.Certificates = []tls.Certificate{*st.pair}
	}
	return c, nil
}

// refresh returns the state of the files: what has changed since last (nil: nothing was
// read) is read again. Where that fails the last good state of it stays, and is tried
// again next time.
func (f Files) refresh(last *state) (*state, error) {
	next := &state{}
	if last != nil {
		*next = *last
	}
	if f.CAFile != "" {
		if seen := stampOf(f.CAFile, f.CAPasswordFile); next.roots == nil || !seen.equal(next.rootsSeen) {
			roots, err := f.readRoots()
			if err == nil {
				next.roots, next.rootsSeen = roots, seen
			} else if next.roots == nil {
				return nil, err
			}
		}
	}
	if f.CertFile == "" {
		if f.KeyFile != "" {
			return nil, errPair
		}
		return next, nil
	}
	if seen := stampOf(f.CertFile, f.KeyFile, f.KeyPasswordFile); next.pair == nil || !seen.equal(next.pairSeen) {
		pair, err := f.readPair()
		if err == nil {
			next.pair, next.pairSeen = pair, seen
		} else if next.pair == nil {
			return nil, err
		}
	}
	return next, nil
}

// minVersion reads a version of TLS.
func minVersion(s string) (uint16, error) {
	switch s {
	case "", "1.2":
		return tls.VersionTLS12, nil
	case "1.3":
		return tls.VersionTLS13, nil
	}
	return 0, fmt.Errorf("tls_min_version %q: want 1.2 or 1.3", s)
}

// stamp tells one state of some files from another.
type stamp []os.FileInfo

func stampOf(paths ...string) stamp {
	var out stamp
	for _, p := range paths {
		info, err := os.Stat(p)
		if p == "" || err != nil {
			info = nil
		}
		out = append(out, info)
	}
	return out
}

func (a stamp) equal(b stamp) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if (a[i] == nil) != (b[i] == nil) {
			return false
		}
		if a[i] != nil && (!os.SameFile(a[i], b[i]) || a[i].Size() != b[i].Size() || !a[i].ModTime().Equal(b[i].ModTime())) {
			return false
		}
	}
	return true
}
