package cli

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"

	"logctl/etcdcfg"
	"logctl/internal/config"
	"logctl/internal/kafka"
)

// kafkaConfig is the configuration of internal/kafka from the settings.
func kafkaConfig(c *config.Config) kafka.Config {
	k := c.Kafka
	l := k.Login
	return kafka.Config{
		Addresses: k.Address, ClientID: "logctl",
		TLS: k.TLS, CAFile: k.CAFile, CAPasswordFile: k.CAPasswordFile, CertFile: k.CertFile, KeyFile: k.KeyFile,
		KeyPasswordFile: k.KeyPasswordFile, ServerName: k.ServerName, TLSMinVersion: k.TLSMinVersion,
		SASLMechanism: l.Mechanism, SASLUser: l.User, SASLPasswordFile: l.PasswordFile, DelegationToken: l.DelegationToken,
		OAuth: kafka.OAuth{
			TokenEndpointURL: l.TokenEndpointURL, ClientID: l.ClientID, ClientSecretFile: l.ClientSecretFile, Scope: l.Scope,
			AssertionFile: l.AssertionFile, CAFile: l.OAuthCAFile, TokenFile: l.TokenFile, TokenCommand: l.TokenCommand, Extensions: l.Extensions,
		},
		Kerberos: kafka.Kerberos{ServiceName: l.KerberosService, KeytabFile: l.KerberosKeytab, CacheFile: l.KerberosCCache, ConfigFile: l.KerberosConfig},
		AWS:      kafka.AWS{Region: l.AWSRegion, Profile: l.AWSProfile, RoleARN: l.AWSRoleARN},
	}
}

// etcdConfig is the configuration of etcdcfg from the settings.
func etcdConfig(c *config.Config, log *slog.Logger) etcdcfg.Config {
	e := c.Etcd
	return etcdcfg.Config{
		Endpoints: e.Address, Username: e.Username, PasswordFile: e.PasswordFile,
		TLS: e.TLS, CAFile: e.CAFile, CAPasswordFile: e.CAPasswordFile, CertFile: e.CertFile, KeyFile: e.KeyFile,
		KeyPasswordFile: e.KeyPasswordFile, ServerName: e.ServerName, TLSMinVersion: e.TLSMinVersion,
		DialTimeout: e.DialTimeout, Timeout: e.Timeout, Log: log,
	}
}

// checkServers finds mistakes in how the servers are configured that only show when the
// files are read, before anything is opened.
func checkServers(c *config.Config) error {
	if _, err := kafkaConfig(c).Sarama(); err != nil {
		return &usageError{err}
	}
	if err := etcdConfig(c, nil).Check(); err != nil {
		return &usageError{err}
	}
	return nil
}

// author names the person at the keyboard, for the history of edits: user@host.
func author() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return name + "@" + hostname()
}

// hostname is the name of this host, or "localhost" when it has none.
func hostname() string {
	h, err := os.Hostname()
	if err != nil || h == "" {
		return "localhost"
	}
	return h
}

// hostIP is the address that stands for {ip} in keys and ids: the first global IPv4
// address of an interface that is up, else 127.0.0.1.
func hostIP() string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	for _, a := range addrs {
		if ipnet, ok := a.(*net.IPNet); ok && ipnet.IP.To4() != nil && ipnet.IP.IsGlobalUnicast() {
			return ipnet.IP.String()
		}
	}
	return "127.0.0.1"
}

// resolve replaces {hostname}, {ip} and {node}.
func resolve(tmpl string) string {
	return etcdcfg.ResolveKey(strings.ReplaceAll(tmpl, "{node}", node()), hostname(), hostIP())
}

// node is the name of the Kubernetes node that a pod runs on, where the pod is told of it in
// NODE_NAME (fieldRef spec.nodeName); else the name of the host.
func node() string { return cmp.Or(os.Getenv("NODE_NAME"), hostname()) }

// dataDir is where the agent keeps its state: the setting, else /var/lib/logctl for
// root, else the user's state directory. On Windows it is %ProgramData%\logctl for a service.
func (a *app) dataDir(c *config.Config) (string, error) {
	if c.Agent.DataDir != "" {
		return c.Agent.DataDir, nil
	}
	if os.Geteuid() == 0 {
		return "/var/lib/logctl", nil
	}
	if a.Service {
		dir := a.getenv("ProgramData")
		if dir == "" {
			return "", errors.New("no directory for state: set ProgramData or [agent] data_dir")
		}
		return filepath.Join(dir, "logctl"), nil
	}
	dir, err := a.stateDir()
	if err != nil {
		return "", fmt.Errorf("%w, or [agent] data_dir", err)
	}
	return dir, nil
}

// stateDir is $XDG_STATE_HOME/logctl, or ~/.local/state/logctl (on Windows
// %LocalAppData%\logctl).
func (a *app) stateDir() (string, error) {
	if dir := a.getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "logctl"), nil
	}
	if dir := a.getenv("LocalAppData"); dir != "" {
		return filepath.Join(dir, "logctl"), nil
	}
	home := a.getenv("HOME")
	if home == "" {
		if runtime.GOOS == "windows" {
			return "", errors.New("no directory for state: set LOCALAPPDATA")
		}
		return "", errors.New("no directory for state: set HOME or XDG_STATE_HOME")
	}
	return filepath.Join(home, ".local", "state", "logctl"), nil
}

// agentID resolves the id of the agent and refuses what cannot be an etcd key part.
func agentID(c *config.Config) (string, error) {
	id := resolve(c.Agent.ID)
	if strings.ContainsAny(id, "/\x00\n") || len(id) > 200 {
		return "", &usageError{fmt.Errorf("[agent] id: %q must not hold / or line breaks, and not be longer than 200 bytes", id)}
	}
	return id, nil
}
