package agent

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// simNet is a network in memory: what is sent takes a time, connections can be cut, and
// hosts can be away. What was on its way when a client died may still arrive, late.
type simNet struct {
	pace  time.Duration // of every packet; 0: as chance has it
	mute  atomic.Bool   // nothing arrives, and nobody is told; a new connection is greeted first
	mu    sync.Mutex
	rnd   *rand.Rand
	hosts map[string]*simHost // by address
	links map[*simLink]bool
	wg    sync.WaitGroup
}

// simHost is a listener.
type simHost struct {
	n      *simNet
	addr   *net.TCPAddr
	accept chan net.Conn
	closed chan struct{}
	once   sync.Once
	away   bool // refuses connections; guarded by simNet.mu
}

func newSimNet(seed uint64) *simNet {
	return &simNet{rnd: rand.New(rand.NewPCG(seed, 1)), hosts: map[string]*simHost{}, links: map[*simLink]bool{}}
}

// listen is kafka's ListenFn.
func (n *simNet) listen(_, address string) (net.Listener, error) {
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	h := &simHost{n: n, addr: addr, accept: make(chan net.Conn, 64), closed: make(chan struct{})}
	n.hosts[addr.String()] = h
	return h, nil
}

// Accept is net.Listener's.
func (h *simHost) Accept() (net.Conn, error) {
	select {
	case c := <-h.accept:
		return c, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close is net.Listener's.
func (h *simHost) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr is net.Listener's.
func (h *simHost) Addr() net.Addr { return h.addr }

// simClient is a process that connects to hosts.
type simClient struct {
	n    *simNet
	dead bool // guarded by simNet.mu
}

var errRefused = errors.New("connection refused")

// dial connects to a host.
func (c *simClient) dial(_ context.Context, _, address string) (net.Conn, error) {
	n := c.n
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hosts[address]
	if h == nil || h.away || c.dead {
		return nil, fmt.Errorf("dial %s: %w", address, errRefused)
	}
	near, a := net.Pipe()
	b, far := net.Pipe()
	l := &simLink{n: n, host: h, client: c, a: a, b: b, late: time.Duration(n.rnd.IntN(3000)) * time.Millisecond}
	select {
	case h.accept <- &simConn{far, h.addr}:
	default:
		return nil, fmt.Errorf("dial %s: %w", address, errRefused)
	}
	n.links[l] = true
	n.wg.Go(func() { l.carry(a, b, true) })
	n.wg.Go(func() { l.carry(b, a, false) })
	return &simConn{near, h.addr}, nil
}

// simConn has addresses as TCP has.
type simConn struct {
	net.Conn
	addr net.Addr
}

func (c *simConn) LocalAddr() net.Addr  { return c.addr }
func (c *simConn) RemoteAddr() net.Addr { return c.addr }

// simLink is one connection.
type simLink struct {
	n      *simNet
	host   *simHost
	client *simClient
	a, b   net.Conn      // towards the client, towards the host
	late   time.Duration // of what the host gets after the client's death
}

// packet is what one read brought, and when the other end is to have it.
type packet struct {
	data []byte
	at   time.Time
}

// carry brings bytes from one end to the other. It always takes what is sent, so that no
// sender waits for pretended time with a lock in its hands. A request that was on its way
// when the client died arrives all the same.
func (l *simLink) carry(from, to net.Conn, up bool) {
	queue := make(chan packet, 1<<14)
	l.n.wg.Go(func() { l.deliver(queue, to, up) })
	buf := make([]byte, 256<<10)
	var last time.Time
	for i := 0; ; i++ {
		n, err := from.Read(buf)
		if n > 0 {
			at := time.Now()
			if i >= greeting {
				at = at.Add(l.delay())
			}
			if at.Before(last) {
				at = last
			}
			last = at
			queue <- packet{append([]byte(nil), buf[:n]...), at}
		}
		if err != nil {
			break
		}
	}
	close(queue)
}

// greeting is how many packets pass without a delay: sarama holds a lock, for which others
// wait, until a broker has told its versions, and pretended time stands still meanwhile.
const greeting = 4

func (l *simLink) delay() time.Duration {
	if l.n.pace > 0 {
		return l.n.pace
	}
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	if l.n.rnd.IntN(200) == 0 {
		return time.Duration(l.n.rnd.IntN(400)) * time.Millisecond
	}
	return time.Duration(l.n.rnd.IntN(4000)) * time.Microsecond
}

// deliver hands packets over when their time has come.
func (l *simLink) deliver(queue <-chan packet, to net.Conn, up bool) {
	late, n := false, 0
	for p := range queue {
		if d := time.Until(p.at); d > 0 {
			time.Sleep(d) // time is pretended here
		}
		for n++; n > greeting && l.n.mute.Load(); {
			time.Sleep(10 * time.Millisecond)
		}
		l.n.mu.Lock()
		dead := l.client.dead
		l.n.mu.Unlock()
		if dead && !late {
			late = true
			time.Sleep(l.late)
		}
		if dead && !up {
			continue
		}
		if _, err := to.Write(p.data); err != nil {
			break
		}
	}
	_ = to.Close()
	for range queue { // until the sender has noticed
	}
	l.n.mu.Lock()
	delete(l.n.links, l)
	l.n.mu.Unlock()
}

// kill cuts all connections of a client, for ever.
func (c *simClient) kill() {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	c.dead = true
	for l := range c.n.links {
		if l.client == c {
			_ = l.a.Close()
		}
	}
}

// cut ends the connections of a host, or of all.
func (n *simNet) cut(address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for l := range n.links {
		if address == "" || l.host.addr.String() == address {
			_, _ = l.a.Close(), l.b.Close()
		}
	}
}

// away makes a host refuse connections, or take them again.
func (n *simNet) away(address string, away bool) {
	n.mu.Lock()
	if h := n.hosts[address]; h != nil {
		h.away = away
	}
	n.mu.Unlock()
	if away {
		n.cut(address)
	}
}
