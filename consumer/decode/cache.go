package decode

import (
	"math"
	"time"
)

// maxCached is how many schemas, and failures to get one, are kept at once. Whoever writes
// records can name as many as he likes.
const maxCached = 500

// schemaCache keeps what was made of schemas. What is least used goes when they are too
// many or too large.
type schemaCache[T any] struct {
	known map[schemaRef]*schemaEntry[T]
	size  int   // bytes of their texts
	now   int64 // uses so far
}

type schemaEntry[T any] struct {
	schema T
	err    error
	until  time.Time // err holds until then
	size   int       // of the text it was made of, bytes
	used   int64     // when it was used last, of schemaCache.now
}

// get returns the schema, made by load when it is not known. load returns the size of its
// text too; all that are kept have no more than most bytes. A failure is kept for a
// while, so that a dead registry is not asked for each record.
func (c *schemaCache[T]) get(ref schemaRef, most int, load func() (T, int, error)) (T, error) {
	c.now++
	if e, ok := c.known[ref]; ok && (e.err == nil || time.Now().Before(e.until)) {
		e.used = c.now
		return e.schema, e.err
	}
	s, size, err := load()
	if c.known == nil {
		c.known = map[schemaRef]*schemaEntry[T]{}
	}
	c.drop(ref)
	for len(c.known) > 0 && (len(c.known) >= maxCached || c.size+size > most) {
		c.drop(c.oldest())
	}
	c.known[ref] = &schemaEntry[T]{schema: s, err: err, until: time.Now().Add(registryRetry), size: size, used: c.now}
	c.size += size
	return s, err
}

func (c *schemaCache[T]) drop(ref schemaRef) {
	if e, ok := c.known[ref]; ok {
		c.size -= e.size
		delete(c.known, ref)
	}
}

// oldest is the schema that was not used for longest.
func (c *schemaCache[T]) oldest() (ref schemaRef) {
	used := int64(math.MaxInt64)
	for r, e := range c.known {
		if e.used < used {
			ref, used = r, e.used
		}
	}
	return ref
}
