package ship

import (
	"strings"
	"testing"

	"github.com/IBM/sarama"

	status "logctl/agent/state"
)

// TestLostDisk: Kafka 4.4.0 answers KAFKA_STORAGE_ERROR for a moment when a log directory
// fails, and from then on that the partition has no leader, although its broker is up.
func TestLostDisk(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		up   bool
		want status.Code
		says string
	}{
		{"the broker is up", true, status.StorageError, "broker 1 is up, and the log directory of its replica is offline"},
		{"the broker is away", false, status.WaitingForLeader, "bring the brokers that hold its replicas back"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, _ := offline(t)
			p.mu.Lock()
			defer p.mu.Unlock()
			p.brokers[1] = &broker{p: p, id: 1, up: tt.up}
			why := p.topics["t"].lostLeader(&sarama.PartitionMetadata{Leader: -1, Err: sarama.ErrLeaderNotAvailable, Replicas: []int32{1}, OfflineReplicas: []int32{1}})
			if why.state != tt.want || !strings.Contains(why.err, tt.says) {
				t.Errorf("%q: %s", why.state, why.err)
			}
		})
	}
}
