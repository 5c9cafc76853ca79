// Package filter decides which records are shown: by expressions on the value and
// the key, by headers, and by fields of JSON values.
//
// A Filter is immutable once made and may be used by any number of goroutines. It
// never changes a record.
package filter

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"logctl/consumer"
)

// Config says what passes. The zero value lets everything pass.
type Config struct {
	Include []string // expressions; one of them must match the value
	Exclude []string // expressions; none of them may match the value
	Key     string   // expression that must match the key; a null key matches ""
	Headers []string // name=value, name!=value, name~expression or name: all must hold
	Where   []string // conditions on JSON values, see ParseCondition: all must hold
}

// Filter is a compiled Config.
type Filter struct {
	include, exclude []expression
	key              *regexp.Regexp
	headers          []headerTest
	where            []Condition
}

// New compiles the expressions and conditions.
func New(c Config) (*Filter, error) {
	f := &Filter{}
	var err error
	if f.include, err = expressions("include", c.Include); err != nil {
		return nil, err
	}
	if f.exclude, err = expressions("exclude", c.Exclude); err != nil {
		return nil, err
	}
	if c.Key != "" {
		if f.key, err = regexp.Compile(c.Key); err != nil {
			return nil, fmt.Errorf("key expression %q: %w", c.Key, err)
		}
	}
	for _, h := range c.Headers {
		t, err := parseHeader(h)
		if err != nil {
			return nil, err
		}
		f.headers = append(f.headers, t)
	}
	for _, w := range c.Where {
		cond, err := ParseCondition(w)
		if err != nil {
			return nil, err
		}
		f.where = append(f.where, cond)
	}
	return f, nil
}

// Compile compiles a list of expressions; what names them in an error.
func Compile(what string, list []string) ([]*regexp.Regexp, error) {
	var out []*regexp.Regexp
	for _, s := range list {
		re, err := regexp.Compile(s)
		if err != nil {
			return nil, fmt.Errorf("%s expression %q: %w", what, s, err)
		}
		out = append(out, re)
	}
	return out, nil
}

// expression is a regular expression with literals of which every match contains one.
type expression struct {
	*regexp.Regexp
	literals []literal // none: nothing is known
}

func expressions(what string, list []string) ([]expression, error) {
	res, err := Compile(what, list)
	if err != nil {
		return nil, err
	}
	out := make([]expression, len(res))
	for i, re := range res {
		out[i] = expression{re, literals(list[i])}
	}
	return out, nil
}

// match reports whether the expression matches somewhere in b.
func (e *expression) match(b []byte) bool {
	may := len(e.literals) == 0
	for i := range e.literals {
		if may = e.literals[i].in(b); may {
			break
		}
	}
	return may && e.Match(b)
}

// Empty reports whether everything passes.
func (f *Filter) Empty() bool {
	return len(f.include)+len(f.exclude)+len(f.headers)+len(f.where) == 0 && f.key == nil
}

// OfValues reports whether the value alone decides: Match may then be given a nil record.
func (f *Filter) OfValues() bool { return f.key == nil && len(f.headers) == 0 }

// Match reports whether a record passes. key and value are its decoded forms, nil
// for null.
func (f *Filter) Match(r *consumer.Record, key, value []byte) bool {
	if f.key != nil && !f.key.Match(key) {
		return false
	}
	if len(f.include) > 0 && !anyMatch(f.include, value) || anyMatch(f.exclude, value) {
		return false
	}
	for i := range f.headers {
		if !f.headers[i].match(r) {
			return false
		}
	}
	if len(f.where) > 0 {
		if value = bytes.TrimPrefix(value, []byte("\xef\xbb\xbf")); !isObject(value) { // a byte order mark is none of JSON's
			return false
		}
	}
	for i := range f.where {
		if !f.where[i].Match(value) {
			return false
		}
	}
	return true
}

func anyMatch(list []expression, b []byte) bool {
	for i := range list {
		if list[i].match(b) {
			return true
		}
	}
	return false
}

// headerTest is one condition on headers. With several headers of that name, one
// that matches is enough; with "not", none may match.
type headerTest struct {
	name  string
	value []byte
	re    *regexp.Regexp
	any   bool // the header must be there, whatever its value is
	not   bool
}

func parseHeader(s string) (headerTest, error) {
	at := strings.IndexAny(s, "=~!")
	if at < 0 {
		return headerTest{name: s, any: true}, nil
	}
	t := headerTest{name: s[:at]}
	rest := s[at:]
	if t.name == "" {
		return t, fmt.Errorf("header condition %q names no header; write name=value", s)
	}
	if rest[0] == '!' {
		t.not = true
		rest = rest[1:]
	}
	switch {
	case strings.HasPrefix(rest, "="):
		t.value = []byte(rest[1:])
	case strings.HasPrefix(rest, "~"):
		re, err := regexp.Compile(rest[1:])
		if err != nil {
			return t, fmt.Errorf("header condition %q: %w", s, err)
		}
		t.re = re
	default:
		return t, fmt.Errorf("header condition %q: write name=value, name!=value, name~expression or name", s)
	}
	return t, nil
}

func (t *headerTest) match(r *consumer.Record) bool {
	for i := range r.Headers {
		h := &r.Headers[i]
		if h.Key != t.name {
			continue
		}
		if t.any || t.re != nil && t.re.Match(h.Value) || t.re == nil && bytes.Equal(h.Value, t.value) {
			return !t.not
		}
	}
	return t.not
}
