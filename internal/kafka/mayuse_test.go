package kafka_test

import (
	"errors"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

// TestMayUseTakesNothing asks for the rights on a transactional id that somebody has: that
// one is not fenced, by an id that nobody has none is made, and a refusal is told.
func TestMayUseTakesNothing(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t)
	a, ctx := open(t, k.Config())
	for range 2 { // the second time with the coordinator at hand
		if err := a.Transactions("nobody-has-it-" + t.Name()).MayUse(ctx); err != nil {
			t.Error(err)
		}
	}
	txn := a.Transactions("mine-" + t.Name())
	first, err := txn.Init(ctx, kafka.NoIdentity)
	if err != nil {
		t.Fatal(err)
	}
	if err := txn.MayUse(ctx); err != nil {
		t.Error(err)
	}
	second, err := txn.Init(ctx, first) // as whoever has it: refused if it was taken since
	if err != nil || second.ID != first.ID || second.Epoch != first.Epoch+1 {
		t.Errorf("%+v after %+v: %v", second, first, err)
	}
}

func TestMayUseIsDenied(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	a, ctx := open(t, k.Config())
	k.Cluster().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.TransactionalIDAuthorizationFailed})
	if err := a.Transactions("mine").MayUse(ctx); !errors.Is(err, sarama.ErrTransactionalIDAuthorizationFailed) {
		t.Error(err)
	}
}

// TestACoordinatorThatCannotBeReached announces itself where nothing listens: the error names
// what to correct, as for any broker.
func TestACoordinatorThatCannotBeReached(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	a, ctx := open(t, k.Config())
	k.Cluster().ControlKey(int16(kmsg.FindCoordinator), func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.Cluster().KeepControl()
		res, ok := req.ResponseKind().(*kmsg.FindCoordinatorResponse)
		if !ok {
			return nil, nil, false
		}
		res.NodeID, res.Host, res.Port = 7, "127.0.0.1", 1
		return res, nil, true
	})
	_, err := a.Transactions("mine").Init(ctx, kafka.NoIdentity)
	var announced *kafka.AnnouncedError
	if !errors.As(err, &announced) || announced.ID != 7 || announced.Address != "127.0.0.1:1" || !kafka.TransactionRetry(err) {
		t.Error(err)
	}
}
