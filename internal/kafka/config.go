package kafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"logctl/internal/tlsfile"
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

	TLS             bool   // talk TLS; also turned on by a CAFile or CertFile
	CAFile          string // certificates that sign the brokers', PEM or PKCS#12; empty: the system's
	CAPasswordFile  string // opens a PKCS#12 CAFile
	CertFile        string // certificate we show to the brokers: PEM, or PKCS#12 with its key
	KeyFile         string // PEM, may be encrypted
	KeyPasswordFile string // opens KeyFile, or a PKCS#12 CertFile
	ServerName      string // name expected in the brokers' certificates; empty: the address's host
	TLSMinVersion   string // 1.2 (as empty) or 1.3

	SASLMechanism    string // "" (none) or one of Mechanisms
	SASLUser         string // of PLAIN and SCRAM; a token's id; of GSSAPI the principal, user@REALM
	SASLPasswordFile string // file whose first line is the password, or a token's HMAC
	DelegationToken  bool   // SASLUser and the password are a delegation token, for SCRAM

	OAuth    OAuth    // of OAUTHBEARER
	Kerberos Kerberos // of GSSAPI
	AWS      AWS      // of AWS_MSK_IAM

	// Dial makes the connections to brokers; nil: TCP. A simulated network is the other one.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
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
	beside := &seam{dial: c.Dial}
	s.Net.Proxy.Enable, s.Net.Proxy.Dialer = c.Dial != nil, beside
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
	if err := c.setSASL(s, beside); err != nil {
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
	files := c.TLSFiles()
	if !c.TLS && files.CAFile == "" && files.CertFile == "" && files.KeyFile == "" {
		return nil
	}
	t, err := files.Config()
	if err != nil {
		return fmt.Errorf("kafka %w", err)
	}
	s.Net.TLS.Enable = true
	s.Net.TLS.Config = t
	return nil
}

// TLSFiles are the files and settings of TLS.
func (c Config) TLSFiles() tlsfile.Files {
	return tlsfile.Files{
		CAFile: c.CAFile, CAPasswordFile: c.CAPasswordFile, CertFile: c.CertFile, KeyFile: c.KeyFile,
		KeyPasswordFile: c.KeyPasswordFile, ServerName: c.ServerName, MinVersion: c.TLSMinVersion,
	}
}
