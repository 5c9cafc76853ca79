package testkit

import (
	"testing"
	"time"

	"github.com/IBM/sarama"
)

// Grant allows a principal an operation on a topic. The cluster must be seen
// as an administrator, see As.
func (k *KafkaServer) Grant(t testing.TB, principal, topic string, op sarama.AclOperation) {
	t.Helper()
	k.admin(t, func(a sarama.ClusterAdmin) error {
		return a.CreateACLs([]*sarama.ResourceAcls{{
			Resource: sarama.Resource{ResourceType: sarama.AclResourceTopic, ResourceName: topic, ResourcePatternType: sarama.AclPatternLiteral},
			Acls:     []*sarama.Acl{{Principal: principal, Host: "*", Operation: op, PermissionType: sarama.AclPermissionAllow}},
		}})
	})
}

// AddPartitions grows a topic to n partitions.
func (k *KafkaServer) AddPartitions(t testing.TB, topic string, n int) {
	t.Helper()
	k.admin(t, func(a sarama.ClusterAdmin) error { return a.CreatePartitions(topic, int32(n), nil, false) })
}

// Delete deletes a topic and waits until it is gone.
func (k *KafkaServer) Delete(t testing.TB, topic string) {
	t.Helper()
	k.admin(t, func(a sarama.ClusterAdmin) error {
		if err := a.DeleteTopic(topic); err != nil {
			return err
		}
		Eventually(t, 20*time.Second, "topic "+topic+" is gone", func() bool {
			d, err := a.DescribeTopics([]string{topic})
			return err == nil && len(d) == 1 && d[0].Err == sarama.ErrUnknownTopicOrPartition
		})
		return nil
	})
}

// admin runs one call of sarama's administration client.
func (k *KafkaServer) admin(t testing.TB, call func(sarama.ClusterAdmin) error) {
	t.Helper()
	conf, err := k.Config().Sarama()
	if err != nil {
		t.Fatalf("kafka admin: %v", err)
	}
	conf.Metadata.Full = true // the administration client needs it
	admin, err := sarama.NewClusterAdmin(k.addrs, conf)
	if err != nil {
		t.Fatalf("kafka admin: %v", err)
	}
	if err := call(admin); err != nil {
		t.Fatalf("kafka admin: %v", err)
	}
	if err := admin.Close(); err != nil {
		t.Errorf("kafka admin: %v", err)
	}
}
