package consumer

import (
	"context"
	"encoding/binary"
	"errors"
	"runtime"
	"sync"
)

// Decompression costs three quarters of the reading of a zstd topic. What is fetched
// waits in a queue anyway, so other goroutines decompress its batches meanwhile.
const (
	aheadLeast   = 8 << 10 // compressed bytes from which on a batch is worth the hand-over
	aheadMost    = 2 << 20 // decompressed bytes that wait for their turn
	aheadHelpers = 2       // goroutines beside that of Next, at most
)

// aheadState is where a compressed batch is on its way to Next:
//
//	packed ──▶ working ──▶ ready ──▶ taken
//	   │          └──────▶ large ──────▲    (more than may wait: its turn decompresses it)
//	   └───────────────────────────────┘    (its turn came first)
type aheadState uint8

const (
	packed aheadState = iota
	working
	ready
	large
	taken
)

// aheadBatch is a compressed batch that may be decompressed before its turn. Its fields
// are guarded by ahead.mu, but raw and out while a goroutine works.
type aheadBatch struct {
	raw   []byte // the whole batch, in the response
	state aheadState
	out   []byte // when ready
	err   error  // when ready: checksum or compression
}

// ahead decompresses the batches of a queue in their order, a bounded number of bytes
// before their turns. The goroutine whose turn it is never waits while there is
// something that it could decompress itself.
type ahead struct {
	pool  *bufferPool
	least int // compressed bytes from which on a batch is taken
	most  int // decompressed bytes that wait for their turn, and of one batch

	mu     sync.Mutex
	moved  sync.Cond     // something can be worked on, is ready, or nothing ever will be
	list   []*aheadBatch // by turn
	first  int           // of list: none before is packed
	waits  int           // bytes that are ready
	closed bool
}

// decompressAhead lets batches be decompressed before their turn, within a small part of
// the memory (bytes), where there is another processor for it.
func (s *decodeBuffers) decompressAhead(memory int64) {
	if runtime.GOMAXPROCS(0) < 2 {
		return
	}
	a := &ahead{pool: s.pool, least: aheadLeast, most: int(min(aheadMost, memory/16))}
	a.moved.L = &a.mu
	s.ahead, s.helper.most = a, a.most
}

// start starts helpers for the processors that there are; see serve.
func (a *ahead) start(ctx context.Context, wg *sync.WaitGroup) {
	if a != nil {
		a.serve(ctx, wg, min(runtime.GOMAXPROCS(0)-1, aheadHelpers))
	}
}

// serve starts helpers, which end with ctx and are waited for with wg.
func (a *ahead) serve(ctx context.Context, wg *sync.WaitGroup, helpers int) {
	for range helpers {
		wg.Go(a.help)
	}
	wg.Go(func() {
		<-ctx.Done()
		a.mu.Lock()
		defer a.mu.Unlock()
		a.closed = true
		a.moved.Broadcast()
	})
}

// help decompresses until nothing will be wanted any more.
func (a *ahead) help() {
	in := inflater{most: a.most}
	a.mu.Lock()
	defer a.mu.Unlock()
	for !a.closed {
		if !a.work(&in) {
			a.moved.Wait()
		}
	}
}

// work decompresses the first batch that waits for it, and reports whether there was
// one and room for it. The caller holds a.mu.
func (a *ahead) work(in *inflater) bool {
	for a.first < len(a.list) && a.list[a.first].state != packed {
		a.first++
	}
	if a.first == len(a.list) || a.waits >= a.most {
		return false
	}
	a.inflate(a.list[a.first], in)
	return true
}

// inflate decompresses a batch. The caller holds a.mu, which is let go of meanwhile.
func (a *ahead) inflate(b *aheadBatch, in *inflater) {
	b.state = working
	a.mu.Unlock()
	var out []byte
	err := checkCRC(b.raw)
	if err == nil {
		out, err = in.inflate(codecOf(b.raw), a.pool.get(in.usual()), b.raw[batchHeaderSize:])
	}
	if err != nil {
		a.pool.put(out)
		out = nil
	}
	a.mu.Lock()
	b.state, b.out, b.err = ready, out, err
	if errors.Is(err, errInflated) {
		b.state, b.err = large, nil
	}
	a.waits += cap(out)
	a.moved.Broadcast()
}

// add notes the batches of data that are worth it, and returns them by turn. ours says
// of a batch whether its records are wanted.
func (a *ahead) add(data []byte, ours func(h *batchHeader) bool) []*aheadBatch {
	if a == nil {
		return nil
	}
	var out []*aheadBatch
	for len(data) > batchHeaderSize {
		size := int(binary.BigEndian.Uint32(data[8:])) + batchLengthEnd
		if size > len(data) { // spanOf has seen that it is whole
			break
		}
		if size >= a.least && data[magicAt] >= 2 && codecOf(data) != 0 {
			if h, err := parseBatchHeader(data); err == nil && h.count > 0 && !h.control() && ours(&h) {
				out = append(out, &aheadBatch{raw: data[:size]})
			}
		}
		data = data[size:]
	}
	if len(out) > 0 {
		a.mu.Lock()
		a.list = append(a.list, out...)
		a.moved.Broadcast()
		a.mu.Unlock()
	}
	return out
}

// take gives the batch to the goroutine whose turn it is, which decompresses it, or
// others while it must wait, with in. ok is false where the batch is too large for that.
func (a *ahead) take(b *aheadBatch, in *inflater) (out []byte, ok bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for b.state == packed || b.state == working {
		if b.state == packed {
			a.inflate(b, in)
		} else if !a.work(in) {
			a.moved.Wait()
		}
	}
	out, ok, err = b.out, b.state == ready, b.err
	a.drop(b)
	return out, ok, err
}

// discard forgets a batch that nobody wants, and waits until no goroutine reads it: the
// response that it stands in is used again.
func (a *ahead) discard(b *aheadBatch) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for b.state == working {
		a.moved.Wait()
	}
	a.pool.put(b.out)
	a.drop(b)
}

// drop takes a batch off the list. The caller holds a.mu.
func (a *ahead) drop(b *aheadBatch) {
	a.waits -= cap(b.out)
	b.state, b.out, b.raw = taken, nil, nil
	for len(a.list) > 0 && a.list[0].state == taken {
		a.list[0] = nil
		a.list = a.list[1:]
		a.first = max(a.first-1, 0)
	}
	a.moved.Broadcast()
}

// codecOf is the compression of the batch at the head of b.
func codecOf(b []byte) int { return int(b[attributesAt+1] & attrCodec) }
