package kafka

import (
	"crypto/sha256"
	"crypto/sha512"
	"hash"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

// newScram returns what sarama calls for each SCRAM conversation.
func newScram(mechanism string) func() sarama.SCRAMClient {
	var gen scram.HashGeneratorFcn = func() hash.Hash { return sha256.New() }
	if mechanism == SASLScramSHA512 {
		gen = func() hash.Hash { return sha512.New() }
	}
	return func() sarama.SCRAMClient { return &scramClient{hash: gen} }
}

// scramClient is one SCRAM conversation.
type scramClient struct {
	hash scram.HashGeneratorFcn
	conv *scram.ClientConversation
}

func (s *scramClient) Begin(user, password, authzID string) error {
	client, err := s.hash.NewClient(user, password, authzID)
	if err != nil {
		return err
	}
	s.conv = client.NewConversation()
	return nil
}

func (s *scramClient) Step(challenge string) (string, error) { return s.conv.Step(challenge) }

func (s *scramClient) Done() bool { return s.conv.Done() }
