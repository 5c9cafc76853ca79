package etcdcfg

import (
	"bytes"
	"errors"
	"slices"
)

// objectText is a JSON object as text that can be edited field by field: what is
// not touched keeps its bytes.
type objectText struct {
	parts   []textPart
	colon   string // between the name and the value of a new field
	lead    string // white space after {
	between string // white space after a comma
	tail    string // white space before }
}

// textPart is one field: the white space before it, `"name" : ` and the value
// with the white space before the comma.
type textPart struct {
	name            string
	lead, head, gap string
	value           []byte
}

// splitObject takes the text of an object apart.
func splitObject(raw []byte) (*objectText, error) {
	s := &scanner{data: raw, entry: -1}
	n := s.value()
	if len(s.problems) > 0 || n.kind != kindObject || n.end != len(raw) {
		return nil, errors.New("the text of the entry is not a JSON object")
	}
	o := &objectText{colon: `: `, between: " "}
	prev := 1 // after { or the last comma
	for i, m := range n.members {
		p := textPart{name: m.name, lead: string(raw[prev:m.start]), head: string(raw[m.start:m.val.start]), value: raw[m.val.start:m.val.end]}
		end := m.val.end + bytes.IndexAny(raw[m.val.end:], ",}")
		p.gap = string(raw[m.val.end:end])
		switch i {
		case 0:
			o.lead = p.lead
			o.between = p.lead
		default:
			o.between = p.lead
		}
		prev = end + 1
		o.parts = append(o.parts, p)
	}
	if k := len(o.parts); k > 0 {
		last := &o.parts[k-1]
		o.tail, last.gap = last.gap, ""
		name := bytes.LastIndexByte([]byte(last.head), '"')
		o.colon = last.head[name+1:]
		if k == 1 && o.lead == "" {
			o.between = " "
		}
	}
	return o, nil
}

// put sets a field to a value, adds it at the end, or removes it when v is nil. An
// object in place of an object is edited field by field too.
func (o *objectText) put(name string, v any) error {
	i := slices.IndexFunc(o.parts, func(p textPart) bool { return p.name == name })
	if v == nil {
		if i >= 0 {
			o.remove(i)
		}
		return nil
	}
	if pairs, ok := v.([]pair); ok && i >= 0 {
		if inner, err := splitObject(o.parts[i].value); err == nil {
			if err := inner.replace(name, pairs); err != nil {
				return err
			}
			o.parts[i].value = inner.bytes()
			return nil
		}
	}
	text, err := encode(v)
	if err != nil {
		return err
	}
	if i >= 0 {
		o.parts[i].value = text
		return nil
	}
	quoted, err := encode(name)
	if err != nil {
		return err
	}
	p := textPart{name: name, lead: o.between, head: string(quoted) + o.colon, value: text}
	if len(o.parts) == 0 {
		p.lead = o.lead
	}
	o.parts = append(o.parts, p)
	return nil
}

// replace makes an inner object hold the pairs. What logctl does not know in it
// stays, except in labels, where it knows every field.
func (o *objectText) replace(name string, pairs []pair) error {
	if name == "labels" {
		for i := len(o.parts) - 1; i >= 0; i-- {
			if !slices.ContainsFunc(pairs, func(p pair) bool { return p.name == o.parts[i].name }) {
				o.remove(i)
			}
		}
	}
	for _, p := range pairs {
		if i := slices.IndexFunc(o.parts, func(q textPart) bool { return q.name == p.name }); i >= 0 && means(o.parts[i].value, p.value) {
			continue
		}
		if err := o.put(p.name, p.value); err != nil {
			return err
		}
	}
	return nil
}

// means reports whether raw is JSON of a text, a number or a flag that means want.
func means(raw []byte, want any) bool {
	if text, ok := want.(string); ok {
		s := &scanner{data: raw, entry: -1}
		n := s.value()
		return len(s.problems) == 0 && n.kind == kindString && n.str == text
	}
	written, err := encode(want)
	return err == nil && bytes.Equal(raw, written)
}

func (o *objectText) remove(i int) {
	if i == 0 && len(o.parts) > 1 {
		o.parts[1].lead = o.parts[0].lead
	}
	o.parts = slices.Delete(o.parts, i, i+1)
}

func (o *objectText) bytes() []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range o.parts {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(p.lead)
		b.WriteString(p.head)
		b.Write(p.value)
		b.WriteString(p.gap)
	}
	b.WriteString(o.tail)
	b.WriteByte('}')
	return b.Bytes()
}
