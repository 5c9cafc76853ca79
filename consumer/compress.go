package consumer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy/xerial"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// maxInflated bounds one decompressed batch unless configured, so that a small malicious
// one cannot take all memory. A buffer that grows is copied: for a moment there are
// three times as many bytes.
const maxInflated = DefaultMaxMemory / 4

var errInflated = errors.New("batch is too large when decompressed: --max-memory is four times what a batch may have")

// inflater decompresses batches, one at a time, keeping its decoders.
type inflater struct {
	gzip *gzip.Reader
	lz4  *lz4.Reader
	zstd *zstd.Decoder
	src  bytes.Reader
	most int // bytes of one decompressed batch; 0: maxInflated
	size int // of what was decompressed last
}

// usual is the room that a decompressed batch is expected to take, bytes.
func (f *inflater) usual() int { return min(f.size+f.size/16, 1<<20) }

func (f *inflater) limit() int {
	if f.most > 0 {
		return f.most
	}
	return maxInflated
}

// inflate puts the decompressed bytes of src into dst, or into more memory.
func (f *inflater) inflate(codec int, dst, src []byte) ([]byte, error) {
	out, err := f.unpack(codec, dst[:0], src)
	f.size = len(out)
	return out, err
}

func (f *inflater) unpack(codec int, dst, src []byte) ([]byte, error) {
	f.src.Reset(src)
	switch codec {
	case 1:
		if f.gzip == nil {
			f.gzip = new(gzip.Reader)
		}
		if err := f.gzip.Reset(&f.src); err != nil {
			return dst, fmt.Errorf("gzip: %w", err)
		}
		return readInto(dst, f.gzip, f.limit(), "gzip")
	case 2:
		return inflateSnappy(dst, src, f.limit())
	case 3:
		if f.lz4 == nil {
			f.lz4 = lz4.NewReader(nil)
		}
		f.lz4.Reset(&f.src)
		return readInto(dst, f.lz4, f.limit(), "lz4")
	case 4:
		return f.inflateZstd(dst, src)
	}
	return dst, fmt.Errorf("unknown compression %d", codec)
}

// snappyRatio is more than the bytes that one of snappy can become: three of them copy 64 at
// most. A block that says more says what is not so, and gets no memory for that.
const snappyRatio = 32

// errSnappyLength is of a block that says it has more bytes than it can have.
var errSnappyLength = errors.New("a length that its bytes cannot have")

func inflateSnappy(dst, src []byte, limit int) ([]byte, error) {
	can := snappyRatio*len(src) + 4<<10
	tooMuch := errInflated
	if can < limit {
		limit, tooMuch = can, fmt.Errorf("snappy: %w", errSnappyLength)
	}
	dst = grow(dst, min(max(4*len(src), 4<<10), limit))
	for {
		out, err := xerial.DecodeCapped(dst[:len(dst):cap(dst)], src)
		if err == nil {
			return out, nil
		}
		if !errors.Is(err, xerial.ErrDstTooSmall) {
			return dst, fmt.Errorf("snappy: %w", err)
		}
		if cap(dst) >= limit {
			return dst, tooMuch
		}
		dst = grow(dst[:0], min(2*cap(dst), limit))
	}
}

func (f *inflater) inflateZstd(dst, src []byte) ([]byte, error) {
	if f.zstd == nil {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(uint64(f.limit())))
		if err != nil {
			return dst, fmt.Errorf("zstd: %w", err)
		}
		f.zstd = d
	}
	out, err := f.zstd.DecodeAll(src, dst)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return dst, errInflated
	}
	if err != nil {
		return dst, fmt.Errorf("zstd: %w", err)
	}
	return out, nil
}

// readInto appends all of r to dst, up to a limit.
func readInto(dst []byte, r io.Reader, limit int, name string) ([]byte, error) {
	for empty := 0; ; {
		if len(dst) > limit {
			return dst, errInflated
		}
		if len(dst) == cap(dst) {
			dst = grow(dst, min(max(64<<10, cap(dst)), limit+1-len(dst)+1))
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if errors.Is(err, io.EOF) {
			return dst, nil
		}
		if empty++; n > 0 {
			empty = 0
		}
		if err == nil && empty > 100 { // damaged data, of which a reader makes nothing for ever
			err = io.ErrNoProgress
		}
		if err != nil {
			return dst, fmt.Errorf("%s: %w", name, err)
		}
	}
}

// grow gives dst room for n more bytes.
func grow(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	out := make([]byte, len(dst), len(dst)+n)
	copy(out, dst)
	return out
}

// setBounds sets what records and decompressed batches may take, bytes; see Config.
func (s *decodeBuffers) setBounds(record, memory int64) {
	if memory <= 0 {
		memory = DefaultMaxMemory
	}
	if record <= 0 {
		record = DefaultMaxRecord
	}
	s.maxRecord, s.maxHeld = record, int(memory/4)
	s.inflater.most = int(memory / 4)
}

// bufferPool hands out byte slices for decompressed batches and fetch responses.
type bufferPool struct {
	mu   sync.Mutex
	free [][]byte
	size int // of free, bytes
	keep int // slices kept at most
	most int // bytes kept at most; 0: no bound
}

// maxPooled is the largest slice that is kept for reuse: a huge record must not
// hold its memory for the rest of the run.
const maxPooled = 8 << 20

// get returns an empty slice with room for n bytes when one is at hand.
func (p *bufferPool) get(n int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	best := -1
	for i, b := range p.free {
		if cap(b) >= n && (best < 0 || cap(b) < cap(p.free[best])) {
			best = i
		}
	}
	if best < 0 {
		if n == 0 {
			return nil
		}
		return make([]byte, 0, n)
	}
	b := p.free[best]
	last := len(p.free) - 1
	p.free[best] = p.free[last]
	p.free[last] = nil
	p.free = p.free[:last]
	p.size -= cap(b)
	return b[:0]
}

// put takes back a slice that nobody uses any more.
func (p *bufferPool) put(b []byte) {
	if cap(b) == 0 || cap(b) > maxPooled {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) < p.keep && (p.most == 0 || p.size+cap(b) <= p.most) {
		p.free = append(p.free, b)
		p.size += cap(b)
	}
}
