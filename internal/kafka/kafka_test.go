package kafka_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"logctl/internal/kafka"
	"logctl/internal/testkit"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// open returns an Admin that is closed at the end, and a context of 15 s.
func open(t *testing.T, cfg kafka.Config) (*kafka.Admin, context.Context) {
	t.Helper()
	a := kafka.NewAdmin(cfg)
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Hang)
	t.Cleanup(cancel)
	return a, ctx
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t)
	a, ctx := open(t, k.Config())
	name := k.TopicName(t)
	if err := a.CreateTopic(ctx, name, 3, -1, map[string]string{"max.message.bytes": "54321"}); err != nil {
		t.Fatal(err)
	}
	if err := a.CreateTopic(ctx, name, 3, -1, nil); !errors.Is(err, kafka.ErrTopicExists) {
		t.Errorf("create again: %v", err)
	}
	var topic kafka.Topic
	testkit.Eventually(t, "the topic is there", func() bool {
		var err error
		topic, err = a.Topic(ctx, name)
		// A real cluster elects the leaders one after the other.
		return err == nil && len(topic.Partitions) == 3 && !slices.ContainsFunc(topic.Partitions, func(p kafka.Partition) bool { return p.Err != nil })
	})
	for i, p := range topic.Partitions {
		if p.ID != int32(i) || p.Oldest != 0 || p.Newest != 0 || p.Leader < 0 || len(p.Replicas) == 0 || len(p.ISR) == 0 || p.Err != nil {
			t.Errorf("partition %+v", p)
		}
	}
	if got, err := a.SettingsOf(ctx, []string{kafka.MaxMessageBytes}, name); got[name][kafka.MaxMessageBytes] != "54321" || err != nil {
		t.Errorf("settings %v, %v", got, err)
	}
	topics, err := a.Topics(ctx)
	if err != nil || !containsTopic(topics, name) {
		t.Errorf("topics: %v, %v", topics, err)
	}
	offsets, err := a.Offsets(ctx, name, name+"-missing")
	if err != nil || len(offsets) != 1 || len(offsets[name]) != 3 {
		t.Errorf("offsets %v, %v", offsets, err)
	}
	brokers, err := a.Brokers(ctx)
	if err != nil || len(brokers) == 0 || brokers[0].Address == "" {
		t.Errorf("brokers %v, %v", brokers, err)
	}
	if sizes, err := a.Sizes(ctx); err != nil || len(sizes) == 0 {
		t.Errorf("sizes %v, %v", sizes, err)
	}
	if took, err := a.Ping(ctx); err != nil || took <= 0 {
		t.Errorf("ping %v, %v", took, err)
	}
}

func containsTopic(topics []kafka.Topic, name string) bool {
	for _, t := range topics {
		if t.Name == name {
			return true
		}
	}
	return false
}

func TestMissingTopicIsNotCreated(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded(kfake.AllowAutoTopicCreation(), kfake.SeedTopics(1, "nginx_log", "app_log", "trade")))
	a, ctx := open(t, k.Config())
	_, err := a.Topic(ctx, "ngnix_log")
	var missing *kafka.MissingTopicError
	if !errors.As(err, &missing) || !cmp.Equal(missing.Nearest, []string{"nginx_log"}) {
		t.Errorf("error %v", err)
	}
	if got := kafka.Explain(err); !strings.Contains(got, `near it: "nginx_log"`) {
		t.Errorf("explained: %s", got)
	}
	if k.Cluster().TopicInfo("ngnix_log") != nil {
		t.Error("asking created the topic")
	}
}

func TestSASLAndTLS(t *testing.T) {
	t.Parallel()
	certs := testkit.NewCerts(t)
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			k := testkit.Kafka(t, testkit.Embedded(kfake.EnableSASL(), kfake.Superuser(mechanism, "agent", "pass word"), kfake.TLS(certs.Server)))
			cfg := k.ConfigSASL(t, mechanism, "agent", "pass word")
			cfg.CAFile = certs.CAFile
			a, ctx := open(t, cfg)
			if _, err := a.Brokers(ctx); err != nil {
				t.Errorf("with TLS and %s: %v", mechanism, err)
			}
			cfg.ServerName = "elsewhere"
			expect(t, cfg, "server_name")
			cfg.ServerName, cfg.CAFile, cfg.TLS = "", "", true
			expect(t, cfg, "ca_file")
			wrong := k.ConfigSASL(t, mechanism, "agent", "wrong")
			wrong.CAFile = certs.CAFile
			expect(t, wrong, "sasl_password_file")
			wrong = k.Config()
			wrong.CAFile = certs.CAFile
			expect(t, wrong, "closed the connection")
			wrong = k.Config()
			expect(t, wrong, "closed the connection")
		})
	}
}

func TestClientCertificate(t *testing.T) {
	t.Parallel()
	certs := testkit.NewCerts(t)
	k := testkit.Kafka(t, testkit.Embedded(kfake.TLS(certs.ServerDemandsClients)))
	cfg := k.Config()
	cfg.CAFile, cfg.CertFile, cfg.KeyFile = certs.CAFile, certs.CertFile, certs.KeyFile
	a, ctx := open(t, cfg)
	if _, err := a.Ping(ctx); err != nil {
		t.Error(err)
	}
	cfg.CertFile, cfg.KeyFile = "", ""
	expect(t, cfg, "cert_file")
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, kafka.Config{Addresses: []string{nobody}}, nobody+" refuses connections")
	expect(t, kafka.Config{Addresses: []string{"no-such-host.invalid:9092"}}, "does not resolve")
	plain := testkit.Kafka(t, testkit.Embedded())
	cfg := plain.Config()
	cfg.TLS = true
	expect(t, cfg, "TLS")
	expect(t, kafka.Config{}, "address is empty")
}

// TestHang looks whether a call ends with its context while a broker hangs, and
// whether another broker is asked instead.
func TestHang(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	proxy := testkit.NewProxy(t, k.Addr())
	proxy.Stall(true)
	cfg := k.Config()
	cfg.Addresses = []string{proxy.Addr()}
	a, _ := open(t, cfg)
	testkit.Soon(t, 2*time.Second, "asking a broker that hangs", func() time.Duration {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		return testkit.Took(func() {
			_, err := a.Topics(ctx)
			if got := kafka.Explain(err); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(got, "does not answer") {
				t.Errorf("%v, explained: %s", err, got)
			}
		})
	})
	cfg.Addresses = []string{proxy.Addr(), k.Addr()}
	b, ctx := open(t, cfg)
	if _, err := b.Topics(ctx); err != nil {
		t.Errorf("with a second address: %v", err)
	}
}

func TestReconnect(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	proxy := testkit.NewProxy(t, k.Addr())
	cfg := k.Config()
	cfg.Addresses = []string{proxy.Addr()}
	a, ctx := open(t, cfg)
	for range 3 {
		if _, err := a.Ping(ctx); err != nil {
			t.Error(err)
		}
		proxy.Cut()
	}
}

func TestDenied(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	a, ctx := open(t, k.Config())
	topic := k.Topic(t, 1)
	k.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Topic: topic, Err: kerr.TopicAuthorizationFailed})
	_, err := a.Topic(ctx, topic)
	if got := kafka.Explain(err); !strings.Contains(got, topic) || !strings.Contains(got, "Describe") {
		t.Errorf("explained: %s", got)
	}
}

// expect pings with cfg and looks for want in the explanation of the error.
func expect(t *testing.T, cfg kafka.Config, want string) {
	t.Helper()
	a, ctx := open(t, cfg)
	_, err := a.Brokers(ctx) // unlike Ping it is not answered before the login
	if got := kafka.Explain(err); !strings.Contains(got, want) {
		t.Errorf("explained: %q (%v), want %q in it", got, err, want)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	base := func() kafka.Config { return kafka.Config{Addresses: []string{"a,b:1", " [::1]:9 "}} }
	tests := []struct {
		name   string
		change func(*kafka.Config)
		want   string // in the error; "": none
	}{
		{"plain", func(*kafka.Config) {}, ""},
		{"no address", func(c *kafka.Config) { c.Addresses = []string{" ", ""} }, "address is empty"},
		{"no ca", func(c *kafka.Config) { c.CAFile = filepath.Join(dir, "none") }, "ca_file"},
		{"bad ca", func(c *kafka.Config) { c.CAFile = empty }, "no PEM certificate"},
		{"half a pair", func(c *kafka.Config) { c.CertFile = empty }, "belong together"},
		{"bad pair", func(c *kafka.Config) { c.CertFile, c.KeyFile = empty, empty }, "key_file"},
		{"user only", func(c *kafka.Config) { c.SASLUser = "x" }, "without sasl_mechanism"},
		{"mechanism only", func(c *kafka.Config) { c.SASLMechanism = "PLAIN" }, "needs sasl_user"},
		{"empty password", func(c *kafka.Config) { c.SASLMechanism, c.SASLUser, c.SASLPasswordFile = "PLAIN", "x", empty }, "first line is empty"},
		{"mechanism", func(c *kafka.Config) {
			c.SASLMechanism, c.SASLUser, c.SASLPasswordFile = "EXTERNAL", "x", writeFile(t, dir, "pw")
		}, "unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := base()
			tt.change(&cfg)
			s, err := cfg.Sarama()
			if tt.want == "" {
				if err != nil || s.Metadata.AllowAutoTopicCreation {
					t.Errorf("%v, auto creation %v", err, s.Metadata.AllowAutoTopicCreation)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
}

func writeFile(t *testing.T, dir, content string) string {
	t.Helper()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
