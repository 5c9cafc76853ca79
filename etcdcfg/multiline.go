package etcdcfg

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Multiline says how lines are joined to one record: by a preset, or by regular
// expressions (RE2) of which one at least is given.
type Multiline struct {
	Preset   string        // what the program prints: one of MultilinePresets
	Start    string        // of the first line of a record
	Continue string        // of a line that belongs to the line before
	End      string        // of the last line of a record
	Negate   bool          // each expression is met by the lines that it does not match
	MaxLines int           // of a record, 1 to 10,000; 0: 500
	MaxBytes int           // of a record, 1 KiB to 1 MiB; 0: 1 MiB
	Timeout  time.Duration // how long a record waits for more lines, 100 ms to 1 h; 0: 2 s
}

// Bounds of the limits of a Multiline.
const (
	MaxMultilineLines   = 10_000
	MinMultilineBytes   = 1 << 10
	MaxMultilineBytes   = 1 << 20
	MinMultilineTimeout = 100 * time.Millisecond
	MaxMultilineTimeout = time.Hour
)

// MultilinePresets are the programs whose records are known by name.
func MultilinePresets() []string {
	return []string{"dotnet", "go", "java", "json", "mysql", "node", "php", "postgres", "python", "ruby"}
}

// String is the short form that a person reads and writes: the expression alone where
// only Start is given, else the JSON object. ParseMultiline reads it.
func (m *Multiline) String() string {
	if m == nil {
		return ""
	}
	if *m == (Multiline{Start: m.Start}) {
		return m.Start
	}
	text, err := encode(m.pairs())
	if err != nil { // numbers, texts and a flag can always be written
		return err.Error()
	}
	return string(text)
}

// ParseMultiline reads the short form: nothing, the name of a preset, a JSON object such
// as {"preset": "java"}, or the regular expression of a record's first line. The
// error of an object is a *ListError; expressions are not compiled.
func ParseMultiline(text string) (*Multiline, error) {
	if text == "" {
		return nil, nil
	}
	if slices.Contains(MultilinePresets(), text) {
		return &Multiline{Preset: text}, nil
	}
	if !strings.HasPrefix(text, "{") {
		return &Multiline{Start: text}, nil
	}
	s := &scanner{data: []byte(text), entry: -1}
	n := s.value()
	d := &decoder{scanner: s, entry: -1, at: places{}}
	m := &Multiline{}
	if len(s.problems) == 0 {
		if rest := strings.TrimSpace(text[s.pos:]); rest != "" {
			d.wrong(s.pos, "multiline", "remove it", "text after the object: %q", rest)
		}
		m = d.multiline(n)
		d.onlyKnown(n)
	}
	var problems []Problem
	for _, p := range s.problems {
		p.Problem.Field = "multiline"
		problems = append(problems, p.Problem)
	}
	return m, asListError(problems)
}

func (m *Multiline) equal(o *Multiline) bool {
	if m == nil || o == nil {
		return m == o
	}
	return *m == *o
}

// multilineField is a field of the object.
type multilineField struct {
	name   string
	decode func(d *decoder, m *Multiline, name string, v node)
	value  func(m *Multiline) any // to be written; the zero value: the field is left out
}

// multilineFields are in the order in which they are written.
func multilineFields() []multilineField {
	text := func(name string, at func(*Multiline) *string) multilineField {
		return multilineField{name, func(d *decoder, m *Multiline, name string, v node) { *at(m) = d.text(name, v) }, func(m *Multiline) any { return *at(m) }}
	}
	number := func(name string, at func(*Multiline) *int) multilineField {
		return multilineField{name, func(d *decoder, m *Multiline, name string, v node) { *at(m) = d.number(name, v) }, func(m *Multiline) any { return *at(m) }}
	}
	return []multilineField{
		text("preset", func(m *Multiline) *string { return &m.Preset }),
		text("start", func(m *Multiline) *string { return &m.Start }),
		text("continue", func(m *Multiline) *string { return &m.Continue }),
		text("end", func(m *Multiline) *string { return &m.End }),
		{"negate", func(d *decoder, m *Multiline, name string, v node) { m.Negate = d.flag(name, v) }, func(m *Multiline) any { return m.Negate }},
		number("max_lines", func(m *Multiline) *int { return &m.MaxLines }),
		number("max_bytes", func(m *Multiline) *int { return &m.MaxBytes }),
		{"timeout", func(d *decoder, m *Multiline, name string, v node) { m.Timeout = d.duration(name, v) }, func(m *Multiline) any {
			if m.Timeout == 0 {
				return ""
			}
			return m.Timeout.String()
		}},
	}
}

// pairs are its fields to be written; those that are not set are taken away.
func (m *Multiline) pairs() []pair {
	var out []pair
	for _, f := range multilineFields() {
		v := f.value(m)
		if v == "" || v == 0 || v == false {
			v = nil
		}
		out = append(out, pair{f.name, v})
	}
	return out
}

// multiline reads the object. Fields that are not known stay in the text, as in entries.
func (d *decoder) multiline(v node) *Multiline {
	if v.kind != kindObject {
		d.wrong(v.start, "multiline", `write {"start": "regular expression"}`, "must be an object, is %s", v.kind)
		return nil
	}
	d.noDuplicates("multiline.", v)
	m, known := &Multiline{}, multilineFields()
	for _, of := range v.members {
		for _, f := range known {
			if of.name == f.name && of.val.kind != kindNull {
				name := "multiline." + f.name
				d.at[name] = of.val.start
				f.decode(d, m, name, of.val)
			}
		}
	}
	return m
}

// onlyKnown blames fields that logctl does not know: in what a person types now they are
// misspelt.
func (d *decoder) onlyKnown(v node) {
	var known []string
	for _, f := range multilineFields() {
		known = append(known, f.name)
	}
	for _, f := range v.members {
		if !slices.Contains(known, f.name) {
			d.wrong(f.start, "multiline", "the fields are "+strings.Join(known, ", "), "unknown field %q", f.name)
		}
	}
}

// number reads a whole number above zero.
func (d *decoder) number(name string, v node) int {
	n, err := strconv.Atoi(string(d.data[v.start:v.end]))
	if v.kind != kindNumber || err != nil || n <= 0 {
		d.wrong(v.start, name, "write a number such as 500", "must be a whole number above zero")
		return 0
	}
	return n
}

// duration reads a text such as 500ms or 2s.
func (d *decoder) duration(name string, v node) time.Duration {
	at, err := time.ParseDuration(d.text(name, v))
	if v.kind == kindString && (err != nil || at <= 0) {
		d.wrong(v.start, name, `write "500ms" or "5s"`, "%q is no length of time", v.str)
		return 0
	}
	return at
}

// multiline checks one.
func (c *checker) multiline(m *Multiline) {
	expressions := 0
	for _, e := range []struct{ name, text string }{{"start", m.Start}, {"continue", m.Continue}, {"end", m.End}} {
		if e.text != "" {
			expressions++
			c.regex("multiline."+e.name, e.text)
		}
	}
	presets := strings.Join(MultilinePresets(), ", ")
	switch {
	case m.Preset == "" && expressions == 0:
		c.add("multiline", `write {"preset": "java"} or {"start": "regular expression"}, or remove it`, "says nothing")
	case m.Preset != "" && !slices.Contains(MultilinePresets(), m.Preset):
		c.add("multiline.preset", "the presets are "+presets, "unknown preset %q", m.Preset)
	case m.Preset != "" && (expressions > 0 || m.Negate):
		c.add("multiline", "keep one of them", "a preset and expressions are both given")
	}
	if m.MaxLines < 0 || m.MaxLines > MaxMultilineLines {
		c.add("multiline.max_lines", fmt.Sprintf("1 to %d", MaxMultilineLines), "%d lines are out of range", m.MaxLines)
	}
	if b := m.MaxBytes; b != 0 && (b < MinMultilineBytes || b > MaxMultilineBytes) {
		c.add("multiline.max_bytes", fmt.Sprintf("%d to %d", MinMultilineBytes, MaxMultilineBytes), "%d bytes are out of range", b)
	}
	if t := m.Timeout; t != 0 && (t < MinMultilineTimeout || t > MaxMultilineTimeout) {
		c.add("multiline.timeout", "100ms to 1h", "%s is out of range", t)
	}
}
