package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/IBM/sarama"
)

// kafka is one broker: without a login at plain, where everybody is the superuser; with
// TLS; and with SASL.
type kafka struct {
	*server
	zk               *server // of 2.x
	version          string
	plain, tls, sasl string
	dir              string
}

func (k *kafka) kill() {
	k.server.kill()
	k.zk.kill()
}

// jars fetches a version of Kafka.
func (l *lab) jars(ctx context.Context, version string) (string, error) {
	dir := filepath.Join(l.cache, "kafka-"+version)
	lib := filepath.Join(dir, "lib")
	if _, err := os.Stat(filepath.Join(dir, "whole")); err == nil {
		return lib, nil
	}
	if err := os.MkdirAll(lib, 0o755); err != nil {
		return "", err
	}
	_, err := sh(ctx, dir, fmt.Sprintf(`sed 's#<kafka.version>.*</kafka.version>#<kafka.version>%s</kafka.version>#' %s/.ci/kafka/pom.xml >pom.xml
mvn -q -B -f pom.xml dependency:copy-dependencies -DoutputDirectory=%s -DincludeScope=runtime
touch whole`, version, l.root, lib))
	return lib, err
}

func old(version string) bool { return strings.HasPrefix(version, "2.") } // with ZooKeeper

// broker is what a row's broker has beside the usual: settings, which stand last and so
// win, and options of its JVM.
type broker struct {
	settings string
	java     []string
	host     string // by which the port of SASL is reached; empty: 127.0.0.1
}

// startKafka starts one broker with an authorizer and three listeners.
func (l *lab) startKafka(ctx context.Context, version string, more broker) (*kafka, error) {
	lib, err := l.jars(ctx, version)
	if err != nil {
		return nil, err
	}
	certs, err := l.certificates(ctx)
	if err != nil {
		return nil, err
	}
	p, err := ports(4)
	if err != nil {
		return nil, err
	}
	k := &kafka{version: version, plain: p[0], tls: p[1], sasl: p[2]}
	if more.host != "" {
		k.sasl = strings.Replace(k.sasl, "127.0.0.1", more.host, 1)
	}
	if k.dir, err = os.MkdirTemp(l.dir, "kafka-"); err != nil {
		return nil, err
	}
	settings := fmt.Sprintf(`listeners=PLAINTEXT://%[1]s,SSL://%[2]s,SASL_PLAINTEXT://%[3]s%[4]s
advertised.listeners=PLAINTEXT://%[1]s,SSL://%[2]s,SASL_PLAINTEXT://%[7]s
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=%[5]s/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
super.users=User:ANONYMOUS
ssl.keystore.location=%[6]s/server.p12
ssl.keystore.type=PKCS12
ssl.keystore.password=changeit
ssl.key.password=changeit
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="alice-secret" user_bob="bob-secret";
listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
`, p[0], p[1], p[2], map[bool]string{false: ",CONTROLLER://" + p[3]}[old(version)], k.dir, certs, k.sasl)
	java := []string{"-Xms128m", "-Xmx400m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", lib + "/*"}
	java = append(slices.Clone(more.java), java...)
	file := filepath.Join(k.dir, "kafka.properties")
	if old(version) {
		settings += "broker.id=1\nzookeeper.connect=" + p[3] + "\nauthorizer.class.name=kafka.security.authorizer.AclAuthorizer\n"
		_, port, _ := strings.Cut(p[3], ":")
		zoo := filepath.Join(k.dir, "zoo.properties")
		if err := os.WriteFile(zoo, []byte("dataDir="+k.dir+"/zoo\nclientPortAddress=127.0.0.1\nclientPort="+port+"\nadmin.enableServer=false\n"), 0o600); err != nil {
			return nil, err
		}
		if k.zk, err = launch(k.dir, "java", append(java, "org.apache.zookeeper.server.quorum.QuorumPeerMain", zoo)...); err != nil {
			return nil, err
		}
		if err := k.zk.listens(ctx, p[3]); err != nil {
			k.zk.kill()
			return nil, err
		}
	} else {
		settings += "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@" + p[3] +
			"\ncontroller.listener.names=CONTROLLER\nauthorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n"
	}
	if err := os.WriteFile(file, []byte(settings+more.settings), 0o600); err != nil {
		return nil, err
	}
	if !old(version) {
		class := "kafka.tools.StorageTool"
		if _, err := sh(ctx, k.dir, fmt.Sprintf("java -cp '%s/*' %s format -t MkU3OEVBNTcwNTJENDM2Qg -c %s", lib, class, file)); err != nil {
			return nil, err
		}
	}
	if k.server, err = launch(k.dir, "java", append(java, "kafka.Kafka", file)...); err != nil {
		k.zk.kill()
		return nil, err
	}
	if err := k.listens(ctx, k.plain); err != nil {
		k.kill()
		return nil, err
	}
	return k, nil
}

// admin calls with the rights of the superuser.
func (k *kafka) admin(call func(sarama.ClusterAdmin) error) error {
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V2_4_0_0
	if k.version != "2.4.1" {
		cfg.Version = sarama.V2_8_0_0
	}
	a, err := sarama.NewClusterAdmin([]string{k.plain}, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	return call(a)
}

// topic makes a topic.
func (k *kafka) topic(name string) error {
	return k.admin(func(a sarama.ClusterAdmin) error {
		err := a.CreateTopic(name, &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: 1}, false)
		if errors.Is(err, sarama.ErrTopicAlreadyExists) { // an answer was late
			return nil
		}
		return err
	})
}

// grant allows a user an operation on a topic.
func (k *kafka) grant(user, topic string, op sarama.AclOperation) error {
	return k.admin(func(a sarama.ClusterAdmin) error {
		return a.CreateACLs([]*sarama.ResourceAcls{allow(user, op, sarama.AclResourceTopic, topic)})
	})
}

// allow is one right of one user.
func allow(user string, op sarama.AclOperation, kind sarama.AclResourceType, name string) *sarama.ResourceAcls {
	return &sarama.ResourceAcls{Resource: sarama.Resource{ResourceType: kind, ResourceName: name, ResourcePatternType: sarama.AclPatternLiteral},
		Acls: []*sarama.Acl{{Principal: "User:" + user, Host: "*", Operation: op, PermissionType: sarama.AclPermissionAllow}}}
}

// grantAll gives a user what agent and console need.
func (k *kafka) grantAll(user string) error {
	return k.admin(func(a sarama.ClusterAdmin) error {
		return a.CreateACLs([]*sarama.ResourceAcls{allow(user, sarama.AclOperationAll, sarama.AclResourceTopic, "*"),
			allow(user, sarama.AclOperationAll, sarama.AclResourceTransactionalID, "*"),
			allow(user, sarama.AclOperationAll, sarama.AclResourceCluster, "kafka-cluster")})
	})
}

// scram makes a user of SCRAM.
func (k *kafka) scram(user, password string) error {
	return k.admin(func(a sarama.ClusterAdmin) error {
		_, err := a.UpsertUserScramCredentials([]sarama.AlterUserScramCredentialsUpsert{{
			Name: user, Mechanism: sarama.SCRAM_MECHANISM_SHA_256, Iterations: 4096, Salt: []byte("matrix salt"), Password: []byte(password)}})
		return err
	})
}
