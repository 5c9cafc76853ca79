package tui

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// detailBytes is how much of a value the detail shows.
const detailBytes = 1 << 20

var detailModes = [...]string{"JSON", "raw", "hex"}

// detailCache keeps the lines of the record looked at.
type detailCache struct {
	rec   *rec
	mode  int
	width int
	utc   bool
	low   bool
	st    *styles
	name  string // of the way the value is shown
	lines []string
}

// detailPane draws the record looked at in at most h lines of w cells.
func (s *streamScreen) detailPane(w, h int) []string {
	st := s.env.styles
	r := s.selected()
	if r == nil {
		return []string{st.dim.apply(" no record")}
	}
	c := &s.cache
	low := h < 12 // the value before the rest, where there is little room
	if c.rec != r || c.low != low || c.mode != s.detailMode || c.width != w || c.utc != s.utc || c.st != st {
		*c = detailCache{rec: r, mode: s.detailMode, width: w, utc: s.utc, low: low, st: st, name: s.detailName(r), lines: s.detailLines(r, w-2, low)}
	}
	s.detailTop = max(min(s.detailTop, len(c.lines)-h+1), 0)
	title := fmt.Sprintf("─ %d/%d ─ %s (v) ", r.partition, r.offset, c.name)
	if n := len(c.lines); n > h-1 {
		title += fmt.Sprintf("─ line %d of %d ({ }) ", s.detailTop+1, n)
	}
	out := []string{st.border.apply(cut(title+rule(w-cells(title)), w))}
	for _, l := range c.lines[s.detailTop:min(s.detailTop+h-1, len(c.lines))] {
		out = append(out, " "+l)
	}
	return out
}

// detailName is the way the value is shown.
func (s *streamScreen) detailName(r *rec) string {
	if s.detailMode == 0 && !json.Valid(r.value[:min(len(r.value), detailBytes)]) {
		return "text"
	}
	return detailModes[s.detailMode]
}

func (s *streamScreen) detailLines(r *rec, w int, low bool) []string {
	st := s.env.styles
	var out []string
	add := func(name, value string) {
		for i, l := range wrapText(value, w-11) {
			if i > 0 {
				name = ""
			}
			out = append(out, st.dim.apply(fit(name, 10))+" "+l)
		}
	}
	if !r.time.IsZero() {
		by := "set by the producer"
		if r.logAppend {
			by = "set by the broker"
		}
		text := s.zone(r.time).Format("2006-01-02 15:04:05.000 MST") + ", " + by + "; here " + humanLatency(r.arrived.Sub(r.time)) + " later"
		for i, l := range wrapWords(text, w-11) {
			out = append(out, st.dim.apply(fit([]string{"time", ""}[min(i, 1)], 10))+" "+l)
		}
	}
	size := plural(len(r.value), "byte")
	if len(r.value) >= 1024 {
		size += " (" + humanBytes(float64(len(r.value))) + ")"
	}
	switch {
	case r.key == nil:
		add("size", size+", key null")
	case len(r.key) == 0:
		add("size", size+", key empty")
	default:
		add("size", size)
		k, _ := cleanBytes(r.key, rowBytes)
		add("key", k)
	}
	for _, h := range r.headers {
		v, _ := cleanBytes(h.value, rowBytes)
		if h.value == nil {
			v = "(null)"
		}
		add("header", clean(h.key)+" = "+v)
	}
	if low {
		return append(append(s.valueLines(r, w), ""), out...)
	}
	return append(append(out, ""), s.valueLines(r, w)...)
}

func (s *streamScreen) valueLines(r *rec, w int) []string {
	st, data := s.env.styles, r.value
	switch {
	case data == nil:
		return []string{st.dim.apply("(null)")}
	case len(data) == 0:
		return []string{st.dim.apply("(empty)")}
	}
	var out []string
	if len(data) > detailBytes {
		data = data[:detailBytes]
		out = append(out, st.warn.apply("the first 1 MB is shown; s saves all"))
	}
	switch s.detailMode {
	case 2:
		return append(out, hexLines(data, w)...)
	case 0:
		if pretty, ok := prettyJSON(data); ok {
			for _, l := range strings.Split(pretty, "\n") {
				for _, part := range wrapText(clean(l), w) {
					out = append(out, paintJSON(st, part))
				}
			}
			return out
		}
		if !utf8.Valid(data) {
			return append(append(out, st.dim.apply("not UTF-8: v shows hex")), rawLines(data, w)...)
		}
	}
	return append(out, rawLines(data, w)...)
}

func rawLines(data []byte, w int) []string {
	var out []string
	for _, l := range cleanLines(string(data)) {
		out = append(out, wrapText(l, w)...)
	}
	return out
}

// prettyJSON indents JSON and keeps the order of keys.
func prettyJSON(data []byte) (string, bool) {
	t := bytes.TrimSpace(data)
	if len(t) == 0 || t[0] != '{' && t[0] != '[' {
		return "", false
	}
	var b bytes.Buffer
	if err := json.Indent(&b, t, "", "  "); err != nil {
		return "", false
	}
	return b.String(), true
}

// paintJSON colours one line of indented JSON.
func paintJSON(st *styles, l string) string {
	body := strings.TrimLeft(l, " ")
	indent := l[:len(l)-len(body)]
	if strings.HasPrefix(body, `"`) {
		if i := strings.Index(body, `": `); i > 0 {
			return indent + st.key.apply(body[:i+1]) + ": " + paintScalar(st, body[i+3:])
		}
	}
	return indent + paintScalar(st, body)
}

func paintScalar(st *styles, v string) string {
	switch {
	case strings.HasPrefix(v, `"`):
		return st.str.apply(v)
	case strings.HasPrefix(v, "true"), strings.HasPrefix(v, "false"), strings.HasPrefix(v, "null"):
		return st.literal.apply(v)
	case v != "" && (v[0] >= '0' && v[0] <= '9' || v[0] == '-'):
		return st.num.apply(v)
	}
	return v
}

// hexLines dumps bytes as offset, hex and text.
func hexLines(data []byte, w int) []string {
	per := 16
	if w < 10+16*3+16 {
		per = 8
	}
	if w < 10+8*3+8 {
		per = 4
	}
	out := make([]string, 0, len(data)/per+1)
	for at := 0; at < len(data); at += per {
		chunk := data[at:min(at+per, len(data))]
		var hex, text strings.Builder
		for _, c := range chunk {
			hex.WriteByte(hexDigits[c>>4])
			hex.WriteByte(hexDigits[c&15])
			hex.WriteByte(' ')
			if c < 0x20 || c > 0x7e {
				c = '.'
			}
			text.WriteByte(c)
		}
		out = append(out, fmt.Sprintf("%08x  %s %s", at, fit(hex.String(), per*3), text.String()))
	}
	return out
}

// recordJSON is a record as one JSON object; what is not UTF-8 is base64 in a
// field with the suffix _b64, null stays null.
func recordJSON(r *rec) string {
	var b strings.Builder
	put := func(name string, data []byte) {
		switch {
		case data == nil:
			b.WriteString(`,"` + name + `":null`)
		case utf8.Valid(data):
			b.WriteString(`,"` + name + `":` + quoted(string(data)))
		default:
			b.WriteString(`,"` + name + `_b64":"` + base64.StdEncoding.EncodeToString(data) + `"`)
		}
	}
	fmt.Fprintf(&b, `{"topic":%s,"partition":%d,"offset":%d`, quoted(r.topic), r.partition, r.offset)
	if !r.time.IsZero() {
		fmt.Fprintf(&b, `,"time":"%s"`, r.time.UTC().Format(time.RFC3339Nano))
	}
	put("key", r.key)
	put("value", r.value)
	if len(r.headers) > 0 {
		b.WriteString(`,"headers":[`)
		for i, h := range r.headers {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `{"name":%s`, quoted(h.key))
			put("value", h.value)
			b.WriteByte('}')
		}
		b.WriteByte(']')
	}
	b.WriteByte('}')
	return b.String()
}

// quoted is s as JSON, without the escapes that are only of use in HTML.
func quoted(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}
