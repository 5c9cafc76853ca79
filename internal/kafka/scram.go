package kafka

import (
	"context"
	"errors"
	"sync"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// newScram returns what sarama calls for each SCRAM conversation. token: user and
// password are those of a delegation token, which Kafka is told by the extension
// tokenauth=true (KIP-48).
// The password is the file's of that moment: a login that is renewed, or made on a new
// connection, takes a changed one.
func newScram(mechanism string, token bool, password *passwordFile) func() sarama.SCRAMClient {
	return func() sarama.SCRAMClient {
		return &scramClient{mechanism: mechanism, token: token, password: password}
	}
}

// passwordFile is a file whose first line is a password.
type passwordFile struct {
	path string

	mu   sync.Mutex
	last string // as last read
}

// current reads the file again. While that cannot be read or is half written, the last
// password holds.
func (p *passwordFile) current() string {
	fresh, err := readPassword("sasl_password_file", p.path)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.last = fresh
	}
	return p.last
}

// scramClient is one SCRAM conversation. The password is used as it is, as Kafka does:
// SASLprep would change some that Kafka's own tools have stored.
type scramClient struct {
	mechanism string
	token     bool
	password  *passwordFile
	session   sasl.Session
	first     []byte // the message that begins; nil: sent
	done      bool
}

// Begin starts a conversation. sarama's password is the one of the start, and not used.
func (s *scramClient) Begin(user, _, authzID string) (err error) {
	auth := scram.Auth{User: user, Pass: s.password.current(), Zid: authzID, IsToken: s.token}
	mechanism := auth.AsSha256Mechanism()
	if s.mechanism == SASLScramSHA512 {
		mechanism = auth.AsSha512Mechanism()
	}
	s.session, s.first, err = mechanism.Authenticate(context.Background(), "") // sarama hands over none; nothing is fetched or waited for
	return err
}

func (s *scramClient) Step(challenge string) (string, error) {
	if s.first != nil {
		first := string(s.first)
		s.first = nil
		return first, nil
	}
	if s.done {
		return "", errors.New("the SCRAM conversation has ended")
	}
	done, reply, err := s.session.Challenge([]byte(challenge))
	s.done = done && err == nil
	return string(reply), err
}

func (s *scramClient) Done() bool { return s.done }
