package testkit

import (
	"context"
	"slices"
	"testing"
	"time"

	"logctl/internal/kafka"

	"github.com/IBM/sarama"
)

// Grant allows a principal an operation on a topic. The cluster must be seen
// as an administrator, see As.
func (k *KafkaServer) Grant(t testing.TB, principal, topic string, op sarama.AclOperation) {
	t.Helper()
	k.grant(t, sarama.AclResourceTopic, principal, topic, op)
}

// GrantTransactionalID gives a principal a right on a transactional id; * is all of them.
func (k *KafkaServer) GrantTransactionalID(t testing.TB, principal, id string, op sarama.AclOperation) {
	t.Helper()
	k.grant(t, sarama.AclResourceTransactionalID, principal, id, op)
}

func (k *KafkaServer) grant(t testing.TB, kind sarama.AclResourceType, principal, name string, op sarama.AclOperation) {
	t.Helper()
	k.admin(t, func(a sarama.ClusterAdmin) error {
		return a.CreateACLs([]*sarama.ResourceAcls{{
			Resource: sarama.Resource{ResourceType: kind, ResourceName: name, ResourcePatternType: sarama.AclPatternLiteral},
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
		Eventually(t, "topic "+topic+" is gone", func() bool {
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

// knows tells whether the broker at an address has heard of all partitions of a topic
// and their leaders: it does some time after the topic was created by another one.
func (k *KafkaServer) knows(addr, topic string, partitions int) bool {
	conf, err := k.Config().Sarama()
	if err != nil {
		return false
	}
	b := sarama.NewBroker(addr)
	if err := b.Open(conf); err != nil {
		return false
	}
	defer func() { _ = b.Close() }()
	got, err := b.GetMetadata(&sarama.MetadataRequest{Version: 4, Topics: []string{topic}})
	if err != nil || len(got.Topics) != 1 || got.Topics[0].Err != sarama.ErrNoError || len(got.Topics[0].Partitions) != partitions {
		return false
	}
	for _, p := range got.Topics[0].Partitions {
		if p.Leader < 0 {
			return false
		}
	}
	return true
}

// answers tells whether the leaders of all partitions of a topic say which offsets they
// have: a broker names itself as a leader some time before it can answer as one.
func (k *KafkaServer) answers(ctx context.Context, topic string, partitions int) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	admin := kafka.NewAdmin(k.Config())
	defer func() { _ = admin.Close() }()
	got, err := admin.Offsets(ctx, topic)
	return err == nil && len(got[topic]) == partitions &&
		!slices.ContainsFunc(got[topic], func(p kafka.Partition) bool { return p.Err != nil })
}
