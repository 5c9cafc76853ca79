package kafka

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/IBM/sarama"

	"logctl/internal/tlsfile"
)

// MechanismError says that a broker does not offer our SASL mechanism, and what it does.
type MechanismError struct {
	Mechanism string
	Offered   []string // empty: not known
	Err       error
}

func (e *MechanismError) Error() string {
	if len(e.Offered) == 0 {
		return fmt.Sprintf("the broker does not offer sasl_mechanism %s on this port", e.Mechanism)
	}
	return fmt.Sprintf("the broker does not offer sasl_mechanism %s on this port: it offers %s", e.Mechanism, strings.Join(e.Offered, ", "))
}

// Unwrap returns Kafka's answer.
func (e *MechanismError) Unwrap() error { return e.Err }

// ExplainLogin tells what stands against a login: a *KerberosError, a *LoginError of a
// refused user, or a *MechanismError of a refused mechanism, which names what the broker
// offers. sarama keeps that to itself, so the broker is asked once more.
// Other errors are returned as they are.
func ExplainLogin(ctx context.Context, s *sarama.Config, address string, err error) error {
	switch {
	case errors.Is(err, sarama.ErrSASLAuthenticationFailed):
		n := &s.Net.SASL
		out := &LoginError{Mechanism: string(n.Mechanism), User: n.User, Err: err}
		if n.Mechanism == SASLGSSAPI {
			out.User = n.GSSAPI.Username
		}
		if source, ok := n.TokenProvider.(*tokenSource); ok {
			out.From = source.from
		}
		return out
	case !errors.Is(err, sarama.ErrUnsupportedSASLMechanism):
		return explainKerberos(s, address, err)
	}
	out := &MechanismError{Mechanism: string(s.Net.SASL.Mechanism), Err: err}
	ctx, cancel := context.WithTimeout(ctx, s.Net.DialTimeout)
	defer cancel()
	if offered, askErr := askMechanisms(ctx, s, address); askErr == nil { // without it the error says enough
		out.Offered = offered
	}
	return out
}

// The request that begins a login (KIP-43), in version 1.
const (
	handshakeKey     = 17
	handshakeVersion = 1
)

// askMechanisms begins a login with our mechanism and returns those that the answer
// names.
func askMechanisms(ctx context.Context, s *sarama.Config, address string) ([]string, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	if s.Net.TLS.Enable {
		base := s.Net.TLS.Config
		if base == nil {
			base = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		if conn, err = tlsfile.Client(ctx, conn, base, host); err != nil {
			return nil, err
		}
	}
	be := binary.BigEndian
	b := be.AppendUint32(nil, 0)
	b = be.AppendUint16(b, handshakeKey)
	b = be.AppendUint16(b, handshakeVersion)
	b = be.AppendUint32(b, 1) // correlation
	for _, text := range []string{s.ClientID, string(s.Net.SASL.Mechanism)} {
		b = be.AppendUint16(b, uint16(len(text)))
		b = append(b, text...)
	}
	be.PutUint32(b, uint32(len(b)-4))
	if _, err := conn.Write(b); err != nil {
		return nil, err
	}
	var head [4]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, err
	}
	size := be.Uint32(head[:])
	if size < 10 || size > 64<<10 {
		return nil, fmt.Errorf("an answer of %d bytes", size)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(conn, body); err != nil {
		return nil, err
	}
	return parseMechanisms(body[6:]) // behind correlation and error
}

// parseMechanisms reads an array of strings.
func parseMechanisms(b []byte) (out []string, err error) {
	be := binary.BigEndian
	n := int32(be.Uint32(b))
	for b = b[4:]; n > 0; n-- {
		if len(b) < 2 || len(b) < 2+int(be.Uint16(b)) {
			return nil, io.ErrUnexpectedEOF
		}
		end := 2 + int(be.Uint16(b))
		out = append(out, string(b[2:end]))
		b = b[end:]
	}
	return out, nil
}
