package transform

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/encoding"

	"logctl/etcdcfg"
)

// Rules say what is done with the lines of one entry. They are compiled once and
// shared by all its files.
type Rules struct {
	encoding encoding.Encoding // nil: bytes as they are
	format   format            // nil: lines as they are
	join     *joiner           // nil: a line is an event
	include  []*regexp.Regexp
	exclude  []*regexp.Regexp
}

// Spec is what an entry asks for, as text.
type Spec struct {
	Encoding string   // empty or utf-8: bytes as they are
	Format   string   // cri, docker or auto; empty or raw: lines as they are
	Join     Join     // the zero value: each line is an event
	Include  []string // regular expressions, any must match when there are some
	Exclude  []string // regular expressions, none may match
}

// Compile checks a Spec. It returns nil Rules when there is nothing to do, and an
// error that names the field and the text that is wrong.
func Compile(s Spec) (*Rules, error) { return (*Expressions)(nil).Compile(s) }

// Compile is Compile with expressions that others have compiled already.
func (x *Expressions) Compile(s Spec) (*Rules, error) {
	r := &Rules{}
	var err error
	if r.encoding, err = etcdcfg.LookupEncoding(s.Encoding); err != nil {
		return nil, err
	}
	if r.format, err = formatOf(s.Format); err != nil {
		return nil, err
	}
	if r.join, err = x.joiner(s.Join); err != nil {
		return nil, err
	}
	if r.include, err = x.all("include_lines", s.Include); err != nil {
		return nil, err
	}
	if r.exclude, err = x.all("exclude_lines", s.Exclude); err != nil {
		return nil, err
	}
	if r.encoding == nil && r.format == nil && r.join == nil && r.include == nil && r.exclude == nil {
		return nil, nil
	}
	return r, nil
}

// Holds says whether events may be held over chunks.
func (r *Rules) Holds() bool { return r != nil && (r.join != nil || r.format != nil) }

// Wait is how long the last event waits for more lines; otherwise where none is set.
func (r *Rules) Wait(otherwise time.Duration) time.Duration {
	if r == nil || r.join == nil || r.join.wait <= 0 {
		return otherwise
	}
	return r.join.wait
}

func (x *Expressions) all(field string, texts []string) ([]*regexp.Regexp, error) {
	var out []*regexp.Regexp
	for _, t := range texts {
		re, err := x.regexp(t)
		if err != nil {
			return nil, fmt.Errorf("%s %q: %w", field, t, err)
		}
		out = append(out, re)
	}
	return out, nil
}

// Units is the size and order of the code units of an encoding, which decides what
// a line end looks like in the file.
type Units int

// Code units.
const (
	Bytes Units = iota
	UTF16LE
	UTF16BE
)

// CodeUnits tells the code units of an encoding by a name that etcdcfg accepts.
func CodeUnits(name string) Units {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "utf-16le", "utf16le":
		return UTF16LE
	case "utf-16be", "utf16be":
		return UTF16BE
	}
	return Bytes
}

// keep applies the line filters to an event.
func (r *Rules) keep(event []byte) bool {
	for _, re := range r.exclude {
		if re.Match(event) {
			return false
		}
	}
	if len(r.include) == 0 {
		return true
	}
	for _, re := range r.include {
		if re.Match(event) {
			return true
		}
	}
	return false
}
