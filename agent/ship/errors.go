package ship

import (
	"github.com/IBM/sarama"
)

// action is what a partition does after the answer to a batch.
type action uint8

const (
	actDone    action = iota // stored: go on with the next batch
	actRetry                 // pause, then the same bytes under the same sequence
	actRefresh               // as actRetry, but look for the leader first
	actReset                 // not stored for certain: next epoch, sequence 0, same bytes
	actNewID                 // our producer id is fenced: a new one, sequence 0, same bytes
	actSplit                 // not stored: put back and sent in smaller batches or parts
	actRestamp               // not stored: same bytes with the present time
	actWait                  // needs a person: say why at once, retry slowly for ever
)

// States of a topic, in words.
const (
	stateMissing     = "topic missing"
	stateDenied      = "permission denied"
	stateUnreachable = "kafka unreachable"
	stateNoLeader    = "waiting for leader"
	stateReplicas    = "not enough replicas"
	stateStorage     = "broker storage error"
	stateThrottled   = "throttled"
	stateRefused     = "refused"
	stateBroker      = "broker error"
)

// reaction is an action and how the topic's state reads meanwhile. A state of
// "" keeps quiet while retries go on.
type reaction struct {
	act   action
	state string
}

// react is the table of produce error codes. What makes each safe:
//
// The broker remembers the last batches of a producer id and epoch in a
// partition. One batch is in flight per partition, so a batch that was stored,
// but whose answer got lost, is the last one: sent again it is recognised and
// answered with success (or DUPLICATE_SEQUENCE_NUMBER). An answer of
// OUT_OF_ORDER_SEQUENCE_NUMBER or UNKNOWN_PRODUCER_ID therefore proves that the
// batch is not in the log: its predecessor was lost there (unclean election,
// topic created anew) or the state expired with its records. Going on under the
// next epoch from sequence 0 duplicates nothing, and the epoch fences whatever
// copy of the old batch is still on its way.
func react(code sarama.KError) reaction {
	switch code {
	case sarama.ErrNoError, sarama.ErrDuplicateSequenceNumber:
		return reaction{act: actDone}

	case sarama.ErrNotLeaderForPartition, sarama.ErrFencedLeaderEpoch, sarama.ErrUnknownLeaderEpoch,
		sarama.ErrLeaderNotAvailable, sarama.ErrReplicaNotAvailable, sarama.ErrBrokerNotAvailable,
		sarama.ErrPreferredLeaderNotAvailable, sarama.ErrEligibleLeadersNotAvailable:
		return reaction{actRefresh, stateNoLeader}
	case sarama.ErrUnknownTopicOrPartition, unknownTopicID, inconsistentTopicID:
		return reaction{actRefresh, stateMissing}
	case sarama.ErrNetworkException:
		return reaction{actRefresh, stateUnreachable}
	case sarama.ErrKafkaStorageError, sarama.ErrLogDirNotFound:
		return reaction{actRefresh, stateStorage}

	case sarama.ErrRequestTimedOut, sarama.ErrNotEnoughReplicas, sarama.ErrNotEnoughReplicasAfterAppend:
		return reaction{actRetry, stateReplicas}
	case sarama.ErrThrottlingQuotaExceeded:
		return reaction{actRetry, stateThrottled}
	case sarama.ErrInvalidMessage, sarama.ErrOffsetsLoadInProgress, sarama.ErrConsumerCoordinatorNotAvailable,
		sarama.ErrNotCoordinatorForConsumer, sarama.ErrConcurrentTransactions, sarama.ErrReassignmentInProgress,
		sarama.ErrUnknown:
		return reaction{actRetry, stateBroker}

	case sarama.ErrOutOfOrderSequenceNumber, sarama.ErrUnknownProducerID:
		return reaction{act: actReset}
	case sarama.ErrInvalidProducerEpoch, sarama.ErrProducerFenced, sarama.ErrInvalidProducerIDMapping,
		sarama.ErrInvalidTxnState:
		return reaction{act: actNewID}

	case sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge:
		return reaction{act: actSplit}
	case sarama.ErrInvalidTimestamp:
		return reaction{actRestamp, stateRefused}

	case sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed,
		sarama.ErrTransactionalIDAuthorizationFailed, sarama.ErrSASLAuthenticationFailed,
		sarama.ErrIllegalSASLState, sarama.ErrUnsupportedSASLMechanism, sarama.ErrSecurityDisabled:
		return reaction{actWait, stateDenied}
	case sarama.ErrInvalidTopic, sarama.ErrInvalidRecord, sarama.ErrPolicyViolation, sarama.ErrInvalidRequiredAcks,
		sarama.ErrUnsupportedVersion, sarama.ErrUnsupportedForMessageFormat, sarama.ErrUnsupportedCompressionType,
		sarama.ErrInvalidRequest, sarama.ErrInvalidConfig:
		return reaction{actWait, stateRefused}
	}
	return reaction{actWait, stateBroker}
}

// Codes that sarama has no name for.
const (
	unknownTopicID      sarama.KError = 100
	inconsistentTopicID sarama.KError = 103
)
