package etcdcfg

import (
	"bytes"
	"fmt"
	"strings"
)

// decoder turns the nodes of one list into entries and notes wrong types.
type decoder struct {
	*scanner
	entry int
	at    places
}

// places are the byte positions of the fields of one entry; "" is the entry.
type places map[string]int

// of returns the position of a field such as "labels.team" or "exclude[2]", or of
// the nearest thing around it.
func (p places) of(name string) int {
	for {
		if off, ok := p[name]; ok {
			return off
		}
		i := strings.LastIndexAny(name, ".[")
		if i < 0 {
			return p[""]
		}
		name = name[:i]
	}
}

// decode reads the entries of a list that is well-formed JSON.
func (s *scanner) decode(list node) ([]Entry, []places) {
	entries := make([]Entry, 0, len(list.elems))
	all := make([]places, 0, len(list.elems))
	known := s.fields
	lines := lineStarts{data: s.data}
	for i, n := range list.elems {
		if s.stop {
			break
		}
		d := &decoder{scanner: s, entry: i, at: places{"": n.start}}
		entries = append(entries, d.one(n, known, &lines))
		all = append(all, d.at)
	}
	return entries, all
}

func (d *decoder) wrong(off int, field, hint, format string, args ...any) {
	if d.stop {
		return
	}
	d.fail(off, hint, format, args...)
	p := &d.problems[len(d.problems)-1]
	p.Entry, p.Field = d.entry, field
}

// one decodes an entry and keeps its text.
func (d *decoder) one(n node, known []field, lines *lineStarts) Entry {
	var e Entry
	if n.kind != kindObject {
		d.wrong(n.start, "", `write {"path": "...", "topic": "..."}`, "an entry must be an object, this is %s", n.kind)
		return e
	}
	d.noDuplicates("", n)
	for _, m := range n.members {
		for _, f := range known {
			if m.name == f.name {
				d.at[f.name] = m.val.start
				if m.val.kind != kindNull {
					f.decode(d, &e, m.val)
				}
			} else if strings.EqualFold(m.name, f.name) {
				d.wrong(m.start, "", fmt.Sprintf("write %q", f.name), "unknown field %q", m.name)
			}
		}
	}
	orig := e.Clone()
	e.src = &source{raw: bytes.Clone(d.data[n.start:n.end]), indent: lines.indentOf(n.start), orig: orig}
	return e
}

func (d *decoder) noDuplicates(prefix string, n node) {
	seen := make(map[string]bool, len(n.members))
	for _, m := range n.members {
		if seen[m.name] {
			d.wrong(m.start, prefix+m.name, "remove one", "the field is given twice")
		}
		seen[m.name] = true
	}
}

func (d *decoder) text(name string, v node) string {
	d.at[name] = v.start
	if v.kind != kindString {
		d.wrong(v.start, name, "", "must be a text in quotes, is %s", v.kind)
	}
	return v.str
}

func (d *decoder) flag(name string, v node) bool {
	if v.kind != kindBool {
		d.wrong(v.start, name, "without quotes", "must be true or false, is %s", v.kind)
	}
	return v.truth
}

func (d *decoder) texts(name string, v node) []string {
	if v.kind != kindArray {
		d.wrong(v.start, name, `write ["...", "..."]`, "must be a list of texts, is %s", v.kind)
		return nil
	}
	var out []string
	for i, el := range v.elems {
		out = append(out, d.text(fmt.Sprintf("%s[%d]", name, i), el))
	}
	return out
}

func (d *decoder) labels(v node) map[string]string {
	if v.kind != kindObject {
		d.wrong(v.start, "labels", `write {"name": "value"}`, "must be an object, is %s", v.kind)
		return nil
	}
	d.noDuplicates("labels.", v)
	out := make(map[string]string, len(v.members))
	for _, f := range v.members {
		out[f.name] = d.text("labels."+f.name, f.val)
	}
	return out
}

// lineStarts finds the beginning of the line of one place after another, reading
// what is between them once.
type lineStarts struct {
	data      []byte
	at, start int // the line that at is on begins at start
}

// indentOf returns the white space before off on its line, or nothing when something
// else stands there too. off never goes back.
func (l *lineStarts) indentOf(off int) string {
	if i := bytes.LastIndexByte(l.data[l.at:off], '\n'); i >= 0 {
		l.start = l.at + i + 1
	}
	l.at = off
	const most = 256 // of an indentation; a line may be as long as the list
	if off-l.start > most {
		return ""
	}
	line := l.data[l.start:off]
	if len(bytes.TrimLeft(line, " \t")) > 0 {
		return ""
	}
	return string(line)
}
