package consumer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"logctl/internal/testkit"
)

// certificate makes a self-signed one for 127.0.0.1 and returns the file of its PEM.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func TestTLSAndSCRAM(t *testing.T) {
	cert, ca := certificate(t)
	k := testkit.Kafka(t, testkit.Embedded(kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}),
		kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "ann", "secret")))
	topic := k.Topic(t, 2)
	pool := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(leaf)
	cl := client(t, k, kgo.DialTLSConfig(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}),
		kgo.SASL(scram.Auth{User: "ann", Pass: "secret"}.AsSha512Mechanism()))
	write(t, cl, numbered(topic, 0, 3000)...)

	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config(k, topic)
	cfg.Kafka.TLS, cfg.Kafka.CAFile = true, ca
	cfg.Kafka.SASLMechanism, cfg.Kafka.SASLUser, cfg.Kafka.SASLPasswordFile = "SCRAM-SHA-512", "ann", password
	if got := all(t, open(t, cfg)); len(got) != 3000 {
		t.Errorf("%d records, want 3000", len(got))
	}
	cfg.Kafka.SASLUser = "eve"
	if _, err := Open(t.Context(), cfg); err == nil {
		t.Error("a wrong user is let in")
	}
	cfg.Kafka.SASLUser, cfg.Kafka.ServerName = "ann", "other.example"
	if _, err := Open(t.Context(), cfg); err == nil {
		t.Error("a certificate for another name is accepted")
	}
}

// A right that is missing ends the read of that topic and says so; others go on.
func TestMissingRight(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded(kfake.EnableACLs(), kfake.EnableSASL(), kfake.Superuser("PLAIN", "root", "pw"),
		kfake.User("PLAIN", "eve", "pw",
			kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: "*", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationDescribe, Allow: true})))
	topic := k.Topic(t, 2)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("pw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := config(k, topic)
	cfg.Follow = true
	cfg.Kafka.SASLMechanism, cfg.Kafka.SASLUser, cfg.Kafka.SASLPasswordFile = "PLAIN", "eve", password
	_, err := open(t, cfg).Next(t.Context())
	var access *AccessError
	if !errors.As(err, &access) || access.Topic != topic {
		t.Errorf("Next gives %v, want a missing right on %s", err, topic)
	}
}
