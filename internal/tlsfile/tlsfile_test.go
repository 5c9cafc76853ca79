package tlsfile

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"
)

// authority signs certificates of one test.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func issue(t *testing.T, name string, by *authority, ends time.Time) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: ends,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, DNSNames: []string{"localhost"},
	}
	parent, signer := template, key
	if by == nil {
		template.IsCA, template.BasicConstraintsValid = true, true
	} else {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{key, cert}
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

func (a *authority) keyPEM(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func put(t *testing.T, path string, data []byte) string {
	t.Helper()
	// A new file in place of the old one, as who renews certificates makes it.
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	return path
}

// server demands a client certificate of ca and answers each connection with the serial
// number of what it was shown. It shows what show returns.
func server(t *testing.T, ca *authority, show func() *authority) string {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			own := show()
			conn := tls.Server(raw, &tls.Config{MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
				Certificates: []tls.Certificate{{Certificate: [][]byte{own.cert.Raw}, PrivateKey: own.key}}})
			if conn.HandshakeContext(t.Context()) == nil {
				_, _ = conn.Write([]byte(conn.ConnectionState().PeerCertificates[0].SerialNumber.String()))
			}
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

// shown dials and returns the serial number that the server saw.
func shown(t *testing.T, base *tls.Config, addr string) (string, error) {
	t.Helper()
	raw, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := Client(ctx, raw, base, "localhost")
	if err != nil {
		return "", err
	}
	serial, err := io.ReadAll(conn)
	return string(serial), err
}

// Certificate, key and authority are read again when they change; a pair of which half is
// written leaves the last good one in place.
func TestChangedFilesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	later := time.Now().Add(time.Hour)
	ca := issue(t, "ca", nil, later)
	first, second := issue(t, "client", ca, later), issue(t, "client", ca, later)
	serverCert := issue(t, "server", ca, later)
	var current atomic.Pointer[authority]
	current.Store(serverCert)
	addr := server(t, ca, current.Load)
	f := Files{
		CAFile:   put(t, filepath.Join(dir, "ca.pem"), ca.pem()),
		CertFile: put(t, filepath.Join(dir, "cert.pem"), first.pem()),
		KeyFile:  put(t, filepath.Join(dir, "key.pem"), first.keyPEM(t)),
	}
	base, err := f.Config()
	if err != nil {
		t.Fatal(err)
	}
	expect := func(when string, want *authority) {
		t.Helper()
		if got, err := shown(t, base, addr); err != nil || got != want.cert.SerialNumber.String() {
			t.Errorf("%s: shows %q, %v, want %v", when, got, err, want.cert.SerialNumber)
		}
	}
	expect("at first", first)
	put(t, f.CertFile, second.pem())
	expect("half of the pair is renewed", first)
	put(t, f.KeyFile, second.keyPEM(t))
	expect("renewed", second)
	if ends, err := f.ExpiresAt(); err != nil || !ends.Equal(second.cert.NotAfter) {
		t.Errorf("ends %v, %v", ends, err)
	}

	otherCA := issue(t, "other ca", nil, later)
	current.Store(issue(t, "server", otherCA, later))
	if _, err := shown(t, base, addr); err == nil {
		t.Error("an authority that is not named is trusted")
	}
	put(t, f.CAFile, append(ca.pem(), otherCA.pem()...))
	expect("authority renewed", second)
}

// A certificate that has ended is the reason that is told, whether the server refuses it
// in the handshake (TLS 1.2) or after it (TLS 1.3).
func TestAnExpiredCertificateIsNamed(t *testing.T) {
	dir := t.TempDir()
	ca := issue(t, "ca", nil, time.Now().Add(time.Hour))
	old := issue(t, "client", ca, time.Now().Add(-time.Hour))
	serverCert := issue(t, "server", ca, time.Now().Add(time.Hour))
	addr := server(t, ca, func() *authority { return serverCert })
	base, err := Files{
		CAFile:   put(t, filepath.Join(dir, "ca.pem"), ca.pem()),
		CertFile: put(t, filepath.Join(dir, "cert.pem"), append(old.pem(), old.keyPEM(t)...)),
	}.Config()
	if err != nil {
		t.Fatal(err)
	}
	for _, highest := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		limited := base.Clone()
		limited.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			c, err := base.GetConfigForClient(hello)
			c.MaxVersion = highest
			return c, err
		}
		_, err := shown(t, limited, addr)
		var expired *ExpiredError
		if !errors.As(err, &expired) || !expired.NotAfter.Equal(old.cert.NotAfter) || !strings.Contains(err.Error(), "our certificate expired on ") {
			t.Errorf("TLS %x: %v", highest, err)
		}
	}
}

func TestKeysAndStores(t *testing.T) {
	dir := t.TempDir()
	ca := issue(t, "ca", nil, time.Now().Add(time.Hour))
	client := issue(t, "client", ca, time.Now().Add(time.Hour))
	serverCert := issue(t, "server", ca, time.Now().Add(time.Hour))
	addr := server(t, ca, func() *authority { return serverCert })
	path := func(name string, data []byte) string { return put(t, filepath.Join(dir, name), data) }
	must := func(data []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	sealed := must(pkcs8.MarshalPrivateKey(client.key, []byte("geheim"), nil))
	der := must(x509.MarshalECPrivateKey(client.key))
	legacy, err := x509.EncryptPEMBlock(rand.Reader, "EC PRIVATE KEY", der, []byte("geheim"), x509.PEMCipherAES256) //nolint:staticcheck // what openssl wrote
	if err != nil {
		t.Fatal(err)
	}
	password, wrong := path("password", []byte("geheim\n")), path("wrong", []byte("nicht\n"))
	caFile, certFile := path("ca.pem", ca.pem()), path("cert.pem", client.pem())
	pkcs8Key := path("sealed.key", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: sealed}))
	p12 := path("client.p12", must(pkcs12.Modern2023.Encode(client.key, client.cert, nil, "geheim")))
	legacyP12 := path("old.p12", must(pkcs12.LegacyDES.Encode(client.key, client.cert, []*x509.Certificate{ca.cert}, "geheim")))
	trust := path("trust.p12", must(pkcs12.Modern2023.EncodeTrustStore([]*x509.Certificate{ca.cert}, "geheim")))
	for name, f := range map[string]Files{
		"PKCS#8":            {CAFile: caFile, CertFile: certFile, KeyFile: pkcs8Key, KeyPasswordFile: password},
		"old openssl":       {CAFile: caFile, CertFile: certFile, KeyFile: path("legacy.key", pem.EncodeToMemory(legacy)), KeyPasswordFile: password},
		"PKCS#12":           {CAFile: caFile, CertFile: p12, KeyPasswordFile: password},
		"old PKCS#12":       {CAFile: caFile, CertFile: legacyP12, KeyPasswordFile: password},
		"a trust store":     {CAFile: trust, CAPasswordFile: password, CertFile: p12, KeyPasswordFile: password},
		"both in one":       {CAFile: legacyP12, CAPasswordFile: password, CertFile: legacyP12, KeyPasswordFile: password},
		"1.3 and a name":    {CAFile: caFile, CertFile: p12, KeyPasswordFile: password, MinVersion: "1.3", ServerName: "localhost"},
		"key behind a cert": {CAFile: caFile, CertFile: path("all.pem", append(client.pem(), client.keyPEM(t)...))},
	} {
		base, err := f.Config()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := shown(t, base, addr); err != nil || got != client.cert.SerialNumber.String() {
			t.Errorf("%s: shows %q, %v", name, got, err)
		}
	}
	for want, f := range map[string]Files{
		"key_file " + pkcs8Key + " is encrypted: set key_password_file":             {CertFile: certFile, KeyFile: pkcs8Key},
		"the password in key_password_file " + wrong + " does not open it":          {CertFile: certFile, KeyFile: pkcs8Key, KeyPasswordFile: wrong},
		"as PKCS#12 it cannot be read (look at key_password_file)":                  {CertFile: p12, KeyPasswordFile: wrong},
		"ca_file " + trust + ": no PEM certificate in it, and as PKCS#12 it cannot": {CAFile: trust, CAPasswordFile: wrong},
		"cert_file and key_file belong together":                                    {KeyFile: pkcs8Key},
		"set both, or a cert_file that holds the key too":                           {CertFile: certFile},
		"tls_min_version \"1.1\": want 1.2 or 1.3":                                  {MinVersion: "1.1"},
		"key_password_file: open":                                                   {CertFile: p12, KeyPasswordFile: filepath.Join(dir, "none")},
	} {
		if _, err := f.Config(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
