package etcdcfg_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// authority issues certificates into files.
type authority struct {
	dir  string
	file string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	ends time.Time // of what it issues; zero: in an hour
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	template := &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.file, _ = a.write(t, "ca", template)
	return a
}

// issue writes a certificate for 127.0.0.1 and its key.
func (a *authority) issue(t *testing.T, name string) (cert, key string) {
	t.Helper()
	return a.write(t, name, &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

func (a *authority) write(t *testing.T, name string, template *x509.Certificate) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.Subject = pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if !a.ends.IsZero() {
		template.NotAfter = a.ends
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert == nil {
		a.key = key
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(a.dir, name+".pem"), filepath.Join(a.dir, name+"-key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t), newAuthority(t)
	cert, key := ca.issue(t, "server")
	clientCert, clientKey := ca.issue(t, "client")
	server := testkit.Etcd(t, testkit.EtcdWithTLS(testkit.EtcdTLS{CertFile: cert, KeyFile: key, ClientCAFile: ca.file}))
	plain := testkit.Etcd(t, testkit.EmbeddedEtcd())
	for _, c := range []struct {
		name, want string // "" for success
		cfg        etcdcfg.Config
	}{
		{"all right", "", etcdcfg.Config{Endpoints: server.Endpoints(), TLS: true, CAFile: ca.file, CertFile: clientCert, KeyFile: clientKey}},
		{"https in the address", "", etcdcfg.Config{Endpoints: []string{"https://" + server.Endpoints()[0]}, CAFile: ca.file, CertFile: clientCert, KeyFile: clientKey}},
		{"wrong authority", "signed by an unknown authority: set [etcd] ca_file", etcdcfg.Config{Endpoints: server.Endpoints(), CAFile: stranger.file, CertFile: clientCert, KeyFile: clientKey}},
		{"system authorities", "signed by an unknown authority: set [etcd] ca_file", etcdcfg.Config{Endpoints: server.Endpoints(), TLS: true}},
		{"no client certificate", "set [etcd] cert_file and key_file", etcdcfg.Config{Endpoints: server.Endpoints(), CAFile: ca.file}},
		{"TLS server without TLS", "set [etcd] tls = true", etcdcfg.Config{Endpoints: server.Endpoints()}},
		{"plain server with TLS", "set [etcd] tls = false", etcdcfg.Config{Endpoints: plain.Endpoints(), TLS: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := etcdcfg.NewStore(dial(t, c.cfg), "")
			_, err := store.Load(t.Context(), "k")
			switch {
			case c.want == "" && err != nil:
				t.Fatal(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Fatalf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestDialSaysWhatIsWrongWithTheConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := []string{"127.0.0.1:1"}
	for want, cfg := range map[string]etcdcfg.Config{
		"no address: set [etcd] address":                  {Endpoints: []string{" "}},
		`address "localhost" is not host:port`:            {Endpoints: []string{"localhost"}},
		`address "ftp://a:1": unknown scheme "ftp"`:       {Endpoints: []string{"ftp://a:1"}},
		"addresses mix http:// and https://":              {Endpoints: []string{"http://a:1", "https://b:1"}},
		"address ****@e:1 holds a login: set [etcd] user": {Endpoints: []string{"http://root:secret@e:1"}},
		"ca_file: open " + dir + "/none":                  {Endpoints: at, CAFile: dir + "/none"},
		"ca_file " + empty + ": no PEM certificate in it": {Endpoints: at, CAFile: empty},
		"cert_file and key_file belong together":          {Endpoints: at, CertFile: empty},
		"key_file " + empty + ": no PEM key in it":        {Endpoints: at, CertFile: empty, KeyFile: empty},
		"username is set without password_file":           {Endpoints: at, Username: "u"},
		"password_file is set without username":           {Endpoints: at, PasswordFile: empty},
		"password_file: open " + dir + "/none":            {Endpoints: at, Username: "u", PasswordFile: dir + "/none"},
		"password_file " + empty + " is empty":            {Endpoints: at, Username: "u", PasswordFile: empty},
	} {
		c, err := etcdcfg.Dial(cfg)
		if err == nil {
			_ = c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// withUsers switches authentication on: root, and ann who may do everything under
// the key, its history and the agents.
func (d *desk) withUsers(t *testing.T) (user func(name, password string) *clientv3.Client) {
	t.Helper()
	ctx := t.Context()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(d.client.RoleAdd(ctx, "root"))
	must(d.client.UserAdd(ctx, "root", "root-pw"))
	must(d.client.UserGrantRole(ctx, "root", "root"))
	must(d.client.RoleAdd(ctx, "collect"))
	for _, prefix := range []string{d.key, "logctl/"} {
		must(d.client.RoleGrantPermission(ctx, "collect", prefix, clientv3.GetPrefixRangeEnd(prefix), clientv3.PermissionType(clientv3.PermReadWrite)))
	}
	must(d.client.UserAdd(ctx, "ann", "ann-pw"))
	must(d.client.UserGrantRole(ctx, "ann", "collect"))
	must(d.client.AuthEnable(ctx))
	return func(name, password string) *clientv3.Client {
		t.Helper()
		file := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return dial(t, etcdcfg.Config{Endpoints: d.server.Endpoints(), Username: name, PasswordFile: file})
	}
}

// TestUsersAndPasswords checks what each kind of user gets, and that a watch and a
// presence of a logged-in user survive a restart, which makes logins invalid.
func TestUsersAndPasswords(t *testing.T) {
	t.Parallel()
	d := newDesk(t, testkit.EmbeddedEtcd())
	user := d.withUsers(t)
	load := func(c *clientv3.Client, key string) error {
		_, err := etcdcfg.NewStore(c, "").Load(t.Context(), key)
		return err
	}
	for want, got := range map[string]error{
		"etcd asks for a user: set [etcd] username and password_file":                           load(d.client, d.key),
		"user name or password is wrong: check [etcd] username and password_file":               load(user("ann", "guess"), d.key),
		"permission denied: the role of this etcd user needs the right read on \"another_key\"": load(user("ann", "ann-pw"), "another_key"),
		"etcd at " + d.server.Endpoints()[0] + ": user name or password is wrong: check [etcd]": load(user("bob", "pw"), d.key),
	} {
		if got == nil || !strings.Contains(got.Error(), want) {
			t.Errorf("got %v, want %s", got, want)
		}
	}

	d.client = user("ann", "ann-pw")
	d.Store = etcdcfg.NewStore(d.client, "ann@desk", etcdcfg.WithTimeout(testkit.Hang))
	if _, err := d.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.save(t, d.load(t), "", "/a")
	w := d.begin(t)
	w.waitPaths(t, "/a")
	a, _ := d.onDuty(t, "web-1", 2*time.Second, &logbook{})
	a.Set(etcdcfg.Presence{Kafka: "one"})
	d.waitKafka(t, "web-1", "one")

	d.server.Stop(t)
	d.server.Restart(t)
	testkit.Eventually(t, "a save after the restart", func() bool {
		base, err := d.Load(t.Context(), d.key)
		if err == nil {
			_, err = d.Save(t.Context(), base, entries("/b"), "")
		}
		return err == nil
	})
	w.waitPaths(t, "/b")
	a.Set(etcdcfg.Presence{Kafka: "two"})
	d.waitKafka(t, "web-1", "two")
}

// TestRefusedWatchSaysSoAndHeals watches a key that the user may not read, until
// the permission is granted.
func TestRefusedWatchSaysSoAndHeals(t *testing.T) {
	t.Parallel()
	d := newDesk(t, testkit.EmbeddedEtcd())
	if _, err := d.client.Put(t.Context(), "other_key", `[{"path":"/a","topic":"t"}]`); err != nil {
		t.Fatal(err)
	}
	user := d.withUsers(t)
	store := etcdcfg.NewStore(user("ann", "ann-pw"), "")
	w := &watched{}
	background(t, func(ctx context.Context) error { return store.Watch(ctx, "other_key", w.onSnapshot, w.onState) })
	testkit.Eventually(t, "the refusal", func() bool {
		n, err := w.state()
		return n == 1 && err != nil && strings.Contains(err.Error(), "permission denied")
	})
	root := user("root", "root-pw")
	if _, err := root.RoleGrantPermission(t.Context(), "collect", "other_key", "", clientv3.PermissionType(clientv3.PermRead)); err != nil {
		t.Fatal(err)
	}
	w.waitPaths(t, "/a")
	testkit.Eventually(t, "connected", func() bool { n, err := w.state(); return n == 2 && err == nil })
}

// A certificate that is renewed on disk is shown at the next connection, and one that
// has ended is named.
func TestRenewedCertificateIsShown(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cert, key := ca.issue(t, "server")
	server := testkit.Etcd(t, testkit.EtcdWithTLS(testkit.EtcdTLS{CertFile: cert, KeyFile: key, ClientCAFile: ca.file}))
	ca.ends = time.Now().Add(-time.Minute)
	clientCert, clientKey := ca.issue(t, "client")
	client, err := etcdcfg.Dial(etcdcfg.Config{Endpoints: server.Endpoints(), CAFile: ca.file, CertFile: clientCert, KeyFile: clientKey, ServerName: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	get := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), testkit.Hang)
		defer cancel()
		_, err := client.Get(ctx, "x")
		return err
	}
	testkit.Eventually(t, "the end of the certificate is told", func() bool {
		err := get()
		return err != nil && strings.Contains(etcdcfg.Explain(err), "our certificate expired on ")
	})
	ca.ends = time.Time{}
	ca.issue(t, "client")
	testkit.Eventually(t, "the renewed certificate is shown", func() bool { return get() == nil })
}
