package kafka

import (
	"context"
	"fmt"

	"github.com/IBM/sarama"
)

// Reach connects to one broker of the cluster and logs in. That its address cannot be reached
// is an *AnnouncedError.
func (a *Admin) Reach(ctx context.Context, b Broker) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	conn, err := a.dial(ctx, b.Address)
	if err != nil {
		return Announced(b.ID, b.Address, err)
	}
	return conn.Close()
}

// Rights are what our user may do with a topic. The zero value: nothing is known.
type Rights struct {
	Known                                          bool
	Read, Write, Describe, Create, DescribeConfigs bool
}

// RightsOn asks what our user may do with topics that exist. Brokers before Kafka 2.3 do not
// tell, nor do those without an authorizer.
func (a *Admin) RightsOn(ctx context.Context, topics ...string) (map[string]Rights, error) {
	var res *sarama.MetadataResponse
	err := a.Do(ctx, func(b *sarama.Broker) (err error) {
		res, err = b.GetMetadata(&sarama.MetadataRequest{Version: 8, Topics: topics, IncludeTopicAuthorizedOperations: true})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask for rights: %w", err)
	}
	out := map[string]Rights{}
	for _, t := range res.Topics {
		bits := t.TopicAuthorizedOperations
		if t.Err != sarama.ErrNoError || bits == -1<<31 {
			continue
		}
		// The bits are numbered as AclOperation is.
		may := func(op sarama.AclOperation) bool { return bits&(1<<aclCode(op)) != 0 }
		out[t.Name] = Rights{Known: true, Read: may(sarama.AclOperationRead), Write: may(sarama.AclOperationWrite), Describe: may(sarama.AclOperationDescribe),
			Create: may(sarama.AclOperationCreate), DescribeConfigs: may(sarama.AclOperationDescribeConfigs)}
	}
	return out, nil
}

// aclCode is the number of an operation in the protocol:
// org.apache.kafka.common.acl.AclOperation.
func aclCode(op sarama.AclOperation) int { return int(op) }
