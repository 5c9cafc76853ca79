package testkit

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Proxy is a TCP proxy that misbehaves on demand. Its methods may be called at
// any time by any goroutine.
type Proxy struct {
	listener net.Listener
	target   string
	wg       sync.WaitGroup

	mu      sync.Mutex
	conns   map[net.Conn]net.Conn // client side to server side
	delay   time.Duration
	drop    bool
	refuse  bool
	closed  bool
	stalled chan struct{} // not nil while stalled; closed at its end
}

// NewProxy listens on a free loopback port and forwards to target until the
// test ends.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("proxy: %v", err)
	}
	p := &Proxy{listener: l, target: target, conns: map[net.Conn]net.Conn{}}
	p.wg.Go(p.accept)
	t.Cleanup(p.Close)
	return p
}

// Addr is the proxy's address, host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut closes every connection. New ones are accepted.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c, s := range p.conns {
		_ = c.Close()
		_ = s.Close()
	}
}

// Refuse closes new connections at once, while on.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = on
}

// Delay holds back everything the server sends for d.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// DropResponses throws away what the server sends, while on: requests arrive
// and are answered, and nobody learns of it.
func (p *Proxy) DropResponses(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop = on
}

// Stall holds all bytes back in both directions, while on, as a stopped process
// would: connections are made and nothing comes of them.
func (p *Proxy) Stall(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case on && p.stalled == nil:
		p.stalled = make(chan struct{})
	case !on && p.stalled != nil:
		close(p.stalled)
		p.stalled = nil
	}
}

// Close ends the proxy and its connections.
func (p *Proxy) Close() {
	p.Stall(false)
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_ = p.listener.Close()
	p.Cut()
	p.wg.Wait()
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		refuse := p.refuse || p.closed
		p.mu.Unlock()
		if refuse {
			_ = c.Close()
			continue
		}
		s, err := net.DialTimeout("tcp", p.target, 5*time.Second)
		if err != nil {
			_ = c.Close()
			continue
		}
		p.mu.Lock()
		p.conns[c] = s
		p.mu.Unlock()
		p.wg.Go(func() { p.pump(s, c, false) })
		p.wg.Go(func() {
			p.pump(c, s, true)
			p.mu.Lock()
			delete(p.conns, c)
			p.mu.Unlock()
		})
	}
}

// pump copies from one side to the other until either closes.
func (p *Proxy) pump(to, from net.Conn, responses bool) {
	defer func() {
		_ = to.Close()
		_ = from.Close()
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && p.pass(responses) {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass waits as told and says whether bytes go through.
func (p *Proxy) pass(responses bool) bool {
	p.mu.Lock()
	stalled, delay := p.stalled, p.delay
	p.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
	if responses && delay > 0 {
		timer := time.NewTimer(delay)
		<-timer.C
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !(responses && p.drop)
}

// Proxied puts a proxy in front of every embedded broker: clients learn the
// proxies' addresses. KafkaServer.Proxies returns them.
func Proxied() KafkaOption {
	return func(t testing.TB, k *KafkaServer) {
		k.opts = append(k.opts, kfake.ListenFn(func(network, _ string) (net.Listener, error) {
			l, err := net.Listen(network, "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			p := NewProxy(t, l.Addr().String())
			k.proxies = append(k.proxies, p)
			return proxiedListener{l, p.listener.Addr()}, nil
		}))
	}
}

// proxiedListener announces the proxy's address as its own.
type proxiedListener struct {
	net.Listener
	addr net.Addr
}

func (l proxiedListener) Addr() net.Addr { return l.addr }
