package etcdcfg

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ServerError is an error of etcd or of the way to it, in the operator's words.
type ServerError struct {
	Endpoints []string
	Err       error // what the client library said
}

// Error names the server, what is wrong and what to do.
func (e *ServerError) Error() string {
	return fmt.Sprintf("etcd at %s: %s", strings.Join(e.Endpoints, ", "), Explain(e.Err))
}

// Unwrap returns the error of the client library.
func (e *ServerError) Unwrap() error { return e.Err }

// DeniedError is that etcd answered and refused, because the role of our user lacks a right.
type DeniedError struct {
	Right string   // "read" or "readwrite"
	Keys  []string // each in quotes, and as a prefix where the right is needed on all keys below
	Err   error
}

// Error names the right that lacks and where.
func (e *DeniedError) Error() string {
	return fmt.Sprintf("permission denied: the role of this etcd user needs the right %s on %s", e.Right, strings.Join(e.Keys, " and "))
}

// Unwrap returns the answer of etcd.
func (e *DeniedError) Unwrap() error { return e.Err }

// Refused says whether etcd answered and refused for the sake of rights or login: it is
// reachable then.
func Refused(err error) bool { return isDenied(err) }

// denied adds to a refusal which right lacks on which key; another error is returned as it is.
func denied(err error, right string, keys ...string) error {
	if !errors.Is(rpctypes.Error(err), rpctypes.ErrPermissionDenied) {
		return err
	}
	return &DeniedError{Right: right, Keys: keys, Err: err}
}

// keyName is a key as a DeniedError has it.
func keyName(key string) string { return strconv.Quote(key) }

// prefixName is all keys that begin so.
func prefixName(prefix string) string { return "the prefix " + strconv.Quote(prefix) }

// explanations say what an answer of etcd means, and what to do.
func explanations() []struct {
	err  error
	text string
} {
	return []struct {
		err  error
		text string
	}{
		{context.Canceled, "cancelled"},
		{rpctypes.ErrPermissionDenied, "permission denied: the role of this etcd user does not include the key"},
		{rpctypes.ErrAuthFailed, "user name or password is wrong: check [etcd] username and password_file"},
		{rpctypes.ErrUserEmpty, "etcd asks for a user: set [etcd] username and password_file"},
		{rpctypes.ErrInvalidAuthToken, "the login has expired: it is renewed with the next call"},
		{rpctypes.ErrNoLeader, "it has no leader: more than half of its members must run and reach each other"},
		{rpctypes.ErrTimeout, "it could not agree in time: more than half of its members must run and reach each other"},
		{rpctypes.ErrTimeoutDueToLeaderFail, "it is choosing a new leader: try again"},
		{rpctypes.ErrTimeoutDueToConnectionLost, "its members lost each other: try again"},
		{rpctypes.ErrNoSpace, "its storage quota is used up: compact and defragment it, then \"etcdctl alarm disarm\""},
		{rpctypes.ErrRequestTooLarge, "the list is too large for one etcd request: split it over several collect keys with {hostname} or {ip}"},
		{rpctypes.ErrTooManyRequests, "it is overloaded: try again"},
		{rpctypes.ErrCompacted, "that revision is compacted away"},
		{rpctypes.ErrLeaseNotFound, "the lease has expired"},
		{rpctypes.ErrStopped, "it is stopping"},
		{context.DeadlineExceeded, "no answer in time: is it running, overloaded, or behind a firewall?"},
	}
}

// Explain says in words what an error of etcd means and what to do about it. A text
// that needs no translation comes back as it is.
func Explain(err error) string {
	if err == nil {
		return ""
	}
	var se *ServerError
	if errors.As(err, &se) {
		return err.Error() // it says it all already
	}
	var de *DeniedError
	if errors.As(err, &de) {
		return de.Error()
	}
	known := rpctypes.Error(err)
	for _, e := range explanations() {
		if errors.Is(known, e.err) {
			return e.text
		}
	}
	switch status.Code(err) {
	case codes.DeadlineExceeded:
		return "no answer in time: is it running, overloaded, or behind a firewall?"
	case codes.Canceled:
		return "cancelled"
	}
	return explainConnection(err.Error())
}

// explainConnection says why there is no connection; grpc knows it as text only.
func explainConnection(text string) string {
	for _, c := range []struct{ part, say string }{
		{"our certificate expired on", ""},
		{"message larger than max", "the list is too large for one etcd request: split it over several collect keys with {hostname} or {ip}"},
		{"connection refused", "connection refused: is it running, and is [etcd] address right?"},
		{"actively refused", "connection refused: is it running, and is [etcd] address right?"},
		{"no such host", "the host name is unknown: is [etcd] address right?"},
		{"i/o timeout", "no answer in time: is it running, overloaded, or behind a firewall?"},
		{"no route to host", "no route to the host: is the network up, is [etcd] address right?"},
		{"network is unreachable", "the network is unreachable"},
		{"first record does not look like a TLS handshake", "it does not speak TLS: set [etcd] tls = false"},
		{"use of closed network connection", "no answer in time: is it running, overloaded, or behind a firewall?"},
		{"handshake failed: EOF", "it closed the connection during the TLS handshake: perhaps it does not speak TLS (set [etcd] tls = false)"},
		{"error reading server preface", "it closed the connection at once: perhaps it speaks TLS (set [etcd] tls = true), asks for a client certificate (set [etcd] cert_file and key_file), or is starting"},
		{"malformed HTTP response", "it speaks TLS: set [etcd] tls = true"},
		{"certificate signed by unknown authority", "its certificate is signed by an unknown authority: set [etcd] ca_file"},
		{"certificate required", "it asks for a client certificate: set [etcd] cert_file and key_file"},
		{"broken pipe", "it closed the connection: perhaps it asks for a client certificate (set [etcd] cert_file and key_file) or is restarting"},
		{"connection reset", "it closed the connection: perhaps it asks for a client certificate (set [etcd] cert_file and key_file) or is restarting"},
		{"bad certificate", "it refuses our certificate: check [etcd] cert_file"},
		{"certificate is valid for", "its certificate is for another host name: use that name in [etcd] address"},
		{"doesn't contain any IP SANs", "its certificate names no IP address: use the host name in [etcd] address"},
		{"certificate has expired", "its certificate has expired"},
	} {
		if at := strings.Index(text, c.part); at >= 0 {
			if c.say == "" { // it is in words
				return text[at:]
			}
			return c.say
		}
	}
	for _, noise := range []string{"rpc error: code = ", "connection error: desc = ", "Unavailable desc = ", "Unknown desc = "} {
		text = strings.ReplaceAll(text, noise, "")
	}
	return text
}
