package consumer

import "context"

// Values is what one call of AppendValues came by.
type Values struct {
	Kept   int   // values appended
	Passed int   // values that keep did not want
	Bytes  int64 // of the values appended, what stands behind them not counted
}

// Wanted says which values AppendValues appends and what stands behind each.
type Wanted struct {
	Keep      func(value []byte) bool // nil: all; value is nil for null, and must not be held on to
	Separator string                  // behind each value
	Limit     int                     // bytes of dst from which on no more is appended; a first value always is
}

// AppendValues is Next for a caller who wants nothing of the records but their values,
// in no other order than they come: it appends them to dst, which costs a third of what
// a Record takes. It waits for the first value as long as it takes and for no second
// one, and returns early when Keep wants none of a great many. Headers are not looked
// at. The errors are those of Next. With Config.Sort nothing is saved.
func (r *Reader) AppendValues(ctx context.Context, dst []byte, w Wanted) ([]byte, Values, error) {
	v := walk{Wanted: w}
	if r.merge != nil {
		batch, err := r.Next(ctx)
		for i := range batch {
			dst = v.take(dst, batch[i].Value)
		}
		return dst, v.Values, err
	}
	r.attend(true)
	defer r.attend(false)
	r.recycle()
	v.Limit = max(v.Limit, len(dst)+1)
	for {
		var got supply
		dst, got = r.fillValues(dst, &v)
		switch {
		case v.records > 0:
			return dst, v.Values, nil
		case got == exhausted:
			return dst, v.Values, r.endError()
		case got == filled && ctx.Err() == nil:
			continue // there is more, of which nobody will tell again
		}
		select {
		case <-r.ready:
		case <-ctx.Done():
			return dst, v.Values, context.Cause(ctx)
		}
	}
}

// fillValues appends the values of what has been fetched. A chunk gives its memory back
// as soon as it is used up, because nothing points into it.
func (r *Reader) fillValues(dst []byte, v *walk) ([]byte, supply) {
	defer r.tellSkips()
	for chunks := 0; len(dst) < v.Limit && chunks < maxChunks; chunks++ {
		c, ended := r.take()
		if c == nil {
			return dst, supplyOf(ended)
		}
		before := v.records
		v.size, v.offset = 0, -1
		var done bool
		dst, done = c.values(dst, v)
		r.mu.Lock()
		r.endHere(c)
		if n := v.records - before; n > 0 {
			c.p.records += uint64(n)
			c.p.bytes += uint64(v.size)
		}
		if v.offset >= 0 {
			c.p.delivered, c.p.lastAt = max(c.p.delivered, v.offset+1), v.at
		}
		if done {
			c.p.delivered = max(c.p.delivered, min(c.after, c.p.end))
			r.current = nil
			r.release(c)
			r.wakeFetchers()
		}
		r.mu.Unlock()
	}
	return dst, filled
}

// maxChunks bounds what one call of AppendValues looks at, so that a caller whose Keep
// wants nothing has a say now and then.
const maxChunks = 16
