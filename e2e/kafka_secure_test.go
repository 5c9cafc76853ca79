package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

// TestKafkaSecured runs agent and tail-topic from an ini file against servers that
// speak TLS only and want a user and a password.
func TestKafkaSecured(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{kafka.SASLPlain, kafka.SASLScramSHA256, kafka.SASLScramSHA512} {
		t.Run(mechanism, func(t *testing.T) {
			certs := testkit.NewCerts(t)
			w := newSecureWorld(t, certs, testkit.Embedded(kfake.TLS(certs.Server), kfake.EnableSASL(), kfake.Superuser(mechanism, "shipper", "shipper's secret")))
			topic := w.kafka.Topic(t, 2)
			l := newLedger()
			appendTo(t, w.path("a.log"), l.lines("a", 2000))
			w.put(collect(w.path("a.log"), topic))
			ini := w.ini(certs, mechanism, "shipper's secret")
			agent := start(t, nil, "agent", "--config", ini)
			w.awaitState(w.path("a.log"), "shipping")
			w.unproved = true // its flags have no login
			w.clean(newCounter(l), topic)
			if strings.Contains(agent.err.String(), "secret") {
				t.Error("the log holds a password")
			}
			agent.stop()

			reader := start(t, nil, "tail-topic", topic, "--config", ini, "--from", "oldest", "--no-follow", "-o", "raw", "-q")
			if code := reader.wait(); code != 0 {
				t.Fatalf("tail-topic: exit code %d", code)
			}
			c := newCounter(l)
			for line := range bytes.Lines([]byte(reader.out.String())) {
				c.add("stdout", 0, bytes.TrimSuffix(line, []byte("\n")), time.Now())
			}
			if v := c.verdict(); v.Lost+v.Duplicated+v.Garbled > 0 {
				t.Errorf("tail-topic printed: %s\n%v", v, c.first)
			}
		})
	}
}

// TestKafkaLoginRefused starts with a user that the brokers do not know; once they do,
// the lines come, without a restart.
func TestKafkaLoginRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.Embedded(kfake.EnableSASL(), kfake.Superuser(kafka.SASLScramSHA256, "admin", "admin")))
	password := w.loginAs("admin")
	topic := w.kafka.Topic(t, 2)
	l := newLedger()
	appendTo(t, w.path("a.log"), l.lines("a", 5000))
	w.put(collect(w.path("a.log"), topic))
	agent := w.startAgent("LOGCTL_KAFKA_SASL_MECHANISM=SCRAM-SHA-256", "LOGCTL_KAFKA_SASL_USER=shipper",
		"LOGCTL_KAFKA_SASL_PASSWORD_FILE="+password("secret"))
	testkit.Eventually(t, "the presence names the login", func() bool {
		p, _ := w.presence()
		return len(p.Tasks) == 1 && strings.Contains(p.Tasks[0].Error, "login") // refused, or hung up on without a word
	})
	if load := agent.load(2 * time.Second); load > idleLoad() {
		t.Errorf("uses %.0f %% of a processor while the login is refused", 100*load)
	}
	results, err := w.clusterAdmin().UpsertUserScramCredentials([]sarama.AlterUserScramCredentialsUpsert{{
		Name: "shipper", Mechanism: sarama.SCRAM_MECHANISM_SHA_256, Iterations: 4096, Salt: []byte("0123456789abcdef"), Password: []byte("secret"),
	}})
	if err != nil || len(results) != 1 || results[0].ErrorCode != sarama.ErrNoError {
		t.Fatalf("add user: %v, %v", results, err)
	}
	w.unproved = true // its flags have no login
	w.clean(newCounter(l), topic)
	w.awaitState(w.path("a.log"), "shipping")
	agent.stop()
}

// loginAs makes the scenario's own clients log in as a user whose password is the
// name. It returns what writes a password into a file of its own.
func (w *world) loginAs(user string) (password func(text string) string) {
	w.t.Helper()
	password = func(text string) string {
		path := filepath.Join(w.t.TempDir(), "password")
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			w.t.Fatal(err)
		}
		return path
	}
	w.login = &kafka.Config{Addresses: w.kafka.Addrs(), SASLMechanism: kafka.SASLScramSHA256, SASLUser: user, SASLPasswordFile: password(user)}
	return password
}

// TestKafkaDenied has no permission for one topic of two: the other ships, next to no
// processor time is used, and when the permission is given the lines come.
func TestKafkaDenied(t *testing.T) {
	t.Parallel()
	w := newWorld(t, testkit.Embedded(kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.Superuser(kafka.SASLScramSHA256, "admin", "admin"), kfake.User(kafka.SASLScramSHA256, "shipper", "secret")))
	password := w.loginAs("admin")
	denied, allowed := w.kafka.Topic(t, 2), w.kafka.Topic(t, 2)
	cluster := w.clusterAdmin()
	grant := func(topic string) {
		err := cluster.CreateACLs([]*sarama.ResourceAcls{{
			Resource: sarama.Resource{ResourceType: sarama.AclResourceTopic, ResourceName: topic, ResourcePatternType: sarama.AclPatternLiteral},
			Acls:     []*sarama.Acl{{Principal: "User:shipper", Host: "*", Operation: sarama.AclOperationWrite, PermissionType: sarama.AclPermissionAllow}},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	grant(allowed)
	l := newLedger()
	appendTo(t, w.path("denied.log"), l.lines("denied.log", 100_000))
	appendTo(t, w.path("allowed.log"), l.lines("allowed.log", 5000))
	w.put(collect(w.path("denied.log"), denied), collect(w.path("allowed.log"), allowed))
	agent := w.startAgent("LOGCTL_KAFKA_SASL_MECHANISM=SCRAM-SHA-256", "LOGCTL_KAFKA_SASL_USER=shipper",
		"LOGCTL_KAFKA_SASL_PASSWORD_FILE="+password("secret"))
	w.awaitState(w.path("denied.log"), "topic denied")
	w.awaitState(w.path("allowed.log"), "shipping")
	w.arrived(5000, allowed)
	if load := agent.load(4 * time.Second); load > idleLoad() {
		t.Errorf("uses %.0f %% of a processor while permission is denied", 100*load)
	} else {
		t.Logf("uses %.1f %% of a processor while permission is denied", 100*load)
	}
	grant(denied)
	w.unproved = true // its flags have no login
	w.clean(newCounter(l), denied, allowed)
	w.awaitState(w.path("denied.log"), "shipping")
	agent.stop()
}

// idleLoad is what an agent with nothing to do may use of one processor.
func idleLoad() float64 {
	if testkit.Race {
		return 0.4
	}
	return 0.1
}

// newSecureWorld is a world whose etcd speaks TLS and knows two users: root, who
// writes the entries, and collector.
func newSecureWorld(t *testing.T, certs testkit.Certs, opts ...testkit.KafkaOption) *world {
	t.Helper()
	etcd := testkit.Etcd(t, testkit.EtcdWithTLS(testkit.EtcdTLS{CertFile: certs.ServerCert, KeyFile: certs.ServerKey}))
	pem, err := os.ReadFile(certs.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	dial := func(user, password string) *clientv3.Client {
		c, err := clientv3.New(clientv3.Config{
			Endpoints: etcd.Endpoints(), DialTimeout: 10 * time.Second, Logger: zap.NewNop(),
			TLS: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, Username: user, Password: password,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	w := &world{
		t: t, kafka: testkit.Kafka(t, opts...), etcd: etcd, key: etcd.Key(t),
		logs: filepath.Join(t.TempDir(), "logs"), data: filepath.Join(t.TempDir(), "data"),
	}
	if err := os.MkdirAll(w.logs, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Hang)
	defer cancel()
	c := dial("", "")
	do := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	both := clientv3.PermissionType(clientv3.PermReadWrite)
	_, err = c.UserAdd(ctx, "root", "root's secret")
	do("add root", err)
	_, err = c.UserGrantRole(ctx, "root", "root")
	do("make root root", err)
	_, err = c.RoleAdd(ctx, "collectors")
	do("add role", err)
	_, err = c.RoleGrantPermission(ctx, "collectors", "logctl", clientv3.GetPrefixRangeEnd("logctl"), both)
	do("grant", err)
	_, err = c.UserAdd(ctx, "collector", "collector's secret")
	do("add collector", err)
	_, err = c.UserGrantRole(ctx, "collector", "collectors")
	do("give the role", err)
	_, err = c.AuthEnable(ctx)
	do("enable auth", err)
	w.store = dial("root", "root's secret")
	return w
}

// ini writes the settings into a file, the passwords into files of their own.
func (w *world) ini(certs testkit.Certs, mechanism, password string) string {
	w.t.Helper()
	dir := w.t.TempDir()
	put := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			w.t.Fatal(err)
		}
		return path
	}
	kafkaPassword, etcdPassword := put("kafka.password", password+"\n"), put("etcd.password", "collector's secret\n")
	w.login = &kafka.Config{
		Addresses: w.kafka.Addrs(), CAFile: certs.CAFile,
		SASLMechanism: mechanism, SASLUser: "shipper", SASLPasswordFile: kafkaPassword,
	}
	return put("config.ini", fmt.Sprintf(`[kafka]
address = %s
tls = true
ca_file = %s
sasl_mechanism = %s
sasl_user = shipper
sasl_password_file = %s

[etcd]
address = %s
collect_key = %s
tls = true
ca_file = %s
username = collector
password_file = %s

[agent]
id = %s
data_dir = %s
`, strings.Join(w.kafka.Addrs(), ","), certs.CAFile, mechanism, kafkaPassword,
		strings.Join(w.etcd.Endpoints(), ","), w.key, certs.CAFile, etcdPassword, w.agentID(), w.data))
}
