package etcdcfg

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// defaultIndent stands before an entry that does not come from a text.
const defaultIndent = "  "

// source is the text of an entry as it was parsed.
type source struct {
	raw    []byte // from { to }
	indent string // before { on its line
	orig   Entry  // the known fields as they were
}

// Format writes a list of entries, one after another on indented lines. An entry
// that came from Parse and is unchanged keeps its bytes; in one that was edited
// only the values that differ are replaced, so that unknown fields, the order of
// fields and the precision of numbers stay. Entries are not validated.
func Format(entries []Entry) ([]byte, error) {
	if len(entries) == 0 {
		return []byte("[]"), nil
	}
	model := (*source)(nil) // whose layout a new entry takes
	for _, e := range entries {
		if e.src != nil {
			model = e.src
			break
		}
	}
	var b bytes.Buffer
	b.WriteByte('[')
	for i := range entries {
		text, indent, err := entries[i].format(model)
		if err != nil {
			return nil, fmt.Errorf("format entry %d: %w", i+1, err)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		b.WriteString(indent)
		b.Write(text)
	}
	b.WriteString("\n]")
	return b.Bytes(), nil
}

func (e *Entry) format(model *source) (text []byte, indent string, err error) {
	if e.src == nil {
		return e.formatNew(model)
	}
	indent = e.src.indent
	if indent == "" {
		indent = defaultIndent
	}
	if e.Equal(e.src.orig) {
		return e.src.raw, indent, nil
	}
	obj, err := splitObject(e.src.raw)
	if err != nil {
		return nil, "", err
	}
	for _, f := range fields() {
		if f.same(e, &e.src.orig) {
			continue
		}
		v := f.value(e)
		if f.name == "path" || f.name == "topic" {
			v = must(v)
		}
		if err := obj.put(f.name, v); err != nil {
			return nil, "", err
		}
	}
	return obj.bytes(), indent, nil
}

// formatNew writes an entry that has no text, laid out like the model.
func (e *Entry) formatNew(model *source) ([]byte, string, error) {
	obj := &objectText{colon: `: `, between: " "}
	indent := defaultIndent
	if model != nil {
		if model.indent != "" {
			indent = model.indent
		}
		if m, err := splitObject(model.raw); err == nil && len(m.parts) > 0 {
			obj.colon, obj.lead, obj.between, obj.tail = m.colon, m.lead, m.between, m.tail
		}
	}
	for _, f := range fields() {
		v := f.value(e)
		if f.name == "path" || f.name == "topic" {
			v = must(v)
		}
		if err := obj.put(f.name, v); err != nil {
			return nil, "", err
		}
	}
	return obj.bytes(), indent, nil
}

// must keeps a required field in the text even when it is empty.
func must(v any) any {
	if v == nil {
		return ""
	}
	return v
}

// encode writes a value of a field as JSON on one line.
func encode(v any) ([]byte, error) {
	if p, ok := v.([]pair); ok {
		obj := &objectText{colon: `: `, between: " "}
		for _, kv := range p {
			if err := obj.put(kv.name, kv.value); err != nil {
				return nil, err
			}
		}
		return obj.bytes(), nil
	}
	if list, ok := v.([]string); ok {
		var b bytes.Buffer
		b.WriteByte('[')
		for i, s := range list {
			text, err := encode(s)
			if err != nil {
				return nil, err
			}
			if i > 0 {
				b.WriteString(", ")
			}
			b.Write(text)
		}
		b.WriteByte(']')
		return b.Bytes(), nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
