//go:build !nodemo

package decode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"strconv"
	"time"

	"github.com/hamba/avro/v2"

	"logctl/consumer/format"
)

// avroDecoder turns Avro into JSON, with the fields in the order of the schema.
// Unions give the plain value, bytes and fixed give base64, timestamps RFC 3339,
// dates and decimals text.
type avroDecoder struct {
	registry *registry
	schema   avro.Schema // from files; nil: by registry
	cache    schemaCache[avro.Schema]
	reader   *avro.Reader
}

func newAvro(s Schemas) (Decoder, error) {
	cfg := avro.Config{MaxByteSliceSize: maxUnpacked}.Freeze()
	d := &avroDecoder{reader: avro.NewReader(nil, 0, avro.WithReaderConfig(cfg))}
	if len(s.AvroFiles) > 0 {
		known := &avro.SchemaCache{}
		for _, path := range s.AvroFiles {
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("schema: %w", err)
			}
			if d.schema, err = avro.ParseBytesWithCache(text, "", known); err != nil {
				return nil, fmt.Errorf("schema %s: %w", path, err)
			}
		}
		return d, nil
	}
	if s.Registry == "" {
		return nil, errors.New("decode avro: needs --registry URL or --schema FILE")
	}
	var err error
	d.registry, err = newRegistry(s)
	return d, err
}

func (d *avroDecoder) Decode(ctx context.Context, in Input, dst []byte) (Output, error) {
	id, rest, frameErr := registryFrame(in.Bytes)
	if d.schema != nil {
		// A value without a frame may begin with a zero byte as well: what counts is
		// which of the two is a whole value.
		if frameErr == nil {
			if out, err := d.whole(dst, d.schema, rest); err == nil {
				return out, nil
			}
		}
		return d.whole(dst, d.schema, in.Bytes)
	}
	if frameErr != nil {
		return Output{}, frameErr
	}
	schema, err := d.cache.get(id, func() (avro.Schema, error) { return d.load(ctx, id) })
	if err != nil {
		return Output{}, err
	}
	return d.whole(dst, schema, rest)
}

// whole decodes a value that takes all of the body.
func (d *avroDecoder) whole(dst []byte, schema avro.Schema, body []byte) (Output, error) {
	w := avroWriter{r: d.reader.Reset(body)}
	w.r.Error = nil // Reset keeps that of the value before
	out, err := w.value(dst, schema, 0)
	switch {
	case errors.Is(w.r.Error, io.EOF), errors.Is(err, io.EOF):
		err = errors.New("the value ends too early for its schema")
	case err != nil:
	case w.r.Error != nil:
		err = w.r.Error
	default:
		if w.r.Peek(); w.r.Error == nil {
			err = errors.New("bytes are left over behind the value")
		}
	}
	if err != nil {
		return Output{}, fmt.Errorf("avro: %w", err)
	}
	return Output{Bytes: out, JSON: true}, nil
}

func (d *avroDecoder) load(ctx context.Context, id int) (avro.Schema, error) {
	doc, err := d.registry.byID(ctx, id)
	if err != nil {
		return nil, err
	}
	if doc.Type != "" && doc.Type != "AVRO" {
		return nil, fmt.Errorf("schema %d is %s, not AVRO", id, doc.Type)
	}
	used, err := d.registry.withReferences(ctx, doc)
	if err != nil {
		return nil, err
	}
	known := &avro.SchemaCache{}
	for _, u := range used {
		if _, err := avro.ParseWithCache(u.text, "", known); err != nil {
			return nil, fmt.Errorf("schema %s: %w", u.name, err)
		}
	}
	s, err := avro.ParseWithCache(doc.Schema, "", known)
	if err != nil {
		return nil, fmt.Errorf("schema %d: %w", id, err)
	}
	return s, nil
}

// avroWriter writes the value that a reader stands at as JSON.
type avroWriter struct{ r *avro.Reader }

func (w avroWriter) value(dst []byte, schema avro.Schema, depth int) ([]byte, error) {
	if depth > maxDepth {
		return dst, errDepth
	}
	switch s := schema.(type) {
	case *avro.RefSchema:
		return w.value(dst, s.Schema(), depth)
	case *avro.RecordSchema:
		return w.record(dst, s, depth)
	case *avro.UnionSchema:
		i := int(w.r.ReadLong())
		if w.r.Error != nil || i < 0 || i >= len(s.Types()) {
			return dst, errors.New("a union has no such branch")
		}
		return w.value(dst, s.Types()[i], depth+1)
	case *avro.EnumSchema:
		sym, ok := s.Symbol(int(w.r.ReadInt()))
		if !ok {
			return dst, fmt.Errorf("%s has no such symbol", s.Name())
		}
		return format.AppendJSONString(dst, []byte(sym)), nil
	case *avro.ArraySchema:
		return w.blocks(dst, '[', ']', func(dst []byte) ([]byte, error) { return w.value(dst, s.Items(), depth+1) })
	case *avro.MapSchema:
		return w.blocks(dst, '{', '}', func(dst []byte) ([]byte, error) {
			dst = format.AppendJSONString(dst, []byte(w.r.ReadString()))
			return w.value(append(dst, ':'), s.Values(), depth+1)
		})
	case *avro.FixedSchema:
		return w.fixed(dst, s)
	case *avro.NullSchema:
		return append(dst, "null"...), nil
	case *avro.PrimitiveSchema:
		return w.primitive(dst, s)
	}
	return dst, fmt.Errorf("type %s is not supported", schema.Type())
}

func (w avroWriter) record(dst []byte, s *avro.RecordSchema, depth int) ([]byte, error) {
	dst = append(dst, '{')
	for i, f := range s.Fields() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = format.AppendJSONString(dst, []byte(f.Name()))
		var err error
		if dst, err = w.value(append(dst, ':'), f.Type(), depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// blocks writes the items of an array or a map.
func (w avroWriter) blocks(dst []byte, open, shut byte, item func([]byte) ([]byte, error)) ([]byte, error) {
	dst = append(dst, open)
	first := true
	for {
		n, _ := w.r.ReadBlockHeader()
		if w.r.Error != nil {
			return dst, w.r.Error
		}
		if n == 0 {
			return append(dst, shut), nil
		}
		for range n {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			var err error
			if dst, err = item(dst); err != nil {
				return dst, err
			}
			if w.r.Error != nil {
				return dst, w.r.Error
			}
		}
	}
}

func (w avroWriter) fixed(dst []byte, s *avro.FixedSchema) ([]byte, error) {
	b := make([]byte, s.Size())
	w.r.Read(b)
	if dec, ok := s.Logical().(*avro.DecimalLogicalSchema); ok {
		return appendDecimal(dst, b, dec.Scale()), nil
	}
	return appendBase64(dst, b), nil
}

func (w avroWriter) primitive(dst []byte, s *avro.PrimitiveSchema) ([]byte, error) {
	var logical avro.LogicalType
	if s.Logical() != nil {
		logical = s.Logical().Type()
	}
	switch s.Type() {
	case avro.Boolean:
		return strconv.AppendBool(dst, w.r.ReadBool()), nil
	case avro.Int:
		return appendAvroInt(dst, int64(w.r.ReadInt()), logical), nil
	case avro.Long:
		return appendAvroInt(dst, w.r.ReadLong(), logical), nil
	case avro.Float:
		return appendFloat(dst, float64(w.r.ReadFloat()), 32), nil
	case avro.Double:
		return appendFloat(dst, w.r.ReadDouble(), 64), nil
	case avro.String:
		return format.AppendJSONString(dst, []byte(w.r.ReadString())), nil
	case avro.Bytes:
		b := w.r.ReadBytes()
		if dec, ok := s.Logical().(*avro.DecimalLogicalSchema); ok {
			return appendDecimal(dst, b, dec.Scale()), nil
		}
		return appendBase64(dst, b), nil
	case avro.Null:
		return append(dst, "null"...), nil
	}
	return dst, fmt.Errorf("type %s is not supported", s.Type())
}

// appendAvroInt writes a number, or the time it stands for.
func appendAvroInt(dst []byte, n int64, logical avro.LogicalType) []byte {
	layout := "2006-01-02T15:04:05.999999999Z07:00"
	var t time.Time
	switch logical {
	case avro.Date:
		t, layout = time.Unix(n*86400, 0), "2006-01-02"
	case avro.TimeMillis:
		t, layout = time.UnixMilli(n), "15:04:05.000"
	case avro.TimeMicros:
		t, layout = time.UnixMicro(n), "15:04:05.000000"
	case avro.TimestampMillis:
		t = time.UnixMilli(n)
	case avro.TimestampMicros:
		t = time.UnixMicro(n)
	case avro.LocalTimestampMillis:
		t, layout = time.UnixMilli(n), "2006-01-02T15:04:05.999"
	case avro.LocalTimestampMicros:
		t, layout = time.UnixMicro(n), "2006-01-02T15:04:05.999999"
	default:
		return strconv.AppendInt(dst, n, 10)
	}
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, layout)
	return append(dst, '"')
}

// appendDecimal writes a two's complement big-endian number, scaled, as text.
func appendDecimal(dst, b []byte, scale int) []byte {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	r := new(big.Rat).SetFrac(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
	dst = append(dst, '"')
	dst = append(dst, r.FloatString(scale)...)
	return append(dst, '"')
}
