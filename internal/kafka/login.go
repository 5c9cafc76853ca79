package kafka

import (
	"fmt"
	"os"
	"strings"

	"github.com/IBM/sarama"
)

// The SASL mechanisms that Config.SASLMechanism may name.
const (
	SASLPlain       = sarama.SASLTypePlaintext   // "PLAIN"
	SASLScramSHA256 = sarama.SASLTypeSCRAMSHA256 // "SCRAM-SHA-256"
	SASLScramSHA512 = sarama.SASLTypeSCRAMSHA512 // "SCRAM-SHA-512"
	SASLOAuthBearer = sarama.SASLTypeOAuth       // "OAUTHBEARER"
	SASLGSSAPI      = sarama.SASLTypeGSSAPI      // "GSSAPI"

	// SASLMSKIAM is OAUTHBEARER with a token that is an AWS signature, as Amazon's own
	// libraries for languages without Java's mechanism of that name do it.
	SASLMSKIAM = "AWS_MSK_IAM"
)

// Mechanisms returns the SASL mechanisms that logctl knows.
func Mechanisms() []string {
	return []string{SASLPlain, SASLScramSHA256, SASLScramSHA512, SASLOAuthBearer, SASLGSSAPI, SASLMSKIAM}
}

func (c Config) setSASL(s *sarama.Config, beside *seam) error {
	mechanism := strings.ToUpper(strings.TrimSpace(c.SASLMechanism))
	if mechanism == "" {
		if c.SASLUser != "" {
			return fmt.Errorf("kafka sasl_user is set without sasl_mechanism: use one of %s", strings.Join(Mechanisms(), ", "))
		}
		return nil
	}
	n := &s.Net.SASL
	n.Enable, n.Handshake, n.Version = true, true, sarama.SASLHandshakeV1
	n.Mechanism, n.User = sarama.SASLMechanism(mechanism), c.SASLUser
	if c.DelegationToken && mechanism != SASLScramSHA256 && mechanism != SASLScramSHA512 {
		return fmt.Errorf("kafka sasl_delegation_token goes with %s and %s, not with %s", SASLScramSHA256, SASLScramSHA512, mechanism)
	}
	switch mechanism {
	case SASLPlain, SASLScramSHA256, SASLScramSHA512:
		if c.SASLUser == "" || c.SASLPasswordFile == "" {
			return fmt.Errorf("kafka sasl_mechanism %s needs sasl_user and sasl_password_file", mechanism)
		}
		password, err := readPassword("sasl_password_file", c.SASLPasswordFile)
		if err != nil {
			return err
		}
		n.Password = password
		file := &passwordFile{path: c.SASLPasswordFile, last: password}
		if mechanism == SASLPlain {
			beside.password = file
		} else {
			n.SCRAMClientGeneratorFunc = newScram(mechanism, c.DelegationToken, file)
		}
		return nil
	case SASLOAuthBearer:
		source, err := c.OAuth.source()
		if err != nil {
			return err
		}
		n.TokenProvider = source
		return nil
	case SASLMSKIAM:
		source, err := c.AWS.source()
		if err != nil {
			return err
		}
		n.Mechanism, n.TokenProvider = SASLOAuthBearer, source
		return nil
	case SASLGSSAPI:
		return c.setKerberos(&n.GSSAPI, beside)
	}
	return fmt.Errorf("kafka sasl_mechanism %q is unknown: use one of %s", c.SASLMechanism, strings.Join(Mechanisms(), ", "))
}

// readable finds out at the start whether a file can be opened.
func readable(setting, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("kafka %s: %w", setting, err)
	}
	return f.Close()
}

// readPassword returns the first line of a file.
func readPassword(setting, path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("kafka %s: %w", setting, err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return "", fmt.Errorf("kafka %s %s: its first line is empty", setting, path)
	}
	return line, nil
}
