package filter

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// ConditionHelp describes the conditions of ParseCondition, for help texts.
const ConditionHelp = `level=error   level!=debug   msg~time.?out   msg!~retry   status>=500   http.status<300
user.name=ann (nested)   tags.0=web (an array's first)   user (the field is there)`

// Condition is a test of one field of a JSON value.
type Condition struct {
	path   []string
	op     string // "" the field is there
	text   string
	number number
	isNum  bool
	re     *regexp.Regexp
}

// ParseCondition reads a condition like level=error; see ConditionHelp. The field
// may be nested, a.b, and a number is an index of an array. = and != compare with
// strings, numbers (by value), true, false and null; a field that is not there
// equals nothing. < and the like compare numbers.
func ParseCondition(s string) (Condition, error) {
	at := strings.IndexAny(s, "=!~<>")
	if at < 0 {
		if s == "" {
			return Condition{}, fmt.Errorf("condition %q is empty; write field=value", s)
		}
		return Condition{path: strings.Split(s, ".")}, nil
	}
	c := Condition{path: strings.Split(s[:at], ".")}
	if at == 0 {
		return c, fmt.Errorf("condition %q names no field; write field=value", s)
	}
	for _, op := range []string{"!=", "!~", ">=", "<=", "==", "=~", "=", "~", ">", "<"} {
		if strings.HasPrefix(s[at:], op) {
			c.op, c.text = op, s[at+len(op):]
			break
		}
	}
	if c.op == "==" && strings.HasPrefix(c.text, "=") {
		return c, fmt.Errorf("condition %q: write field=value for what is equal", s)
	}
	if c.op == "=" && c.text != "" && (c.text[0] == '>' || c.text[0] == '<') {
		if _, number := parseNumber(c.text[1:]); number {
			return c, fmt.Errorf("condition %q: write %s%c=%s", s, s[:at], c.text[0], c.text[1:])
		}
	}
	c.number, c.isNum = parseNumber(c.text)
	switch c.op {
	case "==":
		c.op = "="
	case "=~":
		c.op = "~"
	case "":
		return c, fmt.Errorf("condition %q: write field=value, or != ~ !~ < <= > >= in place of =", s)
	}
	switch c.op {
	case "~", "!~":
		re, err := regexp.Compile(c.text)
		if err != nil {
			return c, fmt.Errorf("condition %q: %w", s, err)
		}
		c.re = re
	case "<", "<=", ">", ">=":
		if !c.isNum {
			return c, fmt.Errorf("condition %q: %q is no number", s, c.text)
		}
	}
	return c, nil
}

// number is a number of JSON. Integers are compared by their digits: the ids of
// today are longer than what a float64 tells apart.
type number struct {
	float    float64
	digits   string // of an integer, without leading zeros; "" for others and for 0
	integer  bool
	negative bool
}

func parseNumber(s string) (number, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return number{}, false
	}
	n := number{float: f, negative: strings.HasPrefix(s, "-")}
	digits := strings.TrimLeft(s, "+-")
	n.integer = strings.Trim(digits, "0123456789") == ""
	if n.integer {
		n.digits = strings.TrimLeft(digits, "0")
	}
	return n, true
}

// compare returns -1, 0 or 1, and false for what has no order.
func (n number) compare(m number) (int, bool) {
	if !n.integer || !m.integer || n.negative != m.negative {
		switch {
		case n.float < m.float:
			return -1, true
		case n.float > m.float:
			return 1, true
		}
		return 0, n.float == m.float
	}
	c := cmp.Compare(len(n.digits), len(m.digits))
	if c == 0 {
		c = strings.Compare(n.digits, m.digits)
	}
	if n.negative {
		c = -c
	}
	return c, true
}

// Match reports whether the condition holds for a JSON value.
func (c *Condition) Match(value []byte) bool {
	raw, found := lookup(value, c.path)
	switch c.op {
	case "":
		return found
	case "=":
		return found && c.equal(raw)
	case "!=":
		return !found || !c.equal(raw)
	case "~":
		return found && c.re.Match(plain(raw))
	case "!~":
		return !found || !c.re.Match(plain(raw))
	}
	n, ok := parseNumber(string(plain(raw)))
	if !found || !ok {
		return false
	}
	order, ok := n.compare(c.number)
	if !ok {
		return false
	}
	switch c.op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}

func (c *Condition) equal(raw []byte) bool {
	if raw[0] == '"' {
		return string(plain(raw)) == c.text
	}
	if string(raw) == c.text {
		return true
	}
	if c.isNum {
		if n, ok := parseNumber(string(raw)); ok {
			order, ok := n.compare(c.number)
			return ok && order == 0
		}
	}
	return false
}

// plain returns the text of a JSON string, and other JSON as it is.
func plain(raw []byte) []byte {
	if len(raw) < 2 || raw[0] != '"' {
		return raw
	}
	in := raw[1 : len(raw)-1]
	if bytes.IndexByte(in, '\\') < 0 {
		return in
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return in
	}
	return []byte(s)
}

func isObject(b []byte) bool {
	i := skipSpace(b, 0)
	return i < len(b) && (b[i] == '{' || b[i] == '[')
}

// lookup finds the value at a path in JSON text without decoding the rest. A key
// that contains dots is found by its whole name.
func lookup(b []byte, path []string) ([]byte, bool) {
	i := skipSpace(b, 0)
	if i >= len(b) {
		return nil, false
	}
	if len(path) == 0 {
		end, ok := skipValue(b, i)
		return b[i:end], ok && end > i
	}
	switch b[i] {
	case '{':
		return lookupKey(b, i+1, path)
	case '[':
		return lookupIndex(b, i+1, path)
	}
	return nil, false
}

func lookupKey(b []byte, i int, path []string) ([]byte, bool) {
	whole := strings.Join(path, ".")
	for {
		i = skipSpace(b, i)
		if i >= len(b) || b[i] != '"' {
			return nil, false
		}
		end, ok := skipString(b, i)
		if !ok {
			return nil, false
		}
		key := plain(b[i:end])
		i = skipSpace(b, end)
		if i >= len(b) || b[i] != ':' {
			return nil, false
		}
		i = skipSpace(b, i+1)
		end, ok = skipValue(b, i)
		if !ok {
			return nil, false
		}
		if string(key) == path[0] {
			if v, found := lookup(b[i:end], path[1:]); found {
				return v, true
			}
		}
		if len(path) > 1 && string(key) == whole {
			return b[i:end], true
		}
		i = skipSpace(b, end)
		if i >= len(b) || b[i] != ',' {
			return nil, false
		}
		i++
	}
}

func lookupIndex(b []byte, i int, path []string) ([]byte, bool) {
	want, err := strconv.Atoi(path[0])
	if err != nil || want < 0 {
		return nil, false
	}
	for n := 0; ; n++ {
		i = skipSpace(b, i)
		if i >= len(b) || b[i] == ']' {
			return nil, false
		}
		end, ok := skipValue(b, i)
		if !ok {
			return nil, false
		}
		if n == want {
			return lookup(b[i:end], path[1:])
		}
		i = skipSpace(b, end)
		if i >= len(b) || b[i] != ',' {
			return nil, false
		}
		i++
	}
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the index behind the string that starts at b[i].
func skipString(b []byte, i int) (int, bool) {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1, true
		}
	}
	return i, false
}

// skipValue returns the index behind the value that starts at b[i].
func skipValue(b []byte, i int) (int, bool) {
	if i >= len(b) {
		return i, false
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		open := 0
		for i < len(b) {
			switch b[i] {
			case '"':
				end, ok := skipString(b, i)
				if !ok {
					return end, false
				}
				i = end
				continue
			case '{', '[':
				open++
			case '}', ']':
				open--
				if open == 0 {
					return i + 1, true
				}
			}
			i++
		}
		return i, false
	}
	start := i
	for i < len(b) && strings.IndexByte(",]} \t\r\n:", b[i]) < 0 {
		i++
	}
	return i, i > start
}
