package tlsfile

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strings"
	"time"
)

// ExpiredError says that the server refused us and that our certificate has ended.
type ExpiredError struct {
	NotAfter time.Time
	Err      error // what the server said
}

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("our certificate expired on %s: renew the one in cert_file, it is read again for the next connection (%v)",
		e.NotAfter.UTC().Format("2006-01-02 15:04:05 UTC"), e.Err)
}

// Unwrap returns what the server said.
func (e *ExpiredError) Unwrap() error { return e.Err }

// Client talks TLS over a connection that is open, with what the files of base hold
// now. host is expected in the server's certificate unless base names another. An
// error of the server about our certificate, which TLS 1.3 sends only later, is put into
// words: here, and by Read of the result. The caller closes raw after an error.
func Client(ctx context.Context, raw net.Conn, base *tls.Config, host string) (net.Conn, error) {
	config, err := nowFor(base, host)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, Explain(config, err)
	}
	return Wrap(conn, config), nil
}

// nowFor is Now for a server that is host unless base names another.
func nowFor(base *tls.Config, host string) (*tls.Config, error) {
	config, err := Now(base)
	if err == nil && config.ServerName == "" {
		config = config.Clone()
		config.ServerName = host
	}
	return config, err
}

// Wrap returns a connection whose Read explains refusals of our certificate. config is
// what the handshake was made with.
func Wrap(conn net.Conn, config *tls.Config) net.Conn { return &explained{Conn: conn, config: config} }

type explained struct {
	net.Conn
	config *tls.Config
}

func (c *explained) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		err = Explain(c.config, err)
	}
	return n, err
}

// Explain makes an *ExpiredError of a server's refusal when our certificate has ended,
// and returns other errors as they are.
func Explain(config *tls.Config, err error) error {
	if !strings.Contains(err.Error(), "remote error: tls:") { // the type is not exported
		return err
	}
	for _, c := range config.Certificates {
		if c.Leaf != nil && time.Now().After(c.Leaf.NotAfter) {
			return &ExpiredError{NotAfter: c.Leaf.NotAfter, Err: err}
		}
	}
	return err
}

// Shown connects to a server and returns the certificates that it shows, its own first.
// base is as for Client. The error says why there is no TLS connection.
func Shown(ctx context.Context, base *tls.Config, address string) ([]*x509.Certificate, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	config, err := nowFor(base, host)
	if err != nil {
		return nil, err
	}
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, Explain(config, err)
	}
	defer func() { _ = conn.Close() }() // nothing was sent
	secure, ok := conn.(*tls.Conn)
	if !ok {
		return nil, fmt.Errorf("%s: no TLS connection", address)
	}
	return secure.ConnectionState().PeerCertificates, nil
}
