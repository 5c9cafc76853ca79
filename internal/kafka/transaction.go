package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// Identity is a producer id with an epoch, by which brokers know whose a batch is.
type Identity struct {
	ID    int64 // -1: none
	Epoch int16
}

// NoIdentity is nobody's.
var NoIdentity = Identity{ID: -1, Epoch: -1}

// Valid says whether a broker gave the identity out.
func (i Identity) Valid() bool { return i.ID >= 0 }

// TransactionTimeout is how long a broker lets a transaction stay open. Ours are ended at
// once and hold no records.
const TransactionTimeout = time.Minute

// Transactions speaks with the coordinator of one transactional id. Its methods may be
// called concurrently. Each asks once: an error is the caller's to wait after, see
// TransactionRetry.
type Transactions struct {
	admin *Admin
	id    string

	mu          sync.Mutex
	coordinator Broker // without an address: not known
}

// Transactions returns a speaker for a transactional id. It does not connect.
func (a *Admin) Transactions(id string) *Transactions { return &Transactions{admin: a, id: id} }

// Init takes the transactional id over: the producer id that the coordinator keeps for
// it, under the next epoch. With the identity that we have, only if nobody took the id
// over since, else sarama.ErrProducerFenced or sarama.ErrInvalidProducerEpoch;
// NoIdentity takes it from whoever has it. What another one had open is aborted.
func (t *Transactions) Init(ctx context.Context, last Identity) (Identity, error) {
	var got Identity
	err := t.call(ctx, func(b *sarama.Broker) error {
		res, err := b.InitProducerID(&sarama.InitProducerIDRequest{
			Version: 3, TransactionalID: &t.id, TransactionTimeout: TransactionTimeout,
			ProducerID: last.ID, ProducerEpoch: last.Epoch,
		})
		if err != nil {
			return err
		}
		got = Identity{res.ProducerID, res.ProducerEpoch}
		return answer(res.Err)
	})
	if err != nil {
		return NoIdentity, fmt.Errorf("take transactional id %q: %w", t.id, err)
	}
	return got, nil
}

// MayUse asks whether our user has the rights Describe and Write on the transactional id,
// without taking it: the request names a time limit and a producer that no broker accepts,
// both of which brokers look at after the rights (handleInitProducerId in Kafka's
// TransactionCoordinator). The error is sarama.ErrTransactionalIDAuthorizationFailed when
// one of them lacks, or why nobody answered.
func (t *Transactions) MayUse(ctx context.Context) error {
	err := t.call(ctx, func(b *sarama.Broker) error {
		res, err := b.InitProducerID(&sarama.InitProducerIDRequest{Version: 3, TransactionalID: &t.id, TransactionTimeout: 0, ProducerID: noProducer, ProducerEpoch: noEpoch})
		if err != nil {
			return err
		}
		return answer(res.Err)
	})
	for _, accepted := range []sarama.KError{sarama.ErrInvalidTransactionTimeout, sarama.ErrInvalidProducerIDMapping, sarama.ErrInvalidProducerEpoch, sarama.ErrProducerFenced, sarama.ErrUnknownProducerID} {
		if errors.Is(err, accepted) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("transactional id %q: %w", t.id, err)
	}
	return nil
}

// A producer that no coordinator has given out.
const (
	noProducer = 1<<62 + 1
	noEpoch    = 32766
)

// AddPartitions makes partitions part of a transaction. The broker takes all of them or
// none: refused holds those because of which it took none, by topic, with its reasons.
func (t *Transactions) AddPartitions(ctx context.Context, who Identity, parts map[string][]int32) (refused map[string]map[int32]error, err error) {
	refused = map[string]map[int32]error{}
	err = t.call(ctx, func(b *sarama.Broker) error {
		res, err := b.AddPartitionsToTxn(&sarama.AddPartitionsToTxnRequest{
			Version: 3, TransactionalID: t.id, ProducerID: who.ID, ProducerEpoch: who.Epoch, TopicPartitions: parts,
		})
		if err != nil {
			return err
		}
		for topic, list := range res.Errors {
			for _, p := range list {
				switch p.Err {
				case sarama.ErrNoError, sarama.ErrOperationNotAttempted:
				case sarama.ErrUnknownTopicOrPartition, sarama.ErrTopicAuthorizationFailed, sarama.ErrInvalidTopic:
					if refused[topic] == nil {
						refused[topic] = map[int32]error{}
					}
					refused[topic][p.Partition] = &TopicError{Topic: topic, Err: p.Err}
				default: // it concerns the transactional id, not the partition
					return p.Err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("add partitions to the transaction of %q: %w", t.id, err)
	}
	return refused, nil
}

// Abort ends the open transaction, and says sarama.ErrConcurrentTransactions while its
// markers are being written. Once nothing is open it answers without effect: with nil
// after an abort, and with sarama.ErrInvalidTxnState when there never was a transaction,
// but only to who has the transactional id; another one gets sarama.ErrProducerFenced,
// sarama.ErrInvalidProducerEpoch or sarama.ErrInvalidProducerIDMapping.
func (t *Transactions) Abort(ctx context.Context, who Identity) error {
	err := t.call(ctx, func(b *sarama.Broker) error {
		res, err := b.EndTxn(&sarama.EndTxnRequest{Version: 3, TransactionalID: t.id, ProducerID: who.ID, ProducerEpoch: who.Epoch})
		if err != nil {
			return err
		}
		return answer(res.Err)
	})
	if err != nil {
		return fmt.Errorf("abort the transaction of %q: %w", t.id, err)
	}
	return nil
}

// MayTake says whether our user may take the transactional id: it asks to end a transaction
// of a producer that there is none of, which changes nothing.
func (t *Transactions) MayTake(ctx context.Context) (bool, error) {
	err := t.Abort(ctx, Identity{ID: 1<<62 - 1})
	var code sarama.KError
	switch {
	case errors.Is(err, sarama.ErrTransactionalIDAuthorizationFailed):
		return false, nil
	case err == nil, errors.As(err, &code) && (code == sarama.ErrInvalidProducerIDMapping || code == sarama.ErrInvalidProducerEpoch ||
		code == sarama.ErrProducerFenced || code == sarama.ErrInvalidTxnState):
		return true, nil
	}
	return false, fmt.Errorf("ask whether transactional id %q may be taken: %w", t.id, err)
}

// call runs a call on the coordinator, and forgets who that is when it is another one
// by now or does not answer.
func (t *Transactions) call(ctx context.Context, call func(*sarama.Broker) error) error {
	at, err := t.find(ctx)
	if err != nil {
		return err
	}
	err = t.admin.attempt(ctx, at.Address, call)
	if err == nil {
		return nil
	}
	var code sarama.KError
	if !errors.As(err, &code) && ctx.Err() == nil { // another broker answered, and named this one
		err = Announced(at.ID, at.Address, err)
	}
	if !errors.As(err, &code) || code == sarama.ErrNotCoordinatorForConsumer || code == sarama.ErrConsumerCoordinatorNotAvailable || code == sarama.ErrNetworkException {
		t.mu.Lock()
		t.coordinator = Broker{}
		t.mu.Unlock()
	}
	return err
}

// find returns the coordinator.
func (t *Transactions) find(ctx context.Context) (Broker, error) {
	t.mu.Lock()
	known := t.coordinator
	t.mu.Unlock()
	if known.Address != "" {
		return known, nil
	}
	var at Broker
	err := t.admin.Do(ctx, func(b *sarama.Broker) error {
		res, err := b.FindCoordinator(&sarama.FindCoordinatorRequest{Version: 2, CoordinatorKey: t.id, CoordinatorType: sarama.CoordinatorTransaction})
		if err != nil {
			return err
		}
		if res.Err == sarama.ErrNoError && res.Coordinator != nil {
			at = Broker{ID: res.Coordinator.ID(), Address: res.Coordinator.Addr()}
		}
		return answer(res.Err)
	})
	if err != nil {
		return Broker{}, fmt.Errorf("find the coordinator: %w", err)
	}
	if at.Address == "" {
		return Broker{}, fmt.Errorf("find the coordinator: %w", sarama.ErrConsumerCoordinatorNotAvailable)
	}
	t.mu.Lock()
	t.coordinator = at
	t.mu.Unlock()
	return at, nil
}

// answer is a code as an error; nil when it says that all is well.
func answer(code sarama.KError) error {
	if code == sarama.ErrNoError {
		return nil
	}
	return code
}

// TransactionRetry says whether to ask again is all that an error of a method of
// Transactions asks for: nobody answered, a coordinator is being elected or reads its
// log, or another transaction of the id is being completed.
func TransactionRetry(err error) bool {
	var code sarama.KError
	if !errors.As(err, &code) {
		return !errors.Is(err, sarama.ErrUnsupportedVersion)
	}
	switch code {
	case sarama.ErrConcurrentTransactions, sarama.ErrOffsetsLoadInProgress, sarama.ErrConsumerCoordinatorNotAvailable,
		sarama.ErrNotCoordinatorForConsumer, sarama.ErrNetworkException, sarama.ErrNotEnoughReplicas,
		sarama.ErrNotEnoughReplicasAfterAppend, sarama.ErrRequestTimedOut, sarama.ErrKafkaStorageError,
		sarama.ErrUnknown, sarama.ErrLeaderNotAvailable, sarama.ErrNotLeaderForPartition, sarama.ErrBrokerNotAvailable:
		return true
	}
	return false
}

// Fenced says whether an error of a method of Transactions means that another producer
// has taken the transactional id over.
func Fenced(err error) bool {
	return errors.Is(err, sarama.ErrProducerFenced) || errors.Is(err, sarama.ErrInvalidProducerEpoch) ||
		errors.Is(err, sarama.ErrTransactionCoordinatorFenced)
}

// OnBroker runs call on the broker with an id that Metadata told of.
func (a *Admin) OnBroker(ctx context.Context, id int32, call func(*sarama.Broker) error) error {
	a.mu.Lock()
	address, ok := a.brokers[id]
	a.mu.Unlock()
	if !ok {
		return fmt.Errorf("broker %d: %w", id, sarama.ErrLeaderNotAvailable)
	}
	return a.at(ctx, address, call)
}
