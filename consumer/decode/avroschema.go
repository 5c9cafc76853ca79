package decode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"logctl/consumer"
)

// avroKind is a kind of Avro schema.
type avroKind uint8

const (
	avroNull avroKind = iota
	avroBoolean
	avroInt
	avroLong
	avroFloat
	avroDouble
	avroBytes
	avroString
	avroRecord
	avroEnum
	avroFixed
	avroArray
	avroMap
	avroUnion
)

// avroType is a schema as far as reading values needs it. Values are read with the
// schema they were written with, so that defaults, aliases, orders and the rules for
// names mean nothing: what Java or Python once accepted is read, valid or not.
type avroType struct {
	kind     avroKind
	name     string // full name of a record, an enum or a fixed
	fields   []avroField
	symbols  []string
	item     *avroType // of an array or a map
	branches []*avroType
	size     int // of a fixed
	logical  string
	scale    int // of a decimal
}

type avroField struct {
	name string
	typ  *avroType
}

// avroNames are the named types that were met, by full name.
type avroNames map[string]*avroType

// parseAvro reads the text of a schema, which may use the types of known and adds its
// own to them.
func parseAvro(text string, known avroNames) (*avroType, error) {
	d := json.NewDecoder(bytes.NewReader(laxJSON(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	return known.parse(v, "", 0)
}

func (n avroNames) parse(v any, space string, depth int) (*avroType, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	switch s := v.(type) {
	case string:
		return n.lookup(s, space)
	case []any:
		t := &avroType{kind: avroUnion}
		for _, b := range s {
			branch, err := n.parse(b, space, depth+1)
			if err != nil {
				return nil, err
			}
			t.branches = append(t.branches, branch)
		}
		return t, nil
	case map[string]any:
		return n.object(s, space, depth)
	}
	return nil, fmt.Errorf("%v is no schema", v)
}

// lookup finds a type by its name: one of Avro's own, or one that was defined before.
func (n avroNames) lookup(name, space string) (*avroType, error) {
	if t := n.primitive(name); t != nil {
		return t, nil
	}
	if space != "" && !strings.Contains(name, ".") {
		if t := n[space+"."+name]; t != nil {
			return t, nil
		}
	}
	if t := n[name]; t != nil {
		return t, nil
	}
	return nil, fmt.Errorf("type %q is not defined", name)
}

// primitive returns one of Avro's own types, the same one wherever a schema names it;
// nil for another name. It stands under a key that no schema can define.
func (n avroNames) primitive(name string) *avroType {
	for kind, s := range []string{"null", "boolean", "int", "long", "float", "double", "bytes", "string"} {
		if s != name {
			continue
		}
		key := "\x00" + name
		if n[key] == nil {
			n[key] = &avroType{kind: avroKind(kind)}
		}
		return n[key]
	}
	return nil
}

// object reads a schema that is a JSON object.
func (n avroNames) object(o map[string]any, space string, depth int) (*avroType, error) {
	name, isName := o["type"].(string)
	if !isName { // {"type": {"type": "string"}} and the like
		return n.parse(o["type"], space, depth+1)
	}
	switch name {
	case "record", "error", "enum", "fixed":
		return n.named(name, o, space, depth)
	case "array", "map":
		t := &avroType{kind: avroArray}
		of := o["items"]
		if name == "map" {
			t.kind, of = avroMap, o["values"]
		}
		var err error
		t.item, err = n.parse(of, space, depth+1)
		return t, err
	}
	t, err := n.lookup(name, space)
	if err != nil || o["logicalType"] == nil {
		return t, err
	}
	own := *t
	own.setLogical(o)
	return &own, nil
}

// named reads a record, an enum or a fixed.
func (n avroNames) named(kind string, o map[string]any, space string, depth int) (*avroType, error) {
	t := &avroType{}
	t.name, _ = o["name"].(string)
	if given, ok := o["namespace"].(string); ok && !strings.Contains(t.name, ".") {
		space = given
	}
	if i := strings.LastIndexByte(t.name, '.'); i >= 0 {
		space = t.name[:i]
	} else if space != "" {
		t.name = space + "." + t.name
	}
	n[t.name] = t // before the fields: a record may hold itself
	switch kind {
	case "enum":
		t.kind = avroEnum
		list, _ := o["symbols"].([]any)
		for _, s := range list {
			text, ok := s.(string)
			if !ok {
				return nil, fmt.Errorf("symbol %v of %s is no text", s, t.name)
			}
			t.symbols = append(t.symbols, text)
		}
	case "fixed":
		t.kind = avroFixed
		size, ok := number(o["size"])
		if !ok || size < 0 || size > consumer.DefaultMaxMemory {
			return nil, fmt.Errorf("%s has the size %v", t.name, o["size"])
		}
		t.size = size
		t.setLogical(o)
	default:
		t.kind = avroRecord
		list, _ := o["fields"].([]any)
		for _, f := range list {
			field, ok := f.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("field %v of %s is no object", f, t.name)
			}
			fieldName, _ := field["name"].(string)
			typ, err := n.parse(field["type"], space, depth+1)
			if err != nil {
				return nil, fmt.Errorf("field %s of %s: %w", fieldName, t.name, err)
			}
			t.fields = append(t.fields, avroField{fieldName, typ})
		}
	}
	return t, nil
}

// setLogical notes a logical type that goes with the kind. One that does not is
// ignored, as Avro wants it.
func (t *avroType) setLogical(o map[string]any) {
	logical, _ := o["logicalType"].(string)
	of := map[avroKind][]string{
		avroInt:    {"date", "time-millis"},
		avroLong:   {"time-micros", "timestamp-millis", "timestamp-micros", "timestamp-nanos", "local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos"},
		avroBytes:  {"decimal", "big-decimal"},
		avroFixed:  {"decimal", "uuid", "duration"},
		avroString: {"uuid"},
	}
	for _, l := range of[t.kind] {
		if l != logical || l == "uuid" && t.kind == avroFixed && t.size != 16 || l == "duration" && t.size != 12 {
			continue
		}
		if l == "decimal" {
			precision, ok := number(o["precision"])
			scale, scaled := number(o["scale"])
			if !ok || o["scale"] != nil && !scaled || scale < 0 || scale > precision || precision > 10000 {
				continue
			}
			t.scale = scale
		}
		t.logical = l
	}
}

func number(v any) (int, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return int(i), err == nil
}

// laxJSON makes JSON of what Jackson and Python read as JSON in schemas: comments, and
// the numbers NaN and Infinity, which stand in defaults only.
func laxJSON(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		rest := s[i:]
		switch {
		case s[i] == '"':
			end := i + 1
			for end < len(s) && s[end] != '"' {
				if s[end] == '\\' {
					end++
				}
				end++
			}
			end = min(end+1, len(s))
			out = append(out, s[i:end]...)
			i = end
		case strings.HasPrefix(rest, "//"):
			i += len(rest)
			if at := strings.IndexByte(rest, '\n'); at >= 0 {
				i = i - len(rest) + at
			}
		case strings.HasPrefix(rest, "/*"):
			i += len(rest)
			if at := strings.Index(rest, "*/"); at >= 0 {
				i = i - len(rest) + at + 2
			}
		default:
			skip := 0
			for _, word := range []string{"NaN", "-Infinity", "Infinity"} {
				if strings.HasPrefix(rest, word) {
					skip = len(word)
				}
			}
			if skip > 0 {
				out = append(out, "null"...)
				i += skip
				continue
			}
			out = append(out, s[i])
			i++
		}
	}
	return out
}
