package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/IBM/sarama"

	"logctl/internal/tlsfile"
)

// TopicError is Kafka's answer about one topic.
type TopicError struct {
	Topic string
	Err   error
}

func (e *TopicError) Error() string { return fmt.Sprintf("topic %q: %v", e.Topic, e.Err) }

// Unwrap returns Kafka's answer.
func (e *TopicError) Unwrap() error { return e.Err }

// Explain puts an error of this package, or of sarama, into words for an
// operator: what it means and what to do next. An error it does not know is
// returned as it reads; nil gives "".
func Explain(err error) string {
	if err == nil {
		return ""
	}
	at := "kafka"
	var broker *BrokerError
	if errors.As(err, &broker) {
		at = "kafka at " + broker.Address
	}
	var missing *MissingTopicError
	switch {
	case errors.As(err, &missing):
		return missing.Error()
	case errors.Is(err, ErrTopicExists):
		return "the topic exists already: choose another name"
	}
	var (
		announced *AnnouncedError
		mechanism *MechanismError
		token     *TokenError
		create    *CreateDeniedError
		login     *LoginError
		kerberos  *KerberosError
	)
	switch {
	case errors.As(err, &create):
		return create.Error()
	case errors.As(err, &announced):
		return announced.Error()
	case errors.As(err, &login):
		return login.Error()
	case errors.As(err, &kerberos):
		return kerberos.Error()
	case errors.As(err, &mechanism):
		return at + ": " + mechanism.Error()
	case errors.As(err, &token):
		return "kafka cannot be logged in to: " + token.Error()
	}
	if text := explainTLS(err); text != "" {
		return at + ": " + text
	}
	if text := explainAnswer(err); text != "" {
		return text
	}
	if text := explainNetwork(err); text != "" {
		return at + " " + text
	}
	return err.Error()
}

// explainTLS knows what goes wrong before Kafka is spoken.
func explainTLS(err error) string {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
	)
	var expired *tlsfile.ExpiredError
	switch {
	case errors.As(err, &expired):
		return expired.Error()
	case errors.As(err, &authority):
		return "its TLS certificate is signed by an authority we do not trust: set ca_file to that authority's certificate"
	case errors.As(err, &host):
		return fmt.Sprintf("its TLS certificate is for other names (%v): use an address it names, or set server_name", host)
	case errors.As(err, &invalid):
		return fmt.Sprintf("its TLS certificate is not valid (%v): renew it, or look at the clock", invalid)
	case errors.As(err, &record):
		return "the broker does not speak TLS on this port: set tls = false or use the TLS port"
	case strings.Contains(err.Error(), "remote error: tls:"): // the type is not exported
		return fmt.Sprintf("the broker refused our side of TLS (%v): it may want a client certificate, set cert_file and key_file", errors.Unwrap(err))
	}
	return ""
}

// explainAnswer knows the error codes that an operator can do something about.
func explainAnswer(err error) string {
	code, ok := codeOf(err)
	if !ok {
		return ""
	}
	topic := "the topic"
	var of *TopicError
	if errors.As(err, &of) {
		topic = fmt.Sprintf("topic %q", of.Topic)
	}
	switch code {
	case sarama.ErrTopicAuthorizationFailed:
		return "permission denied for " + topic + ": this user needs the rights Describe and Write (to send) or Read (to read) on it"
	case sarama.ErrClusterAuthorizationFailed:
		return "permission denied: this user lacks a right on the cluster (Create or Alter for topics, IdempotentWrite to send on Kafka before 3.0)"
	case sarama.ErrTransactionalIDAuthorizationFailed:
		return "permission denied: this user needs the rights Write and Describe on the transactional id"
	case sarama.ErrGroupAuthorizationFailed:
		return "permission denied: this user needs the right Read on the consumer group"
	case sarama.ErrSASLAuthenticationFailed:
		return "kafka refused the login: check sasl_user, the password in sasl_password_file and sasl_mechanism"
	case sarama.ErrUnsupportedSASLMechanism:
		return "kafka does not offer this sasl_mechanism: use one that the broker has enabled"
	case sarama.ErrIllegalSASLState:
		return "kafka did not expect a login here: remove sasl_mechanism or use the port that asks for one"
	case sarama.ErrUnknownTopicOrPartition:
		return topic + " does not exist: create it"
	case sarama.ErrInvalidTopic:
		return topic + " has a name that is not legal: letters, digits, '.', '_' and '-', at most 249"
	case sarama.ErrPolicyViolation:
		return "a policy of the cluster forbids this: " + err.Error()
	case sarama.ErrInvalidReplicationFactor:
		return "the replication factor is larger than the number of brokers: ask for less"
	case sarama.ErrInvalidPartitions:
		return "the number of partitions is not legal: ask for one or more"
	case sarama.ErrUnsupportedVersion:
		return "the broker is too old or too new for this request: Kafka 2.1 to 4.x is supported"
	case sarama.ErrNotController, sarama.ErrLeaderNotAvailable, sarama.ErrNotLeaderForPartition:
		return "kafka is changing leaders: try again in a moment (" + code.Error() + ")"
	}
	return ""
}

// codeOf is Kafka's error code in err. Where a broker sends a text with a refused login,
// sarama hides the code from errors.As and shows it to errors.Is only.
func codeOf(err error) (sarama.KError, bool) {
	var code sarama.KError
	if errors.As(err, &code) {
		return code, true
	}
	for _, code := range []sarama.KError{sarama.ErrSASLAuthenticationFailed, sarama.ErrUnsupportedSASLMechanism, sarama.ErrIllegalSASLState} {
		if errors.Is(err, code) {
			return code, true
		}
	}
	return 0, false
}

// IsLoginRefused says whether err is that a broker, or the KDC before it, refused our user,
// password or mechanism.
func IsLoginRefused(err error) bool {
	var kerberos *KerberosError
	if errors.As(err, &kerberos) {
		return kerberos.Refused
	}
	switch code, _ := codeOf(err); code {
	case sarama.ErrSASLAuthenticationFailed, sarama.ErrUnsupportedSASLMechanism, sarama.ErrIllegalSASLState:
		return true
	}
	return false
}

// AnnouncedError is that a broker cannot be reached at the address that it announces
// itself by (advertised.listeners), while the cluster answers elsewhere.
type AnnouncedError struct {
	ID      int32  // of the broker
	Address string // host:port
	Err     error
}

// Error says what is wrong and what to do.
func (e *AnnouncedError) Error() string {
	why := explainNetwork(e.Err)
	if why == "" {
		why = e.Err.Error()
	}
	return fmt.Sprintf("broker %d announces itself as %s, which cannot be used from here (it %s): correct advertised.listeners of the broker, "+
		"or the name and the route to it; if it worked before, the broker may be down", e.ID, e.Address, why)
}

// Unwrap returns the cause.
func (e *AnnouncedError) Unwrap() error { return e.Err }

// Announced makes a failure to connect to a broker an *AnnouncedError. It is for a broker
// that was never reached at that address while another one answers. What TLS or a
// login refuse is returned as it is: then the address is right.
func Announced(id int32, address string, err error) error {
	if explainTLS(err) != "" || explainNetwork(err) == "" || errors.Is(err, context.Canceled) {
		return err
	}
	if _, answered := codeOf(err); answered {
		return err
	}
	return &AnnouncedError{ID: id, Address: address, Err: err}
}

// explainNetwork knows what a broker that cannot be reached looks like.
func explainNetwork(err error) string {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &dns):
		return fmt.Sprintf("cannot be found: the name %q does not resolve; check the address and the resolver", dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refuses connections: nothing listens there; is the broker running, and is the port right?"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "cannot be reached: there is no route to it; check the network and the address"
	case errors.Is(err, errNoAnswer), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "does not answer: it hangs, is overloaded, a firewall drops the packets, or one side speaks TLS and the other does not (tls)"
	case errors.Is(err, context.Canceled):
		return "was not waited for: the call was cancelled"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "closed the connection: it is going down, or only one side speaks TLS (tls), or it expects another login (sasl_mechanism, sasl_user, sasl_password_file) on this port"
	case errors.Is(err, sarama.ErrOutOfBrokers), strings.Contains(err.Error(), "run out of available brokers"):
		return "cannot be reached at any of its addresses: " + err.Error()
	}
	return ""
}
