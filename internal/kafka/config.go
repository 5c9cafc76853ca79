package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// The SASL mechanisms that Config.SASLMechanism may name.
const (
	SASLPlain       = sarama.SASLTypePlaintext   // "PLAIN"
	SASLScramSHA256 = sarama.SASLTypeSCRAMSHA256 // "SCRAM-SHA-256"
	SASLScramSHA512 = sarama.SASLTypeSCRAMSHA512 // "SCRAM-SHA-512"
)

// Deadlines of the sockets. A request that waits longer for its answer counts
// as failed, its connection is closed and another broker is tried.
const (
	dialTimeout  = 5 * time.Second
	readTimeout  = 15 * time.Second
	writeTimeout = 15 * time.Second
)

// DefaultPort is added to an address that names no port.
const DefaultPort = "9092"

// Config says where Kafka is and who we are to it. The zero value of a field
// means: not used.
type Config struct {
	Addresses []string // host:port of some of the brokers; the others are learned from them
	ClientID  string   // shown in the brokers' logs and quotas; default "logctl"

	TLS        bool   // talk TLS; also turned on by a CAFile or CertFile
	CAFile     string // PEM certificates that sign the brokers'; empty: the system's
	CertFile   string // PEM certificate we show to the brokers, with KeyFile
	KeyFile    string
	ServerName string // name expected in the brokers' certificates; empty: the address's host

	SASLMechanism    string // "" (none), PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
	SASLUser         string
	SASLPasswordFile string // file whose first line is the password
}

// Sarama returns a validated sarama configuration: our TLS and SASL, protocol
// versions that Kafka 2.1 to 4.x accept, deadlines on every socket operation,
// sarama's own metrics off, and no topic created by asking for it. The caller
// owns the result and may change it.
func (c Config) Sarama() (*sarama.Config, error) {
	if len(c.seeds()) == 0 {
		return nil, errors.New("kafka address is empty: set address in [kafka], for example 127.0.0.1:9092")
	}
	s := sarama.NewConfig()
	s.ClientID = c.ClientID
	if s.ClientID == "" {
		s.ClientID = "logctl"
	}
	// The version caps what we ask for; ApiVersions lowers it to what the broker has.
	s.Version = sarama.V2_8_0_0
	s.ApiVersionsRequest = true
	s.MetricRegistry = noMetrics{}
	s.Net.DialTimeout = dialTimeout
	s.Net.ReadTimeout = readTimeout
	s.Net.WriteTimeout = writeTimeout
	s.Net.KeepAlive = 30 * time.Second
	s.Metadata.AllowAutoTopicCreation = false
	s.Metadata.Full = false
	s.Metadata.Retry.Max = 1
	s.Metadata.Retry.Backoff = 100 * time.Millisecond
	s.Admin.Timeout = readTimeout
	s.Producer.Return.Successes = true
	s.Consumer.Return.Errors = true
	if err := c.setTLS(s); err != nil {
		return nil, err
	}
	if err := c.setSASL(s); err != nil {
		return nil, err
	}
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("kafka settings: %w", err)
	}
	return s, nil
}

// seeds are the addresses with blanks dropped and ports filled in.
func (c Config) seeds() []string {
	var out []string
	for _, a := range c.Addresses {
		for part := range strings.SplitSeq(a, ",") {
			part = strings.TrimSpace(part)
			if part == "" {
				continue
			}
			if _, _, err := net.SplitHostPort(part); err != nil {
				part = net.JoinHostPort(strings.Trim(part, "[]"), DefaultPort)
			}
			out = append(out, part)
		}
	}
	return out
}

func (c Config) setTLS(s *sarama.Config) error {
	if !c.TLS && c.CAFile == "" && c.CertFile == "" {
		return nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return fmt.Errorf("kafka ca_file: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("kafka ca_file %s: no PEM certificate in it", c.CAFile)
		}
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		return errors.New("kafka cert_file and key_file belong together: set both or none")
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return fmt.Errorf("kafka cert_file %s with key_file %s: %w", c.CertFile, c.KeyFile, err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	s.Net.TLS.Enable = true
	s.Net.TLS.Config = t
	return nil
}

func (c Config) setSASL(s *sarama.Config) error {
	mechanism := strings.ToUpper(strings.TrimSpace(c.SASLMechanism))
	if mechanism == "" {
		if c.SASLUser != "" {
			return fmt.Errorf("kafka sasl_user is set without sasl_mechanism: use %s, %s or %s", SASLPlain, SASLScramSHA256, SASLScramSHA512)
		}
		return nil
	}
	if c.SASLUser == "" || c.SASLPasswordFile == "" {
		return fmt.Errorf("kafka sasl_mechanism %s needs sasl_user and sasl_password_file", mechanism)
	}
	password, err := readPassword(c.SASLPasswordFile)
	if err != nil {
		return err
	}
	s.Net.SASL.Enable = true
	s.Net.SASL.Handshake = true
	s.Net.SASL.Version = sarama.SASLHandshakeV1
	s.Net.SASL.User = c.SASLUser
	s.Net.SASL.Password = password
	s.Net.SASL.Mechanism = sarama.SASLMechanism(mechanism)
	switch mechanism {
	case SASLPlain:
	case SASLScramSHA256, SASLScramSHA512:
		s.Net.SASL.SCRAMClientGeneratorFunc = newScram(mechanism)
	default:
		return fmt.Errorf("kafka sasl_mechanism %q is unknown: use %s, %s or %s", c.SASLMechanism, SASLPlain, SASLScramSHA256, SASLScramSHA512)
	}
	return nil
}

// readPassword returns the first line of a file.
func readPassword(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("kafka sasl_password_file: %w", err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return "", fmt.Errorf("kafka sasl_password_file %s: its first line is empty", path)
	}
	return line, nil
}
