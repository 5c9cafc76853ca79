package ship

import (
	"testing"

	"logctl/internal/testkit"
)

// TestSeedIsGone configures one broker of three, as a sample configuration does, and
// takes just that one away: the producer goes on with those that it has learned of.
func TestSeedIsGone(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded(), testkit.Brokers(3))
	seed := testkit.NewProxy(t, k.Addr())
	cfg := k.Config()
	cfg.Addresses = []string{seed.Addr()}
	r := start(t, k.As(cfg))
	topic := k.Topic(t, 1)
	if err := k.Cluster().MoveTopicPartition(topic, 0, 0); err != nil {
		t.Fatal(err)
	}
	r.send(r.bundle(topic, "a", numbered("a", 0, 10)...))
	r.drain()
	seed.Refuse(true)
	seed.Cut()
	if err := k.Cluster().MoveTopicPartition(topic, 0, 2); err != nil {
		t.Fatal(err)
	}
	if err := k.Cluster().RemoveNode(0); err != nil {
		t.Fatal(err)
	}
	later := k.Topic(t, 1)
	r.send(r.bundle(topic, "a", numbered("a", 10, 20)...))
	r.send(r.bundle(later, "b", numbered("b", 0, 10)...))
	r.drain()
	testkit.Eventually(t, "nothing is said to be wrong", func() bool {
		return r.Producer.Stats().Brokers == "ok" && r.Topic(topic).State == ""
	})
	cfg.Addresses = k.Addrs()[1:]
	r.k = k.As(cfg)
	r.check(topic, map[string]int{"a": 20})
	r.check(later, map[string]int{"b": 10})
}
