package testkit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"logctl/internal/kafka"
)

// KafkaEnv names the environment variable with the comma-separated addresses
// of a real cluster to test on.
const KafkaEnv = "LOGCTL_TEST_KAFKA"

// KafkaServer is a cluster for one test, embedded or real.
type KafkaServer struct {
	addrs   []string
	opts    []kfake.Opt // without the ports, for Start
	proxies []*Proxy
	config  *kafka.Config // of another client than Config's

	mu      sync.Mutex // control functions of the cluster may ask while Stop ends it
	cluster *kfake.Cluster
}

// KafkaOption changes what Kafka starts. Every option implies the embedded
// broker, whatever KafkaEnv says.
type KafkaOption func(t testing.TB, k *KafkaServer)

// Embedded asks for the embedded broker, with options of its own (SASL, TLS,
// ACLs, ...).
func Embedded(opts ...kfake.Opt) KafkaOption {
	return func(_ testing.TB, k *KafkaServer) { k.opts = append(k.opts, opts...) }
}

// Brokers asks for an embedded cluster of n brokers; its topics have n
// leaders spread over them.
func Brokers(n int) KafkaOption {
	return func(_ testing.TB, k *KafkaServer) { k.opts = append(k.opts, kfake.NumBrokers(n)) }
}

// Restartable keeps the embedded broker's records on disk, so that Stop and
// Start make an outage and not a new cluster.
func Restartable() KafkaOption {
	return func(t testing.TB, k *KafkaServer) {
		if runtime.GOOS == "windows" {
			t.Skip("the embedded broker renames files that it has open, which Windows refuses")
		}
		dir, err := os.MkdirTemp("", "logctl-kfake")
		if err != nil {
			t.Fatalf("directory of the embedded kafka: %v", err)
		}
		t.Cleanup(func() {
			if err := os.RemoveAll(dir); err != nil {
				t.Errorf("directory of the embedded kafka: %v", err)
			}
		})
		k.opts = append(k.opts, kfake.DataDir(dir))
	}
}

// Kafka starts an embedded broker on a free loopback port, or uses the real
// cluster of KafkaEnv when no option asks for the embedded one. Neither
// creates a topic by being asked for it, as far as the embedded one goes; a
// real one should have auto.create.topics.enable=false.
func Kafka(t testing.TB, opts ...KafkaOption) *KafkaServer {
	t.Helper()
	k := &KafkaServer{}
	if addrs := os.Getenv(KafkaEnv); addrs != "" && len(opts) == 0 {
		k.addrs = strings.Split(addrs, ",")
		return k
	}
	k.opts = append(k.opts, kfake.NumBrokers(1))
	for _, o := range opts {
		o(t, k)
	}
	k.Start(t)
	t.Cleanup(k.Stop)
	return k
}

// Addr is the first address, host:port.
func (k *KafkaServer) Addr() string { return k.addrs[0] }

// Addrs are the addresses of the brokers, or of a real cluster as configured.
func (k *KafkaServer) Addrs() []string { return k.addrs }

// Cluster is the embedded cluster, for faults and facts; nil on a real one.
func (k *KafkaServer) Cluster() *kfake.Cluster {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.cluster
}

// Proxies are the proxies in front of the brokers, see Proxied.
func (k *KafkaServer) Proxies() []*Proxy { return k.proxies }

// Config is a client's configuration for the cluster, without TLS or SASL.
func (k *KafkaServer) Config() kafka.Config {
	if k.config != nil {
		return *k.config
	}
	return kafka.Config{Addresses: k.addrs, ClientID: "logctl-test"}
}

// Stop ends the embedded broker, as an outage: its port refuses connections
// until Start. It does nothing on a real cluster.
func (k *KafkaServer) Stop() {
	k.mu.Lock()
	c := k.cluster
	k.cluster = nil
	k.mu.Unlock()
	if c != nil {
		c.Close()
	}
}

// Start starts the embedded broker again on the ports it had.
func (k *KafkaServer) Start(t testing.TB) {
	t.Helper()
	opts := k.opts
	if len(k.addrs) > 0 {
		ports := make([]int, 0, len(k.addrs))
		for _, a := range k.addrs {
			_, port, err := net.SplitHostPort(a)
			if err != nil {
				t.Fatalf("address of the embedded kafka: %v", err)
			}
			n, err := strconv.Atoi(port)
			if err != nil {
				t.Fatalf("port of the embedded kafka: %v", err)
			}
			ports = append(ports, n)
		}
		opts = append(append([]kfake.Opt{}, opts...), kfake.Ports(ports...))
	}
	var c *kfake.Cluster
	err := onItsPort(t, func() (err error) {
		c, err = kfake.NewCluster(opts...)
		return err
	})
	if err != nil {
		t.Fatalf("start the embedded kafka: %v", err)
	}
	if len(k.addrs) == 0 { // else they are the same, and somebody may be reading them
		k.addrs = c.ListenAddrs()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cluster = c
}

// Topic creates a topic with a name that no other test has and returns the
// name. configs are pairs of a topic setting and its value.
func (k *KafkaServer) Topic(t testing.TB, partitions int, configs ...string) string {
	t.Helper()
	name := k.TopicName(t)
	k.Create(t, name, partitions, configs...)
	return name
}

// TopicName returns a name that no other test has, without creating a topic.
func (k *KafkaServer) TopicName(t testing.TB) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, t.Name())
	if len(clean) > 80 {
		clean = clean[:80]
	}
	return fmt.Sprintf("t-%s-%x-%x", clean, time.Now().Unix(), rand.Uint32())
}

// Create creates a topic of that name. Records of any age stay in it: tests write old ones,
// and the broker would take them away between two looks.
func (k *KafkaServer) Create(t testing.TB, name string, partitions int, configs ...string) {
	t.Helper()
	set := map[string]string{"retention.ms": "-1"}
	for i := 0; i+1 < len(configs); i += 2 {
		set[configs[i]] = configs[i+1]
	}
	if c := k.Cluster(); c != nil {
		if err := c.CreateTopic(name, int32(partitions), set); err != nil {
			t.Fatalf("create topic %s: %v", name, err)
		}
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	admin := kafka.NewAdmin(k.Config())
	if err := admin.CreateTopic(ctx, name, int32(partitions), -1, set); err != nil {
		t.Fatalf("create topic %s: %v", name, err)
	}
	if err := admin.Close(); err != nil {
		t.Errorf("close admin: %v", err)
	}
	for _, addr := range k.addrs {
		Eventually(t, "the broker at "+addr+" knows the topic "+name, func() bool { return k.knows(addr, name, partitions) })
	}
	Eventually(t, "all partitions of the topic "+name+" answer", func() bool { return k.answers(t.Context(), name, partitions) })
}

// ConfigSASL is a client's configuration for the cluster that authenticates.
func (k *KafkaServer) ConfigSASL(t testing.TB, mechanism, user, password string) kafka.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatalf("password file: %v", err)
	}
	c := k.Config()
	c.SASLMechanism, c.SASLUser, c.SASLPasswordFile = mechanism, user, file
	return c
}

// As returns the cluster as another client sees it: Read and Config use cfg.
func (k *KafkaServer) As(cfg kafka.Config) *KafkaServer {
	return &KafkaServer{addrs: k.addrs, opts: k.opts, proxies: k.proxies, config: &cfg, cluster: k.Cluster()}
}
