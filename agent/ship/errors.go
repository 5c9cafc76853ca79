package ship

import (
	status "logctl/agent/state"

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
	actRestamp               // not stored: same lines with times that the broker takes
	actWait                  // needs a person: say why at once, retry slowly for ever
)

// reaction is an action and how the topic's state reads meanwhile. A state of
// "" keeps quiet while retries go on.
type reaction struct {
	act   action
	state status.Code
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
		return reaction{actRefresh, status.WaitingForLeader}
	case sarama.ErrUnknownTopicOrPartition, unknownTopicID, inconsistentTopicID:
		return reaction{actRefresh, status.TopicMissing}
	case sarama.ErrNetworkException:
		return reaction{actRefresh, status.KafkaUnreachable}
	case sarama.ErrKafkaStorageError, sarama.ErrLogDirNotFound:
		return reaction{actRefresh, status.StorageError}

	case sarama.ErrRequestTimedOut, sarama.ErrNotEnoughReplicas, sarama.ErrNotEnoughReplicasAfterAppend:
		return reaction{actRetry, status.FewReplicas}
	case sarama.ErrThrottlingQuotaExceeded:
		return reaction{actRetry, status.Throttled}
	case sarama.ErrInvalidMessage, sarama.ErrOffsetsLoadInProgress, sarama.ErrConsumerCoordinatorNotAvailable,
		sarama.ErrNotCoordinatorForConsumer, sarama.ErrConcurrentTransactions, sarama.ErrReassignmentInProgress,
		sarama.ErrUnknown:
		return reaction{actRetry, status.BrokerError}

	case sarama.ErrOutOfOrderSequenceNumber, sarama.ErrUnknownProducerID:
		return reaction{act: actReset}
	case sarama.ErrInvalidProducerEpoch, sarama.ErrProducerFenced, sarama.ErrInvalidProducerIDMapping,
		sarama.ErrInvalidTxnState:
		return reaction{act: actNewID}

	case sarama.ErrMessageSizeTooLarge, sarama.ErrMessageSetSizeTooLarge:
		return reaction{act: actSplit}
	case sarama.ErrInvalidTimestamp:
		return reaction{actRestamp, status.ClockDiffers}

	case sarama.ErrTopicAuthorizationFailed, sarama.ErrClusterAuthorizationFailed,
		sarama.ErrTransactionalIDAuthorizationFailed, sarama.ErrSecurityDisabled:
		return reaction{actWait, status.TopicDenied}
	case sarama.ErrSASLAuthenticationFailed, sarama.ErrIllegalSASLState, sarama.ErrUnsupportedSASLMechanism:
		return reaction{actWait, status.LoginRefused}
	case sarama.ErrInvalidTopic, sarama.ErrInvalidRecord, sarama.ErrPolicyViolation, sarama.ErrInvalidRequiredAcks,
		sarama.ErrUnsupportedVersion, sarama.ErrUnsupportedForMessageFormat, sarama.ErrUnsupportedCompressionType,
		sarama.ErrInvalidRequest, sarama.ErrInvalidConfig:
		return reaction{actWait, status.Refused}
	}
	return reaction{actWait, status.BrokerError}
}

// Codes that sarama has no name for.
const (
	unknownTopicID      sarama.KError = 100
	inconsistentTopicID sarama.KError = 103
)
