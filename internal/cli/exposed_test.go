package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"logctl/internal/config"
)

// Passwords that go over the network as they are, and files that others can read, are
// found; what is safe is not.
func TestExposures(t *testing.T) {
	dir := t.TempDir()
	secret := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, tc := range map[string]struct {
		set  func(c *config.Config)
		want string // "": nothing
		unix bool   // there are no such rights on Windows
	}{
		"PLAIN":          {func(c *config.Config) { c.Kafka.Login.Mechanism = "PLAIN" }, "[kafka] sasl_mechanism", false},
		"PLAIN over TLS": {func(c *config.Config) { c.Kafka.Login.Mechanism, c.Kafka.TLS = "PLAIN", true }, "", false},
		"PLAIN on loopback": {func(c *config.Config) {
			c.Kafka.Login.Mechanism, c.Kafka.Address = "PLAIN", []string{"localhost:9092", "127.0.0.2:9092", "[::1]:9092"}
		}, "", false},
		"PLAIN to one beyond": {func(c *config.Config) {
			c.Kafka.Login.Mechanism, c.Kafka.Address = "PLAIN", []string{"localhost:9092", "k2:9092"}
		}, "k2:9092", false},
		"SCRAM":                    {func(c *config.Config) { c.Kafka.Login.Mechanism = "SCRAM-SHA-512" }, "", false},
		"etcd's password":          {func(c *config.Config) { c.Etcd.Username = "u" }, "[etcd] username", false},
		"etcd's password by http":  {func(c *config.Config) { c.Etcd.Username, c.Etcd.Address = "u", []string{"http://e1:2379/"} }, "e1", false},
		"etcd's password by https": {func(c *config.Config) { c.Etcd.Username, c.Etcd.Address = "u", []string{"https://e1:2379"} }, "", false},
		"a registry's login": {func(c *config.Config) {
			c.Kafka.Registry = config.Registry{URL: "https://a, http://b:8081/x", TokenFile: secret("t", 0o600)}
		}, "b:8081", false},
		"an endpoint of tokens":      {func(c *config.Config) { c.Kafka.Login.TokenEndpointURL = "http://idp/token" }, "token_endpoint_url", false},
		"a password others can read": {func(c *config.Config) { c.Kafka.Login.PasswordFile = secret("p1", 0o644) }, "mode 0644", true},
		"a key others can read":      {func(c *config.Config) { c.Etcd.KeyFile = secret("p2", 0o604) }, "[etcd] key_file", true},
		"a password of a group":      {func(c *config.Config) { c.Kafka.Login.PasswordFile = secret("p3", 0o640) }, "", true},
		"a data directory":           {func(c *config.Config) { c.Agent.DataDir = dir }, "[agent] data_dir", true},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.unix && runtime.GOOS == "windows" {
				t.Skip("rights are kept elsewhere")
			}
			c := &config.Config{Kafka: config.Kafka{Address: []string{"k1:9092"}}, Etcd: config.Etcd{Address: []string{"e1:2379"}}}
			tc.set(c)
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range exposures(c, c.Agent.DataDir) {
				got = append(got, e.where+": "+e.what+" -> "+e.do)
			}
			if text := strings.Join(got, "\n"); tc.want == "" && text != "" || len(got) > 1 || !strings.Contains(text, tc.want) {
				t.Errorf("%q, want %q", text, tc.want)
			}
		})
	}
}

// The start of an agent, its check and doctor tell of them.
func TestExposuresAreTold(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("rights are kept elsewhere")
	}
	home := t.TempDir()
	password := filepath.Join(home, "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o644); err != nil { //nolint:gosec // that is what is tested
		t.Fatal(err)
	}
	b := &bench{env: []string{"HOME=" + home, "LOGCTL_KAFKA_SASL_MECHANISM=PLAIN", "LOGCTL_KAFKA_SASL_USER=u", "LOGCTL_KAFKA_SASL_PASSWORD_FILE=" + password}, args: []string{"--etcd", "127.0.0.1:1", "--kafka", "kafka.example:9092"}}
	out := b.ok(t, "agent", "--check")
	for _, want := range []string{"! secrets  [kafka] sasl_mechanism: PLAIN without TLS", "! secrets  [kafka] sasl_password_file: " + password, "to do: chmod o= " + password} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if strings.Contains(out, "secret\n") {
		t.Error("the password is printed")
	}
}

// Where etcd and Kafka ask nobody, each agent can speak for the others, which doctor says.
func TestDoctorAsksWhoMaySpeakForWhom(t *testing.T) {
	f := newFleet(t)
	f.env = append(f.env, "LOGCTL_AGENT_DATA_DIR="+filepath.Join(t.TempDir(), "data"))
	got := f.findings(ExitOK, "doctor")[levelWarning]
	if want := "other agents' presences: can be written by whoever reaches etcd"; !strings.Contains(got, want) {
		t.Errorf("%q is not in\n%s", want, got)
	}
}
