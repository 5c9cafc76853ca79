package packed

import (
	"archive/zip"
	"bufio"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/therootcompany/xz"
)

// Bounds of a Reader.
const (
	MaxWindow = 128 << 20 // bytes of history of zstd; xz may use half of them
	MaxRatio  = 2000      // plain bytes for a compressed one,
	MaxGrace  = 64 << 20  // beyond so many plain bytes
)

// What can be wrong with a compressed file. Errors of a Reader wrap one of these.
var (
	ErrCut         = errors.New("compressed file ends too early")
	ErrCorrupt     = errors.New("compressed file is corrupt")
	ErrBomb        = errors.New("compressed file is refused: it would grow out of all proportion")
	ErrUnsupported = errors.New("compressed file is in a format that is not read")
)

// Reader reads the plain content of a compressed file from its beginning.
type Reader struct {
	kind  Kind
	in    *counter
	out   io.Reader
	close func()
	pos   int64
	err   error
}

// counter counts the bytes of a compressed file that were read.
type counter struct {
	r   io.Reader
	n   int64
	end bool
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	c.end = c.end || errors.Is(err, io.EOF)
	return n, err
}

// Open begins to read a compressed file that has size bytes now. The caller keeps
// r open until Close. The errors are ErrUnsupported and, of a file whose very
// beginning is missing or wrong, ErrCut and ErrCorrupt.
func Open(r io.ReaderAt, size int64) (*Reader, error) {
	var head [SniffLen]byte
	n, err := r.ReadAt(head[:min(size, SniffLen)], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	p := &Reader{kind: Sniff(head[:n]), in: &counter{r: io.NewSectionReader(r, 0, size)}, close: func() {}}
	if !p.kind.Readable() {
		return nil, fmt.Errorf("%w: %s", ErrUnsupported, p.kind)
	}
	if err := p.open(r, size); err != nil {
		return nil, p.wrong(err)
	}
	return p, nil
}

func (p *Reader) open(r io.ReaderAt, size int64) error {
	in := bufio.NewReaderSize(p.in, 64<<10)
	switch p.kind {
	case Gzip:
		z, err := gzip.NewReader(in)
		p.out = z
		return err
	case Zstd:
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(MaxWindow), zstd.WithDecoderMaxMemory(1<<40))
		if err != nil {
			return err
		}
		p.out, p.close = z, z.Close
	case XZ:
		z, err := xz.NewReader(in, MaxWindow/2)
		p.out = z
		return err
	case Bzip2:
		p.out = bzip2.NewReader(in)
	case LZ4:
		p.out = lz4.NewReader(in)
	case Zip:
		return p.openZip(r, size)
	}
	return nil
}

// openZip reads the files of an archive one after the other.
func (p *Reader) openZip(r io.ReaderAt, size int64) error {
	z, err := zip.NewReader(&countedAt{r, p.in}, size)
	if err != nil {
		p.in.end = errors.Is(err, zip.ErrFormat) // its directory is at the end
		return err
	}
	p.out = &zipFiles{files: z.File}
	return nil
}

// countedAt lets a counter count what is read by position.
type countedAt struct {
	r io.ReaderAt
	c *counter
}

func (a *countedAt) ReadAt(b []byte, off int64) (int, error) {
	n, err := a.r.ReadAt(b, off)
	a.c.n += int64(n)
	return n, err
}

// zipFiles is the content of all files of an archive.
type zipFiles struct {
	files []*zip.File
	cur   io.ReadCloser
}

func (z *zipFiles) Read(b []byte) (int, error) {
	for {
		if z.cur == nil {
			if len(z.files) == 0 {
				return 0, io.EOF
			}
			f := z.files[0]
			z.files = z.files[1:]
			if !f.Mode().IsRegular() {
				continue
			}
			cur, err := f.Open()
			if err != nil {
				return 0, err
			}
			z.cur = cur
		}
		n, err := z.cur.Read(b)
		if !errors.Is(err, io.EOF) {
			return n, err
		}
		if err := z.cur.Close(); err != nil {
			return n, err
		}
		z.cur = nil
		if n > 0 {
			return n, nil
		}
	}
}

// Kind returns the format.
func (p *Reader) Kind() Kind { return p.kind }

// Pos returns how many plain bytes were read.
func (p *Reader) Pos() int64 { return p.pos }

// Taken returns how many bytes of the compressed file were read.
func (p *Reader) Taken() int64 { return p.in.n }

// Read reads the next plain bytes. io.EOF is returned at the end of a file that is
// whole.
func (p *Reader) Read(b []byte) (int, error) {
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.out.Read(b)
	p.pos += int64(n)
	switch {
	case err != nil:
		p.err = p.wrong(err)
	case p.pos > MaxGrace && p.pos/MaxRatio > p.in.n:
		p.err = fmt.Errorf("%w: %d bytes of %s became more than %d", ErrBomb, p.in.n, p.kind, p.pos)
	}
	if n > 0 {
		return n, nil // the error comes with the next call
	}
	return 0, p.err
}

// Skip reads up to the plain byte at pos, which must not be before Pos. The error
// is io.EOF when the content ends before.
func (p *Reader) Skip(pos int64, buf []byte) error {
	for p.pos < pos {
		if _, err := p.Read(buf[:min(int64(len(buf)), pos-p.pos)]); err != nil {
			return err
		}
	}
	return nil
}

// Close frees what the Reader holds. The file stays open.
func (p *Reader) Close() {
	p.close()
	p.close, p.out = func() {}, nil
	if p.err == nil {
		p.err = errors.New("compressed file was closed")
	}
}

// wrong says in our words what is wrong.
func (p *Reader) wrong(err error) error {
	switch {
	case errors.Is(err, io.EOF) && p.out != nil:
		return io.EOF
	case errors.Is(err, xz.ErrMemlimit), errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fmt.Errorf("%w: it needs more memory than %d MiB (%s)", ErrBomb, MaxWindow>>20, p.kind)
	case errors.Is(err, zip.ErrAlgorithm), errors.Is(err, xz.ErrOptions), errors.Is(err, xz.ErrUnsupportedCheck):
		return fmt.Errorf("%w: %s: %w", ErrUnsupported, p.kind, err)
	case errors.Is(err, io.ErrUnexpectedEOF), p.in.end:
		return fmt.Errorf("%w (%s, after %d plain bytes)", ErrCut, p.kind, p.pos)
	}
	return fmt.Errorf("%w (%s, after %d plain bytes): %w", ErrCorrupt, p.kind, p.pos, err)
}
