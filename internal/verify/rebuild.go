package verify

import (
	"context"
	"errors"
	"fmt"
	"io"

	"logctl/agent/tail"
)

// States returns the positions of a log as the topics tell them: of each generation that
// is here, behind the records that arrived without a gap from the first one on. With
// rules that change lines it is before the last record, whose end is not known then.
//
// A file system that does not answer is an error: Patience says how long it is waited for.
func (c *Comparison) States(ctx context.Context, log Log) ([]tail.State, error) {
	var out []tail.State
	used := map[Key]bool{}
	names, err := c.family(ctx, log.Path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", log.Path, err)
	}
	for _, name := range names {
		st, err := c.state(ctx, log, name, used)
		if err != nil {
			return nil, err
		}
		if st != nil {
			out = append(out, *st)
		}
	}
	return out, nil
}

func (c *Comparison) state(ctx context.Context, log Log, name string, used map[Key]bool) (out *tail.State, err error) {
	o, err := c.patience.open(ctx, name)
	if errors.Is(err, errHangs) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err != nil {
		return nil, nil // it is gone, or may not be read: nothing is known of it then
	}
	defer func() {
		if !errors.Is(err, errHangs) {
			o.close()
		}
	}()
	f := o.f
	if !o.st.Mode().IsRegular() {
		return nil, nil
	}
	src, done, err := tail.Plain(f, o.st.Size())
	if err != nil {
		return nil, nil // compressed and damaged
	}
	done()
	if _, plain := src.(io.ReaderAt); !plain {
		return nil, nil // a compressed one has no position of its own
	}
	g, err := c.match(ctx, log, o, used)
	if g == nil || err != nil {
		return nil, err
	}
	used[g.Key] = true
	id, err := tail.ParseShort(g.File)
	if err != nil {
		return nil, err
	}
	pos := g.Last.Pos
	if !log.Ruled {
		pos = g.runs[0].To
		end := make([]byte, newlineMost)
		n, err := f.ReadAt(end, pos)
		if err != nil && err != io.EOF {
			return nil, err
		}
		for _, b := range end[:n] {
			if pos++; b == '\n' {
				break
			}
			if b != '\r' { // a part of a line that is longer
				pos--
				break
			}
		}
	}
	st, err := tail.StateAt(f, id, g.Path, pos)
	if err != nil {
		return nil, err
	}
	return &st, nil
}
