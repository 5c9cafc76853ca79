package testkit

import (
	"context"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// etcdStart bounds the start of an embedded server and each administrative call
// of this file.
const etcdStart = 20 * time.Second

// EtcdServer is an etcd server for a test.
type EtcdServer struct {
	dir       string
	clientURL string // scheme://host:port; the port is fixed once started
	tls       EtcdTLS
	external  []string // endpoints of a real server; nil when embedded

	mu     sync.Mutex
	server *embed.Etcd // nil while stopped
}

// EtcdTLS are the files an embedded server speaks TLS with.
type EtcdTLS struct {
	CertFile, KeyFile string
	ClientCAFile      string // when set, clients must show a certificate of this authority
}

type etcdOptions struct {
	embedded bool
	tls      EtcdTLS
}

// EtcdOption chooses what kind of server Etcd starts.
type EtcdOption func(*etcdOptions)

// EmbeddedEtcd asks for an embedded server even when LOGCTL_TEST_ETCD is set:
// for tests that stop, compact or secure it.
func EmbeddedEtcd() EtcdOption { return func(o *etcdOptions) { o.embedded = true } }

// EtcdWithTLS asks for an embedded server that speaks TLS only.
func EtcdWithTLS(files EtcdTLS) EtcdOption {
	return func(o *etcdOptions) { o.embedded, o.tls = true, files }
}

// Etcd returns an embedded etcd server on a free loopback port, or the real
// one at LOGCTL_TEST_ETCD when that is set and the options allow it. It ends with
// the test.
func Etcd(t testing.TB, opts ...EtcdOption) *EtcdServer {
	t.Helper()
	var o etcdOptions
	for _, opt := range opts {
		opt(&o)
	}
	if real := os.Getenv("LOGCTL_TEST_ETCD"); real != "" && !o.embedded {
		return &EtcdServer{external: strings.Split(real, ",")}
	}
	e := &EtcdServer{dir: t.TempDir(), tls: o.tls, clientURL: "http://127.0.0.1:0"}
	if o.tls.CertFile != "" {
		e.clientURL = "https://127.0.0.1:0"
	}
	e.start(t)
	t.Cleanup(func() { e.Stop(t) })
	return e
}

// Embedded reports whether the server can be stopped and restarted.
func (e *EtcdServer) Embedded() bool { return e.external == nil }

// Endpoints returns the addresses clients connect to, as host:port.
func (e *EtcdServer) Endpoints() []string {
	if !e.Embedded() {
		return e.external
	}
	u, _ := url.Parse(e.clientURL)
	return []string{u.Host}
}

// Client returns a client that is closed with the test. It is for servers
// without TLS and without users.
func (e *EtcdServer) Client(t testing.TB) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: e.Endpoints(), DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		t.Fatalf("etcd client: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// etcdKeys numbers the keys given out in this process.
var etcdKeys atomic.Int64

// Key returns a collect key that no other test uses. On a real server the key and
// its history are deleted after the test.
func (e *EtcdServer) Key(t testing.TB) string {
	t.Helper()
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, t.Name())
	key := "logctl_test_" + name + "_" + time.Now().UTC().Format("150405.000000") + "_" + strconv.FormatInt(etcdKeys.Add(1), 10)
	if !e.Embedded() {
		t.Cleanup(func() {
			c := e.Client(t)
			ctx, cancel := context.WithTimeout(context.Background(), etcdStart)
			defer cancel()
			_, err1 := c.Delete(ctx, key)
			_, err2 := c.Delete(ctx, "logctl/history/"+key+"/", clientv3.WithPrefix())
			if err1 != nil || err2 != nil {
				t.Logf("cleaning up after the test: %v, %v", err1, err2)
			}
		})
	}
	return key
}

// Stop stops an embedded server; its data and ports are kept for Restart. It does
// nothing when the server is stopped already.
func (e *EtcdServer) Stop(t testing.TB) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server == nil {
		return
	}
	e.server.Close()
	e.server = nil
}

// Restart starts a stopped server again on the same data and the same ports.
func (e *EtcdServer) Restart(t testing.TB) {
	t.Helper()
	e.mustBeEmbedded(t)
	e.start(t)
}

// Wipe makes the next Restart begin with an empty store, as after a lost disk.
func (e *EtcdServer) Wipe(t testing.TB) {
	t.Helper()
	e.mustBeEmbedded(t)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server != nil {
		t.Fatal("wipe etcd: stop it first")
	}
	e.dir = t.TempDir()
}

// Compact drops the history of the store up to its present revision, so that a
// watch from an older one is cancelled.
func (e *EtcdServer) Compact(t testing.TB) {
	t.Helper()
	c := e.Client(t)
	ctx, cancel := context.WithTimeout(t.Context(), etcdStart)
	defer cancel()
	got, err := c.Get(ctx, "logctl_test_no_such_key")
	if err != nil {
		t.Fatalf("compact etcd: %v", err)
	}
	if _, err := c.Compact(ctx, got.Header.Revision, clientv3.WithCompactPhysical()); err != nil {
		t.Fatalf("compact etcd: %v", err)
	}
}

func (e *EtcdServer) mustBeEmbedded(t testing.TB) {
	t.Helper()
	if !e.Embedded() {
		t.Fatal("this test stops its server: ask for EmbeddedEtcd()")
	}
}

// start starts the embedded server and fixes its port.
func (e *EtcdServer) start(t testing.TB) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server != nil {
		t.Fatal("start etcd: it is running")
	}
	var server *embed.Etcd
	err := onItsPort(t, func() (err error) {
		server, err = embed.StartEtcd(e.config())
		return err
	})
	if err != nil {
		t.Fatalf("start etcd: %v", err)
	}
	select {
	case <-server.Server.ReadyNotify():
	case <-time.After(etcdStart):
		server.Close()
		t.Fatalf("start etcd: not ready after %v", etcdStart)
	}
	e.server = server
	u, _ := url.Parse(e.clientURL)
	u.Host = server.Clients[0].Addr().String()
	e.clientURL = u.String()
}

// config returns the configuration of a single, quiet and quick server: short
// ticks, no fsync, cheap logins.
func (e *EtcdServer) config() *embed.Config {
	cfg := embed.NewConfig()
	cfg.Dir = e.dir
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	cfg.LogLevel = "panic"
	cfg.UnsafeNoFsync = true
	cfg.TickMs, cfg.ElectionMs = 20, 200
	cfg.BcryptCost = 4 // the least; logins are slow on purpose
	client, _ := url.Parse(e.clientURL)
	peer, _ := url.Parse("http://127.0.0.1:0")
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*peer}
	cfg.InitialCluster = cfg.Name + "=" + peer.String()
	cfg.ClientTLSInfo.CertFile, cfg.ClientTLSInfo.KeyFile = e.tls.CertFile, e.tls.KeyFile
	if e.tls.ClientCAFile != "" {
		cfg.ClientTLSInfo.TrustedCAFile = e.tls.ClientCAFile
		cfg.ClientTLSInfo.ClientCertAuth = true
	}
	return cfg
}
