package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"logctl/internal/kafka"
)

// requestTimeout bounds one metadata or offset request with its connecting.
const requestTimeout = 10 * time.Second

// cluster asks the brokers about topics, leaders and offsets. It is used by one
// goroutine at a time.
type cluster struct {
	cfg     *sarama.Config
	seeds   []string
	brokers map[int32]string // addresses by broker id, as of the last metadata
	log     *slog.Logger
	wait    time.Duration // of one request with its connecting, at most

	mu    sync.Mutex // leaders are asked for offsets side by side
	conns map[string]*kafka.Conn
}

func newCluster(cfg kafka.Config, log *slog.Logger, wait time.Duration) (*cluster, error) {
	sc, err := cfg.Sarama()
	if err != nil {
		return nil, err
	}
	c := &cluster{cfg: sc, brokers: map[int32]string{}, conns: map[string]*kafka.Conn{}, log: log, wait: min(wait, requestTimeout)}
	for _, list := range cfg.Addresses {
		for addr := range strings.SplitSeq(list, ",") {
			if addr = strings.TrimSpace(addr); addr == "" {
				continue
			}
			if _, _, err := net.SplitHostPort(addr); err != nil {
				addr = net.JoinHostPort(strings.Trim(addr, "[]"), kafka.DefaultPort)
			}
			c.seeds = append(c.seeds, addr)
		}
	}
	return c, nil
}

func (c *cluster) close() {
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	clear(c.conns)
}

// call runs a request on a connection to addr, which is kept for the next one.
func (c *cluster) call(ctx context.Context, addr string, request func(*sarama.Broker) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.wait)
	defer cancel()
	conn := c.conn(addr)
	fresh := conn == nil
	for {
		if conn == nil {
			var err error
			if conn, err = kafka.Dial(ctx, c.cfg, addr); err != nil {
				return err
			}
			c.keep(addr, conn)
		}
		err := conn.Do(ctx, request)
		if err == nil {
			return nil
		}
		_ = conn.Close()
		c.keep(addr, nil)
		if fresh || ctx.Err() != nil {
			return err
		}
		conn, fresh = nil, true // the broker may have closed an idle connection: once more
	}
}

// conn returns the connection to addr that is kept, or nil.
func (c *cluster) conn(addr string) *kafka.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conns[addr]
}

// keep keeps a connection for the next request; nil forgets the one there was.
func (c *cluster) keep(addr string, conn *kafka.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn == nil {
		delete(c.conns, addr)
		return
	}
	c.conns[addr] = conn
}

// topicMeta is what the cluster says about a topic.
type topicMeta struct {
	name     string
	id       sarama.Uuid // zero: the broker gives none
	internal bool
	err      sarama.KError
	parts    []partMeta
}

type partMeta struct {
	id     int32
	leader int32 // -1: none
}

// metadata asks any broker about the named topics, or about all with nil, and
// learns the brokers' addresses.
func (c *cluster) metadata(ctx context.Context, names []string) ([]topicMeta, error) {
	addrs := make([]string, 0, len(c.brokers)+len(c.seeds))
	for _, a := range c.brokers {
		if c.conn(a) != nil {
			addrs = append(addrs, a)
		}
	}
	addrs = append(addrs, c.seeds...)
	for _, a := range c.brokers {
		if !slices.Contains(addrs, a) {
			addrs = append(addrs, a)
		}
	}
	var errs []error
	for _, addr := range addrs {
		var resp *sarama.MetadataResponse
		err := c.call(ctx, addr, func(b *sarama.Broker) (err error) {
			resp, err = kafka.AskMetadata(b, names)
			return err
		})
		if err != nil {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			errs = append(errs, err)
			continue
		}
		return c.learn(resp), nil
	}
	return nil, fmt.Errorf("no broker answers: %w", errors.Join(errs...))
}

func (c *cluster) learn(resp *sarama.MetadataResponse) []topicMeta {
	clear(c.brokers)
	for _, b := range resp.Brokers {
		c.brokers[b.ID()] = b.Addr()
	}
	topics := make([]topicMeta, 0, len(resp.Topics))
	for _, t := range resp.Topics {
		m := topicMeta{name: t.Name, id: t.Uuid, internal: t.IsInternal, err: t.Err}
		for _, p := range t.Partitions {
			leader := p.Leader
			if errors.Is(p.Err, sarama.ErrLeaderNotAvailable) {
				leader = -1
			}
			m.parts = append(m.parts, partMeta{id: p.ID, leader: leader})
		}
		slices.SortFunc(m.parts, func(a, b partMeta) int { return int(a.id - b.id) })
		topics = append(topics, m)
	}
	return topics
}

// The times that stand for the ends of a partition in an offset request.
const (
	timeNewest = -1
	timeOldest = -2
)

// topicPartition names a partition.
type topicPartition struct {
	topic string
	id    int32
}

// offsetQuery asks the leader of a partition for an offset: of the first record at
// or after a time (milliseconds), or of an end. The answer is -1 when every record
// is older.
type offsetQuery struct {
	topicPartition
	leader int32
	time   int64
	offset int64 // answer
	err    error // answer
}

// offsets answers the queries; a leader that cannot be asked is an error in its
// queries. Queries of one partition may be repeated with other times.
func (c *cluster) offsets(ctx context.Context, queries []*offsetQuery, isolation Isolation) error {
	pending := slices.Clone(queries)
	for len(pending) > 0 {
		// One request may ask for a partition once only.
		byLeader := map[int32][]*offsetQuery{}
		seen := map[topicPartition]bool{}
		var later []*offsetQuery
		for _, q := range pending {
			if seen[q.topicPartition] {
				later = append(later, q)
				continue
			}
			seen[q.topicPartition] = true
			byLeader[q.leader] = append(byLeader[q.leader], q)
		}
		var wg sync.WaitGroup // one that does not answer must not hold up the others
		for leader, qs := range byLeader {
			wg.Go(func() { c.askLeader(ctx, leader, qs, isolation) })
		}
		wg.Wait()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		pending = later
	}
	return nil
}

func (c *cluster) askLeader(ctx context.Context, leader int32, qs []*offsetQuery, isolation Isolation) {
	addr, ok := c.brokers[leader]
	if !ok {
		for _, q := range qs {
			q.err = errNoLeader
		}
		return
	}
	var resp *sarama.OffsetResponse
	err := c.call(ctx, addr, func(b *sarama.Broker) (err error) {
		req := sarama.NewOffsetRequest(sarama.V2_2_0_0)
		if isolation == ReadCommitted {
			req.IsolationLevel = sarama.ReadCommitted
		}
		for _, q := range qs {
			req.AddBlock(q.topic, q.id, q.time, 1)
		}
		resp, err = b.GetAvailableOffsets(req)
		return err
	})
	for _, q := range qs {
		if err != nil {
			q.err = err
			continue
		}
		block := resp.GetBlock(q.topic, q.id)
		switch {
		case block == nil:
			q.err = errors.New("the broker's answer lacks the partition")
		case !errors.Is(block.Err, sarama.ErrNoError):
			q.err = block.Err
		default:
			q.offset = block.Offset
		}
	}
}

var errNoLeader = errors.New("the partition has no leader now")
