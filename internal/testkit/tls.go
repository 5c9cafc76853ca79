package testkit

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certs are a certificate authority made for one test, and certificates that it
// signed for a server on 127.0.0.1 and localhost, and for a client.
type Certs struct {
	CAFile               string // PEM files
	CertFile, KeyFile    string // of the client
	ServerCert           string // of the server
	ServerKey            string
	Server               *tls.Config // for a listener
	ServerDemandsClients *tls.Config // for a listener that wants a client certificate
}

// NewCerts makes an authority and its certificates.
func NewCerts(t testing.TB) Certs {
	t.Helper()
	dir := t.TempDir()
	caKey, caCert := issue(t, "logctl test authority", nil, nil)
	serverKey, serverCert := issue(t, "localhost", caKey, caCert)
	clientKey, clientCert := issue(t, "logctl test client", caKey, caCert)
	c := Certs{
		CAFile:     writePEM(t, dir, "ca.pem", "CERTIFICATE", caCert.Raw),
		CertFile:   writePEM(t, dir, "client.pem", "CERTIFICATE", clientCert.Raw),
		KeyFile:    writePEM(t, dir, "client.key", "PRIVATE KEY", pkcs8(t, clientKey)),
		ServerCert: writePEM(t, dir, "server.pem", "CERTIFICATE", serverCert.Raw),
		ServerKey:  writePEM(t, dir, "server.key", "PRIVATE KEY", pkcs8(t, serverKey)),
	}
	pool := x509.NewCertPool()
	pool.AddCert(caCert)
	pair := tls.Certificate{Certificate: [][]byte{serverCert.Raw}, PrivateKey: serverKey}
	c.Server = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	c.ServerDemandsClients = &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool,
	}
	return c
}

// issue makes a key and a certificate, signed by the authority or by itself.
func issue(t testing.TB, name string, caKey *ecdsa.PrivateKey, ca *x509.Certificate) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("certificate %s: %v", name, err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatalf("certificate %s: %v", name, err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if ca == nil {
		template.IsCA, template.BasicConstraintsValid = true, true
		template.KeyUsage |= x509.KeyUsageCertSign
		ca, caKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), caKey)
	if err != nil {
		t.Fatalf("certificate %s: %v", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("certificate %s: %v", name, err)
	}
	return key, cert
}

func pkcs8(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatalf("key: %v", err)
	}
	return der
}

func writePEM(t testing.TB, dir, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return path
}
