package kafka_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	"logctl/internal/kafka"

	"github.com/IBM/sarama"
)

// TestLoginRefusedByARealBroker has the error that sarama makes when a broker sends a text with
// its refusal, which real ones do and the embedded one does not.
func TestLoginRefusedByARealBroker(t *testing.T) {
	t.Parallel()
	err := error(&kafka.BrokerError{Address: "b:9092", Err: sarama.Wrap(sarama.ErrSASLAuthenticationFailed, errors.New("Authentication failed: Invalid username or password"))})
	var code sarama.KError
	if errors.As(err, &code) {
		t.Fatal("errors.As finds the code now: codeOf can be made simpler")
	}
	if text := kafka.Explain(err); !kafka.IsLoginRefused(err) || !strings.Contains(text, "kafka refused the login") {
		t.Errorf("%v, %q", kafka.IsLoginRefused(err), text)
	}
	if kafka.IsLoginRefused(sarama.ErrTopicAuthorizationFailed) || kafka.IsLoginRefused(syscall.ECONNREFUSED) {
		t.Error("other refusals are taken for one of the login")
	}
}

// TestAnnouncedAddressCannotBeReached tells a broker that announces a bad address from one
// whose login or certificate is refused.
func TestAnnouncedAddressCannotBeReached(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{&net.DNSError{Name: "kafka", IsNotFound: true}, syscall.ECONNREFUSED, syscall.EHOSTUNREACH} {
		err := kafka.Announced(1, "kafka:9092", &kafka.BrokerError{Address: "kafka:9092", Err: fmt.Errorf("dial: %w", cause)})
		var announced *kafka.AnnouncedError
		text := kafka.Explain(fmt.Errorf("read: %w", err))
		if !errors.As(err, &announced) || !errors.Is(err, cause) || !strings.Contains(text, "broker 1 announces itself as kafka:9092") || !strings.Contains(text, "advertised.listeners") {
			t.Errorf("%v: %q", cause, text)
		}
	}
	for _, other := range []error{sarama.ErrSASLAuthenticationFailed, errors.New("remote error: tls: bad certificate")} {
		if got := kafka.Announced(1, "kafka:9092", other); !errors.Is(got, other) || strings.Contains(kafka.Explain(got), "announces") {
			t.Errorf("%v became %v", other, got)
		}
	}
}
