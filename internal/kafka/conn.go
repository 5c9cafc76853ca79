package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"logctl/internal/tlsfile"
)

// Conn is one connection to one broker. Its methods are sarama's; unlike
// sarama's own brokers it can be cut at once from outside, which ends every
// call that waits on it.
type Conn struct {
	*sarama.Broker
	splice splice   // what sarama writes to
	socket net.Conn // beneath splice, written once by the dialer

	mu    sync.Mutex
	raw   net.Conn
	cut   bool
	gone  chan struct{} // closed when cut
	quiet time.Time     // the broker wants no request before
}

// Dial connects, authenticates and returns a connection, or an error that
// names the address. It ends when ctx ends. s is not changed.
func Dial(ctx context.Context, s *sarama.Config, address string) (*Conn, error) {
	if err := ticketCache(s); err != nil {
		return nil, &BrokerError{Address: address, Err: err}
	}
	c := &Conn{Broker: sarama.NewBroker(address), gone: make(chan struct{})}
	own := *s
	own.Net.Proxy.Enable = true // sarama's seam for a dialer of our own
	dialer := connDialer{ctx: ctx, conn: c, timeout: s.Net.DialTimeout, keepAlive: s.Net.KeepAlive}
	if by, ok := s.Net.Proxy.Dialer.(*seam); ok {
		dialer.by = by.dial
		by.renew(&own)
	}
	if s.Net.TLS.Enable {
		own.Net.TLS.Enable = false // done by the dialer, under splice
		if dialer.tls = s.Net.TLS.Config; dialer.tls == nil {
			dialer.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		}
	}
	own.Net.Proxy.Dialer = dialer
	if err := c.Open(&own); err != nil {
		return nil, &BrokerError{Address: address, Err: err}
	}
	stop := context.AfterFunc(ctx, c.Cut)
	ok, err := c.Connected() // waits for the outcome of Open
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err == nil && !ok {
		err = sarama.ErrNotConnected
	}
	if err != nil {
		c.Cut()
		_ = c.Close()
		if cause := context.Cause(ctx); cause != nil {
			err = fmt.Errorf("%w: %w", err, cause)
		}
		return nil, &BrokerError{Address: address, Err: ExplainLogin(ctx, s, address, err)}
	}
	return c, nil
}

// Do runs one call of sarama on the connection and cuts the connection when
// ctx ends before the call does. After an error that is not Kafka's own answer
// the connection is of no use and must be closed.
func (c *Conn) Do(ctx context.Context, call func(*sarama.Broker) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, c.Cut)
	err := c.await()
	if err == nil {
		err = call(c.Broker)
	}
	if !stop() && err != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return &BrokerError{Address: c.Addr(), Err: err}
	}
	return nil
}

// Throttle notes that the broker asked, in an answer, to be left alone for d: the next
// request waits so long. sarama minds that too, but a wait of its ends neither when the
// connection is cut nor with a context, and quotas make waits of minutes.
func (c *Conn) Throttle(d time.Duration) {
	if d <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quiet = time.Now().Add(d)
}

// await waits until the broker may be asked again, or the connection is cut.
func (c *Conn) await() error {
	for {
		c.mu.Lock()
		d := time.Until(c.quiet)
		c.mu.Unlock()
		if d <= 0 {
			return nil
		}
		select {
		case <-c.gone:
			return net.ErrClosed
		case <-time.After(d):
		}
	}
}

// Cut closes the socket under sarama at once. Calls in progress return with an
// error. Close must still be called.
func (c *Conn) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.cut {
		close(c.gone)
	}
	c.cut = true
	if c.raw != nil {
		_ = c.raw.Close()
	}
}

// Socket is the connection below sarama, TLS included: for a caller that speaks the
// protocol itself from then on, and alone. Cut ends its calls too.
func (c *Conn) Socket() net.Conn { return c.socket }

// Close cuts the connection and waits until its reader has ended and every
// request in flight was called back. It must not be called from a callback.
func (c *Conn) Close() error {
	c.Cut()
	err := c.Broker.Close()
	if errors.Is(err, sarama.ErrNotConnected) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// connDialer dials for one Conn and hands it the socket.
type connDialer struct {
	ctx       context.Context // ends the dialing, nothing later
	conn      *Conn
	timeout   time.Duration
	keepAlive time.Duration
	tls       *tls.Config                                                          // nil: plain
	by        func(ctx context.Context, network, address string) (net.Conn, error) // nil: TCP
}

// seam is what goes through sarama's configuration to Dial beside it.
type seam struct {
	dial     func(ctx context.Context, network, address string) (net.Conn, error) // Config.Dial
	password *passwordFile                                                        // of PLAIN, or of a Kerberos user; nil: none
}

// renew puts the password that stands in its file now into the configuration of one
// connection.
func (m *seam) renew(own *sarama.Config) {
	if m.password == nil {
		return
	}
	n := &own.Net.SASL
	if n.Mechanism == SASLGSSAPI {
		n.GSSAPI.Password = m.password.current()
	} else {
		n.Password = m.password.current()
	}
}

// Dial is that of golang.org/x/net/proxy.Dialer, which sarama asks for.
func (m *seam) Dial(network, address string) (net.Conn, error) {
	return nil, fmt.Errorf("dial %s: connections are made with a context, by kafka.Dial", address)
}

func (d connDialer) Dial(network, address string) (net.Conn, error) {
	dial := d.by
	if dial == nil {
		dialer := net.Dialer{Timeout: d.timeout, KeepAlive: d.keepAlive}
		dial = dialer.DialContext
	}
	raw, err := dial(d.ctx, network, address)
	if err != nil {
		return nil, err
	}
	if err := d.keep(raw); err != nil {
		return nil, err
	}
	raw = newSocket(raw)
	d.conn.socket = raw
	if d.tls == nil {
		d.conn.splice.Conn = raw
		return &d.conn.splice, nil
	}
	secure, err := d.secure(raw, address)
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	d.conn.splice.Conn, d.conn.socket = secure, secure
	return &d.conn.splice, nil
}

// keep makes the socket the one that is cut.
func (d connDialer) keep(raw net.Conn) error {
	d.conn.mu.Lock()
	defer d.conn.mu.Unlock()
	if d.conn.cut {
		_ = raw.Close()
		return net.ErrClosed
	}
	d.conn.raw = raw
	return nil
}

// secure talks TLS with the broker.
func (d connDialer) secure(raw net.Conn, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(d.ctx, d.timeout)
	defer cancel()
	return tlsfile.Client(ctx, raw, d.tls, host)
}

// BrokerError says which broker an error came from.
type BrokerError struct {
	Address string
	Err     error
}

func (e *BrokerError) Error() string { return fmt.Sprintf("broker %s: %v", e.Address, e.Err) }

// Unwrap returns the cause.
func (e *BrokerError) Unwrap() error { return e.Err }
