package transform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Source is which output of a container a line is of.
type Source uint8

// Sources.
const (
	NoSource Source = iota // the line does not say
	Stdout
	Stderr
)

// String is the name that container runtimes use; "" for NoSource.
func (s Source) String() string { return [...]string{"", "stdout", "stderr"}[s] }

// envelope is what a container runtime wrote around a piece of output.
type envelope struct {
	source Source
	millis int64 // since 1970
	text   []byte
	more   bool // the line of output goes on in the next piece of the same source
}

// format reads an envelope; false where a line is in none.
type format func(line []byte, c *clock) (envelope, bool)

// formatOf is the format of that name; nil for lines that are sent as they are.
func formatOf(name string) (format, error) {
	switch name {
	case "", "raw":
		return nil, nil
	case "cri":
		return cri, nil
	case "docker":
		return docker, nil
	case "auto":
		return func(line []byte, c *clock) (envelope, bool) {
			if len(line) > 0 && line[0] == '{' {
				return docker(line, c)
			}
			return cri(line, c)
		}, nil
	}
	return nil, fmt.Errorf("unknown format %q", name)
}

// cri reads a line of containerd or CRI-O: time, source, tags, text. The first tag is P
// where the line of output goes on.
// https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
func cri(line []byte, c *clock) (envelope, bool) {
	at, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok {
		return envelope{}, false
	}
	name, rest, ok := bytes.Cut(rest, []byte(" "))
	if !ok {
		return envelope{}, false
	}
	tags, text, _ := bytes.Cut(rest, []byte(" "))
	first, _, _ := bytes.Cut(tags, []byte(":"))
	e := envelope{source: sourceOf(name), text: text}
	switch string(first) {
	case "P":
		e.more = true
	case "F":
		e.text = bytes.TrimSuffix(text, []byte("\r"))
	default:
		return envelope{}, false
	}
	e.millis, ok = c.millis(at)
	return e, ok && e.source != NoSource
}

// docker reads a line of the json-file driver: an object with log, stream and time. The
// line of output goes on where log does not end in a newline (every 16 KiB).
// https://docs.docker.com/engine/logging/drivers/json-file/
func docker(line []byte, c *clock) (envelope, bool) {
	if e, ok := dockerPlain(line, c); ok {
		return e, true
	}
	var v struct {
		Log          *string
		Stream, Time string
	}
	if len(line) == 0 || line[0] != '{' || json.Unmarshal(line, &v) != nil || v.Log == nil {
		return envelope{}, false
	}
	e := envelope{source: sourceOf([]byte(v.Stream))}
	e.take([]byte(*v.Log))
	var ok bool
	e.millis, ok = c.millis([]byte(v.Time))
	return e, ok
}

// dockerPlain reads the form that the driver writes where no attributes are asked for. It
// is the same as docker's, in a tenth of the time.
func dockerPlain(line []byte, c *clock) (e envelope, ok bool) {
	text, rest, escaped, ok := member(line, `{"log":"`)
	if !ok {
		return e, false
	}
	name, rest, odd, ok := member(rest, `,"stream":"`)
	if !ok || odd {
		return e, false
	}
	at, rest, odd, ok := member(rest, `,"time":"`)
	if !ok || odd || string(rest) != "}" {
		return e, false
	}
	whole := bytes.TrimSuffix(text, []byte(`\n`))
	switch {
	case !escaped:
		e.take(text)
	case len(whole) < len(text) && bytes.IndexByte(whole, '\\') < 0:
		e.text = bytes.TrimSuffix(whole, []byte("\r"))
	default:
		var s string
		if json.Unmarshal(line[len(`{"log":`):len(`{"log":`)+len(text)+2], &s) != nil {
			return e, false
		}
		e.take([]byte(s))
	}
	e.source = sourceOf(name)
	e.millis, ok = c.millis(at)
	return e, ok
}

// member takes a text behind the given beginning off a line. It is not unescaped yet.
func member(line []byte, begin string) (text, rest []byte, escaped, ok bool) {
	if len(line) < len(begin) || string(line[:len(begin)]) != begin {
		return nil, nil, false, false
	}
	line = line[len(begin):]
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			return line[:i], line[i+1:], escaped, true
		case c == '\\':
			escaped = true
			i++
		case c < ' ':
			return nil, nil, false, false
		}
	}
	return nil, nil, false, false
}

// take sets the text, without its line end.
func (e *envelope) take(log []byte) {
	text, whole := bytes.CutSuffix(log, []byte("\n"))
	if e.text, e.more = text, !whole; whole {
		e.text = bytes.TrimSuffix(text, []byte("\r"))
	}
}

func sourceOf(name []byte) Source {
	switch string(name) {
	case "stdout":
		return Stdout
	case "stderr":
		return Stderr
	}
	return NoSource
}

// clock reads times. It keeps the second that it read last, because neighbours share it.
type clock struct {
	second string // as it is written, without fraction and zone
	zone   string
	base   int64 // milliseconds since 1970 of that second
}

// secondLen is the length of 2006-01-02T15:04:05.
const secondLen = 19

// millis reads a time; false where there is none, or none that Kafka could keep.
func (c *clock) millis(text []byte) (int64, bool) {
	if len(text) <= secondLen {
		return 0, false
	}
	rest, fraction := text[secondLen:], int64(0)
	if rest[0] == '.' {
		n, unit := 1, int64(100)
		for ; n < len(rest) && rest[n] >= '0' && rest[n] <= '9'; n++ {
			fraction += int64(rest[n]-'0') * unit
			unit /= 10
		}
		if n == 1 {
			return 0, false
		}
		rest = rest[n:]
	}
	// The library takes a fraction of its own behind the seconds: a second one is none.
	if len(rest) == 0 || rest[0] == ',' || rest[0] == '.' {
		return 0, false
	}
	if c.second == "" || string(text[:secondLen]) != c.second || string(rest) != c.zone {
		second, zone := string(text[:secondLen]), string(rest)
		at, err := time.Parse(time.RFC3339, second+zone)
		if err != nil || at.UnixMilli() <= 0 || at.Year() >= 10_000 {
			return 0, false
		}
		c.second, c.zone, c.base = second, zone, at.UnixMilli()
	}
	return c.base + fraction, true
}
