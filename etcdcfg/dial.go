package etcdcfg

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
)

// Defaults of Config.
const (
	DefaultDialTimeout = 5 * time.Second
	DefaultTimeout     = 2 * time.Second
)

// maxReconnectWait bounds the pause between two attempts to connect to a server
// that is away: how late its return may be noticed.
const maxReconnectWait = 2 * time.Second

// keepAliveEvery and keepAliveWait are how a connection that went silent is found
// out; etcd refuses pings that come more often than every 5 s.
const (
	keepAliveEvery = 10 * time.Second
	keepAliveWait  = 3 * time.Second
)

// Config says how to reach etcd.
type Config struct {
	Endpoints         []string // host:port, or with http:// or https:// before it
	Username          string   // "" when etcd has no users
	PasswordFile      string   // file that holds the password; a newline at its end does not count
	TLS               bool     // also implied by https:// and by CAFile and CertFile
	CAFile            string   // authority of the server's certificate, PEM or PKCS#12; "" for those of the system
	CAPasswordFile    string   // opens a PKCS#12 CAFile
	CertFile, KeyFile string   // own certificate, when the server asks for one: PEM, or PKCS#12 in CertFile
	KeyPasswordFile   string   // opens an encrypted KeyFile or a PKCS#12 CertFile
	ServerName        string   // expected in the server's certificate; "" for the host of its address
	TLSMinVersion     string   // 1.2 (as "") or 1.3

	DialTimeout time.Duration // of one attempt to connect; 0 is DefaultDialTimeout
	Timeout     time.Duration // of one call, for the caller to hand to WithTimeout; 0 is DefaultTimeout
	Log         *slog.Logger  // gets what the client library has to say, at debug level; nil for none

	// Dial makes the connections; nil: TCP. A simulated network is the other one.
	Dial func(ctx context.Context, address string) (net.Conn, error)
}

// Dial makes a client. It reads the files that the configuration names but does
// not wait for the server: an unreachable one is found by the first call, which
// fails at once when the connection is refused. The client reconnects by itself.
func Dial(cfg Config) (*clientv3.Client, error) {
	cc, err := cfg.client()
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	connect := grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: cc.DialTimeout}
	connect.Backoff.BaseDelay, connect.Backoff.MaxDelay = 200*time.Millisecond, maxReconnectWait
	cc.DialOptions = append(cc.DialOptions, grpc.WithConnectParams(connect))
	if cfg.Dial != nil {
		cc.DialOptions = append(cc.DialOptions, grpc.WithContextDialer(cfg.Dial))
	}
	calls := &callPolicy{anonymous: cc}
	calls.anonymous.Username, calls.anonymous.Password = "", ""
	calls.starting.Store(true)
	cc.DialOptions = append(slices.Clip(cc.DialOptions), grpc.WithChainUnaryInterceptor(calls.unary))
	client, err := clientv3.New(cc)
	if err != nil {
		return nil, fmt.Errorf("etcd at %s: %w", strings.Join(cc.Endpoints, ", "), err)
	}
	calls.starting.Store(false)
	return client, nil
}

// Check finds what Dial would refuse: mistakes in the settings and in the files that they
// name.
func (cfg Config) Check() error {
	if _, err := cfg.client(); err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	return nil
}

// TLSConfig is what connections are made with, for tlsfile.Client; nil: without TLS.
func (cfg Config) TLSConfig() (*tls.Config, error) {
	cc, err := cfg.client()
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	return cc.TLS, nil
}

// client is the configuration of the client library.
func (cfg Config) client() (clientv3.Config, error) {
	endpoints, secure, err := endpointsOf(cfg.Endpoints)
	if err != nil {
		return clientv3.Config{}, err
	}
	cc := clientv3.Config{
		Endpoints:            endpoints,
		DialTimeout:          cfg.DialTimeout,
		DialKeepAliveTime:    keepAliveEvery,
		DialKeepAliveTimeout: keepAliveWait,
		MaxUnaryRetries:      3,
		BackoffWaitBetween:   100 * time.Millisecond,
		Logger:               zapTo(cfg.Log),
	}
	if cc.DialTimeout <= 0 {
		cc.DialTimeout = DefaultDialTimeout
	}
	if cfg.TLS || secure || cfg.CAFile != "" || cfg.CertFile != "" || cfg.KeyFile != "" {
		if cc.TLS, err = cfg.TLSFiles().Config(); err != nil {
			return cc, err
		}
		cc.DialOptions = append(cc.DialOptions, grpc.WithTransportCredentials(&freshCredentials{base: cc.TLS}))
	}
	if cfg.Username != "" {
		password, err := readPassword(cfg.PasswordFile)
		if err != nil {
			return cc, err
		}
		cc.Username, cc.Password = cfg.Username, password
	} else if cfg.PasswordFile != "" {
		return cc, errors.New("password_file is set without username: set both or none")
	}
	return cc, nil
}

// callPolicy adjusts how the client library calls.
type callPolicy struct {
	starting  atomic.Bool     // the client is being made
	anonymous clientv3.Config // of a client that is not logged in
}

// unary makes calls fail while no server can be reached, with the reason, instead
// of waiting for their deadline. And it keeps the making of a client from waiting
// for a login: told that etcd has no users, the client goes on without a token
// and logs in when its first call is refused for that.
func (p *callPolicy) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if strings.HasSuffix(method, "/Authenticate") {
		if p.starting.Load() {
			return rpctypes.ErrGRPCAuthNotEnabled
		}
		return p.login(ctx, method, req, reply)
	}
	return call(ctx, method, req, reply, cc, append(slices.Clip(opts), grpc.WaitForReady(false))...)
}

// login logs in over a connection of its own. Over that of the client it would show the
// login that has expired, for which etcd 3.4 refuses the new one too, and the client
// library would try until the call is over, and never get in again.
func (p *callPolicy) login(ctx context.Context, method string, req, reply any) error {
	client, err := clientv3.New(p.anonymous)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }() // ends its connection, has nothing else to fail
	return client.ActiveConnection().Invoke(ctx, method, req, reply)
}

// endpointsOf checks addresses and takes schemes off them; secure reports https.
func endpointsOf(list []string) (hosts []string, secure bool, err error) {
	plain := false
	for _, e := range list {
		e = strings.TrimSuffix(strings.TrimSpace(e), "/")
		if e == "" {
			continue
		}
		if i := strings.LastIndexByte(e, '@'); i >= 0 { // not repeated: it may be a password
			return nil, false, fmt.Errorf("address ****%s holds a login: set [etcd] username and password_file instead", e[i:])
		}
		host := e
		if scheme, rest, ok := strings.Cut(e, "://"); ok {
			switch scheme {
			case "https":
				secure = true
			case "http":
				plain = true
			default:
				return nil, false, fmt.Errorf("address %q: unknown scheme %q, use host:port", e, scheme)
			}
			host = rest
		}
		if i := strings.LastIndexByte(host, ':'); i <= 0 || i == len(host)-1 || strings.ContainsAny(host, "/ ") {
			return nil, false, fmt.Errorf("address %q is not host:port", e)
		}
		hosts = append(hosts, host)
	}
	switch {
	case len(hosts) == 0:
		return nil, false, errors.New("no address: set [etcd] address")
	case secure && plain:
		return nil, false, errors.New("addresses mix http:// and https://")
	}
	return hosts, secure, nil
}

func readPassword(file string) (string, error) {
	if file == "" {
		return "", errors.New("username is set without password_file: set both or none")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("password_file: %w", err)
	}
	password := strings.TrimRight(string(data), "\r\n")
	if password == "" {
		return "", fmt.Errorf("password_file %s is empty", file)
	}
	return password, nil
}
