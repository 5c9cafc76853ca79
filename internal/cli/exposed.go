package cli

import (
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"

	"logctl/internal/config"
)

// exposure is something that lets others read a password or what it guards.
type exposure struct{ where, what, do string }

// exposures looks for passwords that go over the network as they are, and for files of
// secrets and a data directory that other users of the host can read. dir is the data
// directory; "": none is looked at.
func exposures(c *config.Config, dir string) []exposure {
	out := openPasswords(c)
	for _, s := range secretFiles(c) {
		if mode, ok := othersMay(s.path); ok {
			out = append(out, exposure{s.where, fmt.Sprintf("%s can be read by every user of this host (mode %04o)", s.path, mode), "chmod o= " + s.path})
		}
	}
	if mode, ok := othersMay(dir); ok {
		out = append(out, exposure{"[agent] data_dir", fmt.Sprintf("%s is open to every user of this host (mode %04o): positions and the list tell what is collected, and who may write there misleads the agent", dir, mode), "chmod 0700 " + dir})
	}
	return out
}

// openPasswords finds logins that send a password, or a token, without TLS beyond this
// host.
func openPasswords(c *config.Config) []exposure {
	var out []exposure
	kafkaTLS := c.Kafka.TLS || c.Kafka.CAFile != "" || c.Kafka.CertFile != ""
	if m := c.Kafka.Login.Mechanism; (m == "PLAIN" || m == "OAUTHBEARER") && !kafkaTLS {
		if away := beyondHost(c.Kafka.Address); len(away) > 0 {
			out = append(out, exposure{"[kafka] sasl_mechanism", fmt.Sprintf("%s without TLS: whoever listens on the way to %s reads the password or the token", m, strings.Join(away, ", ")), "set [kafka] tls = true, or use SCRAM-SHA-512"})
		}
	}
	etcdTLS := c.Etcd.TLS || c.Etcd.CAFile != "" || c.Etcd.CertFile != "" || slices.ContainsFunc(c.Etcd.Address, func(a string) bool { return strings.HasPrefix(a, "https://") })
	if c.Etcd.Username != "" && !etcdTLS {
		if away := beyondHost(c.Etcd.Address); len(away) > 0 {
			out = append(out, exposure{"[etcd] username", "a password without TLS: whoever listens on the way to " + strings.Join(away, ", ") + " reads it", "set [etcd] tls = true"})
		}
	}
	if r := c.Kafka.Registry; r.PasswordFile != "" || r.TokenFile != "" {
		var plain []string
		for text := range strings.SplitSeq(r.URL, ",") {
			if rest, ok := strings.CutPrefix(strings.TrimSpace(text), "http://"); ok {
				host, _, _ := strings.Cut(rest, "/")
				plain = append(plain, host)
			}
		}
		if away := beyondHost(plain); len(away) > 0 {
			out = append(out, exposure{"[kafka] registry", "a login without TLS: whoever listens on the way to " + strings.Join(away, ", ") + " reads it", "use https://"})
		}
	}
	if u, ok := strings.CutPrefix(c.Kafka.Login.TokenEndpointURL, "http://"); ok {
		host, _, _ := strings.Cut(u, "/")
		if away := beyondHost([]string{host}); len(away) > 0 {
			out = append(out, exposure{"[kafka] sasl_oauthbearer_token_endpoint_url", "the client's secret and the tokens go without TLS to " + away[0], "use https://"})
		}
	}
	return out
}

// beyondHost returns the addresses that are not those of this host's loopback.
func beyondHost(addresses []string) []string {
	var out []string
	for _, a := range addresses {
		rest := a
		if _, after, ok := strings.Cut(a, "://"); ok {
			rest = strings.TrimSuffix(after, "/")
		}
		host, _, err := net.SplitHostPort(rest)
		if err != nil {
			host = strings.Trim(rest, "[]")
		}
		ip, err := netip.ParseAddr(host)
		if host == "localhost" || err == nil && ip.Unmap().IsLoopback() {
			continue
		}
		out = append(out, a)
	}
	return out
}

type secretFile struct{ where, path string }

// secretFiles are the files of the settings that hold a secret.
func secretFiles(c *config.Config) []secretFile {
	k, l, r, e := &c.Kafka, &c.Kafka.Login, &c.Kafka.Registry, &c.Etcd
	all := []secretFile{
		{"[kafka] sasl_password_file", l.PasswordFile},
		{"[kafka] sasl_oauthbearer_client_secret_file", l.ClientSecretFile},
		{"[kafka] sasl_oauthbearer_assertion_file", l.AssertionFile},
		{"[kafka] sasl_oauthbearer_token_file", l.TokenFile},
		{"[kafka] sasl_kerberos_keytab", l.KerberosKeytab},
		{"[kafka] sasl_kerberos_ccache", strings.TrimPrefix(l.KerberosCCache, "FILE:")},
		{"[kafka] key_file", k.KeyFile},
		{"[kafka] key_password_file", k.KeyPasswordFile},
		{"[kafka] registry_password_file", r.PasswordFile},
		{"[kafka] registry_token_file", r.TokenFile},
		{"[kafka] registry_key_file", r.KeyFile},
		{"[kafka] registry_key_password_file", r.KeyPasswordFile},
		{"[etcd] password_file", e.PasswordFile},
		{"[etcd] key_file", e.KeyFile},
		{"[etcd] key_password_file", e.KeyPasswordFile},
		{"[agent] listen_token_file", c.Agent.ListenToken},
		{"[agent] listen_key_file", c.Agent.ListenKey},
	}
	return slices.DeleteFunc(all, func(s secretFile) bool { return s.path == "" })
}

// othersMay says whether users other than the owner and the group may do something with a
// file or a directory. What cannot be looked at is told of where it is used. Windows
// keeps rights elsewhere.
func othersMay(path string) (fs.FileMode, bool) {
	if path == "" || runtime.GOOS == "windows" {
		return 0, false
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	open := fs.FileMode(0o006)
	if info.IsDir() {
		open = 0o007
	}
	return info.Mode().Perm(), info.Mode().Perm()&open != 0
}

// warnOfExposures logs them at the start of an agent.
func warnOfExposures(c *config.Config, dir string, log *slog.Logger) {
	for _, e := range exposures(c, dir) {
		log.Warn("a secret is open to others", "setting", e.where, "why", e.what, "do", e.do)
	}
}
