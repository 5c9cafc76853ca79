package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"logctl/agent/tail"
)

// A file system may hang: the server of a network file system is away, or the program
// behind a mount stands still. A call to such a file system does not return, and nothing
// ends the call. So each call is made in a goroutine of its own, and waited for as long as
// patience lasts. What hangs is left to the end of the process, together with the
// descriptor that it uses.

// Patience is how long one call to a file system is waited for. Each call that hangs halves
// it for those that follow, to no less than a second, so that many files of a mount that
// hangs do not take an hour.
const (
	Patience      = 30 * time.Second
	patienceLeast = time.Second
)

// errHangs says that a file system did not answer.
var errHangs = errors.New("its file system does not answer")

// disk is how the files of a host are reached.
type disk interface {
	family(path string) []string
	stat(name string) (fs.FileInfo, error)
	open(name string) (*os.File, error)
	plain(f *os.File, size int64) (io.Reader, func(), error)
}

// host is the disk of this host.
type host struct{}

func (host) family(path string) []string           { return tail.Family(path) }
func (host) stat(name string) (fs.FileInfo, error) { return os.Stat(name) }
func (host) open(name string) (*os.File, error)    { return tail.OpenRegular(name, nil) }
func (host) plain(f *os.File, size int64) (io.Reader, func(), error) {
	return tail.Plain(f, size)
}

// patience is what is left of it, and where it was lost. The zero value is fresh.
type patience struct {
	disk  disk // nil: host
	hangs int
	at    map[string]bool // directories of files that hung
}

func (p *patience) files() disk {
	if p.disk == nil {
		return host{}
	}
	return p.disk
}

// left is how long the next call is waited for.
func (p *patience) left() time.Duration {
	return max(patienceLeast, Patience>>min(p.hangs, 10))
}

// lost notes a call for the name that did not return, and says so.
func (p *patience) lost(name string, after time.Duration) error {
	p.hangs++
	if p.at == nil {
		p.at = map[string]bool{}
	}
	p.at[filepath.Dir(name)] = true
	return fmt.Errorf("%w: nothing came within %v", errHangs, after)
}

// call makes a call for a name, in a directory where none has hung so far. late takes what
// comes when nobody waits any more.
func call[T any](ctx context.Context, p *patience, name string, f func() (T, error), late func(T)) (T, error) {
	var none T
	if p.at[filepath.Dir(name)] {
		return none, fmt.Errorf("%w: another file beside it hung", errHangs)
	}
	type answer struct {
		v   T
		err error
	}
	came, left := make(chan answer), make(chan struct{})
	go func() {
		v, err := f()
		select {
		case came <- answer{v, err}:
		case <-left:
			if err == nil && late != nil {
				late(v)
			}
		}
	}()
	most := p.left()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case a := <-came:
		return a.v, a.err
	case <-timer.C:
		close(left)
		return none, p.lost(name, most)
	case <-ctx.Done():
		close(left)
		return none, ctx.Err()
	}
}

// opened is a file that is compared.
type opened struct {
	name     string
	f        *os.File
	st       fs.FileInfo
	dev, ino uint64
}

func (o *opened) close() { _ = o.f.Close() } // it was only read

func (p *patience) open(ctx context.Context, name string) (*opened, error) {
	files := p.files()
	return call(ctx, p, name, func() (*opened, error) {
		f, err := files.open(name)
		if err != nil {
			return nil, err
		}
		st, err := f.Stat()
		if err != nil {
			_ = f.Close()
			return nil, err
		}
		dev, ino := tail.Inode(f)
		return &opened{name, f, st, dev, ino}, nil
	}, (*opened).close)
}

// pieceSize is how many bytes of a file are read at once.
const pieceSize = 256 << 10

// piece is what was read at once: b is a part of buf.
type piece struct {
	buf, b []byte
	err    error
}

// pieces are the plain bytes of a file, read ahead by one piece. It is for one goroutine.
type pieces struct {
	ctx   context.Context
	p     *patience
	name  string
	come  chan piece
	free  chan []byte
	stop  chan struct{}
	last  []byte // the buffer that rest is a part of
	rest  []byte
	err   error // behind rest
	timer *time.Timer
}

// read begins to read a file at a position of its plain bytes. close ends it.
func (p *patience) read(ctx context.Context, o *opened, from int64) *pieces {
	r := &pieces{
		ctx: ctx, p: p, name: o.name, come: make(chan piece), free: make(chan []byte, 2), stop: make(chan struct{}),
		timer: time.NewTimer(time.Hour),
	}
	r.free <- make([]byte, pieceSize)
	r.free <- make([]byte, pieceSize)
	go r.run(p.files(), o, from)
	return r
}

func (r *pieces) run(files disk, o *opened, from int64) {
	defer close(r.come)
	size := o.st.Size()
	src, done, err := files.plain(o.f, size)
	if err != nil {
		r.give(piece{err: err})
		return
	}
	defer done()
	if ra, ok := src.(io.ReaderAt); ok {
		src, from = io.NewSectionReader(ra, from, max(0, size-from)), 0
	}
	for {
		var b []byte
		select {
		case b = <-r.free:
		case <-r.stop:
			return
		}
		n, err := src.Read(b)
		skip := min(from, int64(n))
		from -= skip
		if !r.give(piece{b, b[skip:n], err}) || err != nil {
			return
		}
	}
}

// give hands a piece over. false: nobody wants it.
func (r *pieces) give(p piece) bool {
	select {
	case r.come <- p:
		return true
	case <-r.stop:
		return false
	}
}

// next returns up to n bytes, which stand until the next call; io.EOF behind the last ones.
func (r *pieces) next(n int64) ([]byte, error) {
	for len(r.rest) == 0 && r.err == nil {
		if r.last != nil {
			r.free <- r.last
			r.last = nil
		}
		most := r.p.left()
		r.timer.Reset(most)
		select {
		case p, more := <-r.come:
			if r.last, r.rest, r.err = p.buf, p.b, p.err; !more {
				r.err = io.ErrUnexpectedEOF // never: who closes the channel has given an error before
			}
		case <-r.timer.C:
			r.err = r.p.lost(r.name, most)
		case <-r.ctx.Done():
			r.err = r.ctx.Err()
		}
	}
	if len(r.rest) == 0 {
		return nil, r.err
	}
	b := r.rest[:min(n, int64(len(r.rest)))]
	r.rest = r.rest[len(b):]
	return b, nil
}

// close ends the reading, and waits until the file is not used any more. false: it is, for its
// file system hangs.
func (r *pieces) close() bool {
	close(r.stop)
	defer r.timer.Stop()
	if errors.Is(r.err, errHangs) {
		return false
	}
	r.timer.Reset(patienceLeast)
	for {
		select {
		case _, more := <-r.come:
			if !more {
				return true
			}
		case <-r.timer.C:
			return false
		}
	}
}

// reading reads a file from a position of its plain bytes on. Of an error that errHangs is
// in, the file may still be used.
func (p *patience) reading(ctx context.Context, o *opened, from int64, with func(*pieces) error) error {
	r := p.read(ctx, o, from)
	err := with(r)
	if !r.close() && !errors.Is(err, errHangs) {
		err = errors.Join(err, p.lost(o.name, patienceLeast))
	}
	return err
}
