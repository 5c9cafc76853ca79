package format

import (
	"fmt"
	"regexp"
	"time"

	"logctl/consumer"
	"logctl/internal/safe"
)

// Printer writes records one after another.
type Printer interface {
	// Append appends what is printed for the record to dst.
	Append(dst []byte, r *Record) []byte
	// Flush appends what was held back, at the end of a batch.
	Flush(dst []byte) []byte
}

// Record is a record to print. The decoded forms, when there are any, stand in
// place of the bytes of the record.
type Record struct {
	*consumer.Record
	Key, Value         []byte // what to print; nil: null
	KeyJSON, ValueJSON bool   // the form is JSON text
}

// Options are common to all printers.
type Options struct {
	Color     bool
	Escape    bool             // show control characters: the output is a terminal
	Location  *time.Location   // of printed times; nil: local
	Zone      bool             // text and table show the offset of the zone behind each time
	Topic     bool             // print the topic's name: there are several
	Headers   bool             // print headers in text and tables
	Highlight []*regexp.Regexp // marked in values when Color is set
	Separator string           // behind each record; "": a newline
	Joined    bool             // nothing behind each record; Separator is not used
	Width     int              // columns of the terminal for tables; 0: unlimited
}

// New returns the printer of that name: text, raw, json or table.
func New(name string, o Options) (Printer, error) {
	if o.Location == nil {
		o.Location = time.Local
	}
	switch {
	case o.Joined:
		o.Separator = ""
	case o.Separator == "":
		o.Separator = "\n"
	}
	switch name {
	case "", "text":
		return newText(o), nil
	case "raw":
		return &raw{o: o}, nil
	case "json":
		return &jsonPrinter{o: o}, nil
	case "table":
		return newTable(o), nil
	}
	return nil, fmt.Errorf("output %q: want text, raw, json or table", name)
}

// raw prints values and nothing else.
type raw struct{ o Options }

func (p *raw) Append(dst []byte, r *Record) []byte {
	if p.o.Escape {
		dst = safe.Append(dst, r.Value, true)
	} else {
		dst = append(dst, r.Value...)
	}
	return append(dst, p.o.Separator...)
}

func (p *raw) Flush(dst []byte) []byte { return dst }

// OnlyValues reports whether p prints the bytes of each value, what stands behind each,
// which it returns, and nothing else.
func OnlyValues(p Printer) (separator string, ok bool) {
	if r, is := p.(*raw); is && !r.o.Escape {
		return r.o.Separator, true
	}
	return "", false
}

// timeLayout is used by text and table; milliseconds are all that Kafka has.
const timeLayout = "2006-01-02T15:04:05.000"

// clockCache formats times quickly: the part down to the second is kept.
type clockCache struct {
	loc    *time.Location
	zone   bool // append the offset of the zone
	second int64
	text   []byte
	offset []byte // of the zone
}

// append appends t as 2026-11-22T18:31:04.123, with +01:00 behind it when the zone is
// shown, or a dash for no time.
func (c *clockCache) append(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, '-')
	}
	if s := t.Unix(); s != c.second || c.text == nil {
		c.second = s
		c.text = t.In(c.loc).AppendFormat(c.text[:0], timeLayout)
		c.text = c.text[:len(c.text)-3]
		if c.zone {
			c.offset = t.In(c.loc).AppendFormat(c.offset[:0], "Z07:00")
		}
	}
	dst = append(dst, c.text...)
	ms := t.Nanosecond() / 1e6
	dst = append(dst, byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	return append(dst, c.offset...)
}
