package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// etcd is one server.
type etcd struct {
	*server
	address string
	dir     string
	start   func() (*server, error)
}

// build brings the program of a version: from Debian, or from the Go proxy.
func (l *lab) build(ctx context.Context, version string) (string, error) {
	dir := filepath.Join(l.cache, "etcd-"+version)
	bin := filepath.Join(dir, "etcd")
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	script := fmt.Sprintf("[ -f go.mod ] || go mod init server >&2\ngo get go.etcd.io/etcd/server/v3@v%s\ngo build -o etcd go.etcd.io/etcd/server/v3", version)
	if strings.HasSuffix(version, "-debian") {
		script = "apt-get download etcd-server\ndpkg -x etcd-server_*.deb root\ncp root/usr/bin/etcd etcd"
	}
	if kine, ok := strings.CutPrefix(version, "kine-"); ok {
		script = fmt.Sprintf("[ -f go.mod ] || go mod init server >&2\ngo get github.com/k3s-io/kine@v%s\nCGO_ENABLED=1 go build -o etcd github.com/k3s-io/kine", kine)
	}
	_, err := sh(ctx, dir, script)
	return bin, err
}

// startEtcd starts one member; certs is the directory of certificates when clients must
// show one.
func (l *lab) startEtcd(ctx context.Context, version, certs string) (*etcd, error) {
	bin, err := l.build(ctx, version)
	if err != nil {
		return nil, err
	}
	p, err := ports(2)
	if err != nil {
		return nil, err
	}
	e := &etcd{address: p[0]}
	if e.dir, err = os.MkdirTemp(l.dir, "etcd-"); err != nil {
		return nil, err
	}
	url := "http://" + p[0]
	var args []string
	switch {
	case strings.HasPrefix(version, "kine-"):
		args = []string{"--endpoint", "sqlite://" + e.dir + "/kine.db", "--listen-address", p[0], "--metrics-bind-address", "0"}
		if certs != "" {
			args = append(args, "--server-cert-file", certs+"/server.pem", "--server-key-file", certs+"/server.key")
		}
	default:
		if certs != "" {
			url = "https://" + p[0]
			args = []string{"--cert-file", certs + "/server.pem", "--key-file", certs + "/server.key", "--trusted-ca-file", certs + "/ca.pem", "--client-cert-auth"}
		}
		args = append(args, "--name", "matrix", "--data-dir", e.dir+"/data", "--listen-client-urls", url, "--advertise-client-urls", url,
			"--listen-peer-urls", "http://"+p[1], "--initial-advertise-peer-urls", "http://"+p[1], "--initial-cluster", "matrix=http://"+p[1])
	}
	e.start = func() (*server, error) {
		s, err := launch(e.dir, bin, args...)
		if err != nil {
			return nil, err
		}
		return s, s.listens(ctx, e.address)
	}
	e.server, err = e.start()
	return e, err
}

// etcdRow runs everything on one version of etcd.
func (l *lab) etcdRow(ctx context.Context, version string) (row, error) {
	r := row{server: serverName("etcd ", version), cells: map[string]string{}, date: today()}
	fail := func(err error) (row, error) { return r, fmt.Errorf("%s: %w", r.server, err) }
	k, err := l.startKafka(ctx, "4.4.0", broker{})
	if err != nil {
		return fail(err)
	}
	defer k.kill()
	e, err := l.startEtcd(ctx, version, "")
	if err != nil {
		return fail(err)
	}
	defer func() { e.kill() }()
	if err := until(ctx, 60*time.Second, func() error { return k.topic(topic) }); err != nil {
		return fail(err)
	}
	s, err := l.settle(k.plain, e.address, "", "")
	if err != nil {
		return fail(err)
	}
	errs := []error{l.listing(ctx, &r, e, s)}
	errs = append(errs, r.try("TLS", func() error { return l.etcdTLS(ctx, version, s.kafka) }))
	if !strings.HasPrefix(version, "kine-") { // it has no users
		errs = append(errs, r.try("SASL", func() error { return l.users(ctx, e, s) }))
		r.cells["SASL"], r.cells["ACL"] = strings.Replace(r.cells["SASL"], "ok", "ok (users)", 1), strings.Replace(r.cells["SASL"], "ok", "ok (roles)", 1)
	}
	return r, errors.Join(errs...)
}

// listing checks lists, presence, and a restart of etcd.
func (l *lab) listing(ctx context.Context, r *row, e *etcd, s *site) error {
	var agent *server
	defer func() { agent.kill() }()
	err := r.try("agent", func() (err error) {
		if err = errors.Join(s.write(l.lines), s.add(ctx)); err != nil {
			return err
		}
		if agent, err = s.agent(); err != nil {
			return err
		}
		return s.count(ctx, agent)
	})
	if agent == nil {
		return err
	}
	return errors.Join(err,
		r.try("console", func() error {
			if err := s.console(ctx); err != nil {
				return err
			}
			for _, args := range [][]string{{"pause", s.file}, {"resume", s.file}, {"history"}} {
				if _, _, err := l.ctl(ctx, append(append([]string{"entries"}, args...), "--config", s.config)...); err != nil {
					return err
				}
			}
			return s.stays(ctx)
		}),
		r.try("once-delivery", func() error { // over a restart of etcd
			e.stop()
			if err := s.write(l.lines); err != nil {
				return err
			}
			if err := s.count(ctx, agent); err != nil {
				return err
			}
			var err error
			if e.server, err = e.start(); err != nil {
				return err
			}
			return errors.Join(s.same(ctx), s.console(ctx))
		}))
}

// stays checks that the presence of the agent does not come and go.
func (s *site) stays(ctx context.Context) error {
	for range 25 {
		out, _, err := s.l.ctl(ctx, "agents", "list", "--config", s.config)
		if err != nil {
			return err
		}
		if !strings.Contains(out, "matrix") || strings.Contains(out, "lost") {
			return fmt.Errorf("the agent's presence comes and goes: %s", strings.ReplaceAll(out, "\n", " "))
		}
		time.Sleep(time.Second)
	}
	return nil
}

// etcdTLS checks a server that wants a certificate.
func (l *lab) etcdTLS(ctx context.Context, version, kafka string) error {
	certs, err := l.certificates(ctx)
	if err != nil {
		return err
	}
	e, err := l.startEtcd(ctx, version, certs)
	if err != nil {
		return err
	}
	defer e.kill()
	own := fmt.Sprintf("tls = true\nca_file = %[1]s/ca.pem\ncert_file = %[1]s/client.pem\nkey_file = %[1]s/client.key\n", certs)
	s, err := l.settle(kafka, e.address, "", own)
	if err != nil {
		return err
	}
	return s.add(ctx)
}

// users checks logins and least rights.
func (l *lab) users(ctx context.Context, e *etcd, s *site) error {
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{e.address}, Logger: zap.NewNop(), DialTimeout: 5 * time.Second})
	if err != nil {
		return err
	}
	defer c.Close()
	calls := []func() error{
		func() error { _, err := c.UserAdd(ctx, "root", "root-secret"); return err },
		func() error { _, err := c.UserGrantRole(ctx, "root", "root"); return err },
		func() error { _, err := c.UserAdd(ctx, "ops", "ops-secret"); return err },
		func() error { _, err := c.RoleAdd(ctx, "ops"); return err },
		func() error { _, err := c.UserGrantRole(ctx, "ops", "ops"); return err },
		func() error {
			_, err := c.RoleGrantPermission(ctx, "ops", "matrix", "", clientv3.PermissionType(clientv3.PermReadWrite))
			return err
		},
		func() error { _, err := c.AuthEnable(ctx); return err },
	}
	_, _ = c.RoleAdd(ctx, "root") // it may be there
	for _, call := range calls {
		if err := call(); err != nil {
			return err
		}
	}
	password := filepath.Join(s.dir, "etcd-password")
	edit := func(secret string, more ...string) error {
		if err := os.WriteFile(password, []byte(secret), 0o600); err != nil {
			return err
		}
		o, err := l.settle(s.kafka, e.address, "", "username = ops\npassword_file = "+password+"\n")
		if err != nil {
			return err
		}
		_, _, err = l.ctl(ctx, append([]string{"entries", "add", o.file, topic, "--config", o.config}, more...)...)
		return err
	}
	if err := refused(edit("wrong"), "password", "login"); err != nil {
		return err
	}
	if err := refused(edit("ops-secret"), "logctl/history/"); err != nil { // the key that lacks is named
		return err
	}
	if err := edit("ops-secret", "--no-history"); err != nil {
		return err
	}
	root, err := clientv3.New(clientv3.Config{Endpoints: []string{e.address}, Username: "root", Password: "root-secret", Logger: zap.NewNop(), DialTimeout: 5 * time.Second})
	if err != nil {
		return err
	}
	defer root.Close()
	if _, err := root.RoleGrantPermission(ctx, "ops", "logctl/history/matrix/", clientv3.GetPrefixRangeEnd("logctl/history/matrix/"), clientv3.PermissionType(clientv3.PermReadWrite)); err != nil {
		return err
	}
	return until(ctx, 5*time.Second, func() error { return edit("ops-secret") })
}
