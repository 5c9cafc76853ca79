package decode

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"os"
	"strconv"
	"time"

	"logctl/consumer/format"
)

// avroDecoder turns Avro into JSON, with the fields in the order of the schema.
// Unions give the plain value, bytes and fixed give base64, timestamps RFC 3339,
// dates, decimals and uuids text.
type avroDecoder struct {
	registry *registry
	bounds   Bounds
	schema   *avroType // from files; nil: by registry
	cache    schemaCache[*avroType]
}

func newAvro(s Schemas, bounds Bounds) (Decoder, error) {
	d := &avroDecoder{bounds: bounds}
	if len(s.AvroFiles) > 0 {
		known := avroNames{}
		for _, path := range s.AvroFiles {
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("schema: %w", err)
			}
			if d.schema, err = parseAvro(string(text), known); err != nil {
				return nil, fmt.Errorf("schema %s: %w", path, err)
			}
		}
		return d, nil
	}
	if s.Registry == "" {
		return nil, errors.New("decode avro: needs --registry URL or --schema FILE")
	}
	var err error
	d.registry, err = newRegistry(s, bounds)
	return d, err
}

func (d *avroDecoder) Decode(ctx context.Context, in Input, dst []byte) (Output, error) {
	ref, body, err := originOf(in, d.bounds)
	if d.schema != nil {
		// A value without a frame may begin as one with a frame: what counts is which of
		// the two is a whole value. Where both are, 0 is taken for a frame and 1 and 3 are
		// not: those frames are rare, and the bytes are not.
		bodies := [][]byte{in.Bytes}
		switch {
		case err == nil && ref.kind != confluentGUID:
			bodies = [][]byte{body, in.Bytes}
		case err == nil || ref.kind == glueID:
			bodies = [][]byte{in.Bytes, body}
		}
		for _, b := range bodies[:len(bodies)-1] {
			if out, err := d.whole(dst, d.schema, b); err == nil {
				return out, nil
			}
		}
		return d.whole(dst, d.schema, bodies[len(bodies)-1])
	}
	if err != nil {
		return Output{}, err
	}
	schema, err := d.cache.get(ref, 2*d.bounds.schemas(), func() (*avroType, int, error) { return d.load(ctx, ref) })
	if err != nil {
		return Output{}, err
	}
	return d.whole(dst, schema, body)
}

// whole decodes a value that takes all of the body.
func (d *avroDecoder) whole(dst []byte, schema *avroType, body []byte) (Output, error) {
	if schema.kind == avroBytes && schema.logical == "" {
		return Output{Bytes: appendBase64(dst, bareBytes(body)), JSON: true}, nil
	}
	// Items that take no bytes (null) could be as many as a few bytes say, and names of
	// fields as long as a schema has them.
	w := avroWriter{b: body, most: len(dst) + d.bounds.record(), bounds: d.bounds}
	out, err := w.value(dst, schema, 0)
	if err == nil && len(w.b) > 0 {
		err = errors.New("bytes are left over behind the value")
	}
	if err != nil {
		return Output{}, fmt.Errorf("avro: %w", err)
	}
	return Output{Bytes: out, JSON: true}, nil
}

// bareBytes returns the bytes of a value whose whole schema is "bytes". Java's
// serializer writes them without their length, others as Avro has it.
func bareBytes(body []byte) []byte {
	if n, size := binary.Varint(body); size > 0 && n == int64(len(body)-size) {
		return body[size:]
	}
	return body
}

func (d *avroDecoder) load(ctx context.Context, ref schemaRef) (*avroType, int, error) {
	doc, err := d.registry.schema(ctx, ref)
	if err != nil {
		return nil, 0, err
	}
	if doc.Type != "" && doc.Type != "AVRO" {
		return nil, 0, fmt.Errorf("%s is %s, not AVRO", ref, doc.Type)
	}
	used, err := d.registry.withReferences(ctx, doc)
	if err != nil {
		return nil, 0, err
	}
	known := avroNames{}
	for _, u := range used {
		if _, err := parseAvro(u.text, known); err != nil {
			return nil, 0, fmt.Errorf("schema %s: %w", u.name, err)
		}
	}
	s, err := parseAvro(doc.Schema, known)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", ref, err)
	}
	return s, textOf(doc, used), nil
}

// avroWriter writes the value at the head of b as JSON.
type avroWriter struct {
	b    []byte
	most int // length of the output

	bounds Bounds
}

var (
	errEnds  = errors.New("the value ends too early for its schema")
	errLarge = errors.New("the value is too large")
)

func (w *avroWriter) take(n int) ([]byte, error) {
	if n < 0 || n > len(w.b) {
		return nil, errEnds
	}
	out := w.b[:n]
	w.b = w.b[n:]
	return out, nil
}

func (w *avroWriter) long() (int64, error) {
	n, size := binary.Varint(w.b)
	switch {
	case size == 0:
		return 0, errEnds
	case size < 0:
		return 0, errors.New("a number is longer than 64 bits")
	}
	w.b = w.b[size:]
	return n, nil
}

// bytes reads a length and as many bytes.
func (w *avroWriter) bytes() ([]byte, error) {
	n, err := w.long()
	if err != nil {
		return nil, err
	}
	if n < 0 || n > int64(len(w.b)) {
		return nil, errEnds
	}
	return w.take(int(n))
}

// value writes one value. The output is measured before each: it exceeds most by no more
// than one plain value takes.
func (w *avroWriter) value(dst []byte, t *avroType, depth int) ([]byte, error) {
	if depth > maxDepth {
		return dst, errDepth
	}
	if len(dst) > w.most {
		return dst, w.bounds.large()
	}
	switch t.kind {
	case avroRecord:
		return w.record(dst, t, depth)
	case avroUnion:
		i, err := w.long()
		if err != nil {
			return dst, err
		}
		if i < 0 || i >= int64(len(t.branches)) {
			return dst, errors.New("a union has no such branch")
		}
		return w.value(dst, t.branches[i], depth+1)
	case avroEnum:
		i, err := w.long()
		if err != nil {
			return dst, err
		}
		if i < 0 || i >= int64(len(t.symbols)) {
			return dst, fmt.Errorf("%s has no such symbol", t.name)
		}
		return format.AppendJSONString(dst, []byte(t.symbols[i])), nil
	case avroArray:
		return w.blocks(dst, '[', ']', func(dst []byte) ([]byte, error) { return w.value(dst, t.item, depth+1) })
	case avroMap:
		return w.blocks(dst, '{', '}', func(dst []byte) ([]byte, error) {
			key, err := w.bytes()
			if err != nil {
				return dst, err
			}
			dst = format.AppendJSONString(dst, key)
			return w.value(append(dst, ':'), t.item, depth+1)
		})
	case avroFixed:
		return w.fixed(dst, t)
	}
	return w.primitive(dst, t)
}

func (w *avroWriter) record(dst []byte, t *avroType, depth int) ([]byte, error) {
	dst = append(dst, '{')
	for i, f := range t.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst = format.AppendJSONString(dst, []byte(f.name)); len(dst) > w.most {
			return dst, w.bounds.large()
		}
		var err error
		if dst, err = w.value(append(dst, ':'), f.typ, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// blocks writes the items of an array or a map.
func (w *avroWriter) blocks(dst []byte, open, shut byte, item func([]byte) ([]byte, error)) ([]byte, error) {
	dst = append(dst, open)
	first := true
	for {
		n, err := w.long()
		if err != nil {
			return dst, err
		}
		if n < 0 { // the size of the block in bytes follows
			if _, err := w.long(); err != nil {
				return dst, err
			}
			n = -n
		}
		if n == 0 {
			return append(dst, shut), nil
		}
		if n < 0 {
			return dst, w.bounds.large()
		}
		for range n {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			if dst, err = item(dst); err != nil {
				return dst, err
			}
		}
	}
}

func (w *avroWriter) fixed(dst []byte, t *avroType) ([]byte, error) {
	b, err := w.take(t.size)
	if err != nil {
		return dst, err
	}
	switch t.logical {
	case "decimal":
		return appendDecimal(dst, b, t.scale), nil
	case "uuid":
		return fmt.Appendf(dst, `"%x-%x-%x-%x-%x"`, b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
	case "duration":
		le := binary.LittleEndian
		return fmt.Appendf(dst, `{"months":%d,"days":%d,"millis":%d}`, le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:])), nil
	}
	return appendBase64(dst, b), nil
}

func (w *avroWriter) primitive(dst []byte, t *avroType) ([]byte, error) {
	switch t.kind {
	case avroNull:
		return append(dst, "null"...), nil
	case avroBoolean:
		b, err := w.take(1)
		if err != nil {
			return dst, err
		}
		return strconv.AppendBool(dst, b[0] != 0), nil
	case avroInt, avroLong:
		n, err := w.long()
		if err != nil {
			return dst, err
		}
		if t.kind == avroInt && int64(int32(n)) != n {
			return dst, errors.New("an int is longer than 32 bits")
		}
		return appendAvroInt(dst, n, t.logical), nil
	case avroFloat:
		b, err := w.take(4)
		if err != nil {
			return dst, err
		}
		return appendFloat(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32), nil
	case avroDouble:
		b, err := w.take(8)
		if err != nil {
			return dst, err
		}
		return appendFloat(dst, math.Float64frombits(binary.LittleEndian.Uint64(b)), 64), nil
	}
	b, err := w.bytes()
	if err != nil {
		return dst, err
	}
	switch {
	case t.kind == avroString:
		return format.AppendJSONString(dst, b), nil
	case t.logical == "decimal":
		return appendDecimal(dst, b, t.scale), nil
	case t.logical == "big-decimal": // its scale stands behind it
		in := avroWriter{b: b}
		if n, err := in.bytes(); err == nil {
			if scale, err := in.long(); err == nil && len(in.b) == 0 && scale >= 0 && scale <= 10000 {
				return appendDecimal(dst, n, int(scale)), nil
			}
		}
	}
	return appendBase64(dst, b), nil
}

// appendAvroInt writes a number, or the time it stands for.
func appendAvroInt(dst []byte, n int64, logical string) []byte {
	layout := "2006-01-02T15:04:05.999999999Z07:00"
	var t time.Time
	switch logical {
	case "date":
		t, layout = time.Unix(n*86400, 0), "2006-01-02"
	case "time-millis":
		t, layout = time.UnixMilli(n), "15:04:05.000"
	case "time-micros":
		t, layout = time.UnixMicro(n), "15:04:05.000000"
	case "timestamp-millis":
		t = time.UnixMilli(n)
	case "timestamp-micros":
		t = time.UnixMicro(n)
	case "timestamp-nanos":
		t = time.Unix(0, n)
	case "local-timestamp-millis":
		t, layout = time.UnixMilli(n), "2006-01-02T15:04:05.999"
	case "local-timestamp-micros":
		t, layout = time.UnixMicro(n), "2006-01-02T15:04:05.999999"
	case "local-timestamp-nanos":
		t, layout = time.Unix(0, n), "2006-01-02T15:04:05.999999999"
	default:
		return strconv.AppendInt(dst, n, 10)
	}
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, layout)
	return append(dst, '"')
}

// maxDecimal is the size of a decimal that is written as a number, bytes: some 10,000
// digits. The time that takes grows with the square of the digits.
const maxDecimal = 4200

// appendDecimal writes a two's complement big-endian number, scaled, as text. One that
// is larger than maxDecimal is written in base64.
func appendDecimal(dst, b []byte, scale int) []byte {
	if len(b) > maxDecimal {
		return appendBase64(dst, b)
	}
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	r := new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
	dst = append(dst, '"')
	dst = append(dst, r.FloatString(scale)...)
	return append(dst, '"')
}
