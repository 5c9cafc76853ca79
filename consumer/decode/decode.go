package decode

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"logctl/consumer"
)

// Input is what a Decoder is given.
type Input struct {
	Topic string
	Bytes []byte // of the key or the value; never nil
	Key   bool   // they are a key

	Headers []consumer.Header // of the record: they may name the schema
}

// Output is the decoded form.
type Output struct {
	Bytes []byte
	JSON  bool // Bytes is JSON text
}

// Decoder turns bytes into a readable form, appended to dst, which it may ignore.
type Decoder interface {
	Decode(ctx context.Context, in Input, dst []byte) (Output, error)
}

// Names returns what New knows, for completion.
func Names() []string {
	names := []string{"json", "hex", "base64", "gzip", "msgpack", "avro", "protobuf"}
	for _, n := range numberDecoders() {
		names = append(names, n.name)
	}
	return slices.DeleteFunc(names, notHere)
}

// New returns the decoder for a list of names like "gzip,json", applied in order.
// "" gives nil. ctx bounds the compiling of local schemas. A value that would exceed
// bounds is an error of Decode, and the next one can be decoded.
func New(ctx context.Context, list string, s Schemas, bounds Bounds) (Decoder, error) {
	if list == "" {
		return nil, nil //nolint:nilnil // no decoder is a valid answer
	}
	var c chain
	for name := range strings.SplitSeq(list, ",") {
		d, err := one(ctx, strings.TrimSpace(name), s, bounds)
		if err != nil {
			return nil, err
		}
		c = append(c, d)
	}
	if len(c) == 1 {
		return c[0], nil
	}
	return c, nil
}

func one(ctx context.Context, name string, s Schemas, bounds Bounds) (Decoder, error) {
	switch name {
	case "json":
		return jsonDecoder{bounds}, nil
	case "hex":
		return hexDecoder{}, nil
	case "base64":
		return base64Decoder{}, nil
	case "gzip":
		return &gzipDecoder{bounds: bounds}, nil
	case "msgpack":
		return newMsgpack(bounds)
	case "avro":
		return newAvro(s, bounds)
	case "protobuf":
		return newProtobuf(ctx, s, bounds)
	}
	for _, n := range numberDecoders() {
		if n.name == name {
			return n, nil
		}
	}
	return nil, fmt.Errorf("decode %q: want %s", name, strings.Join(Names(), ", "))
}

// chain applies decoders one after another.
type chain []Decoder

func (c chain) Decode(ctx context.Context, in Input, dst []byte) (Output, error) {
	out := Output{Bytes: in.Bytes}
	for i, d := range c {
		if i > 0 {
			dst = nil
		}
		var err error
		if out, err = d.Decode(ctx, in, dst); err != nil {
			return Output{}, err
		}
		in.Bytes = out.Bytes
	}
	return out, nil
}

// jsonDecoder checks that the bytes are JSON, behind the frame of a registry if they
// have one, so that they are printed as JSON and not as a string.
type jsonDecoder struct{ bounds Bounds }

func (d jsonDecoder) Decode(_ context.Context, in Input, dst []byte) (Output, error) {
	b := in.Bytes
	if _, rest, err := originOf(Input{Bytes: b}, d.bounds); rest != nil && (err == nil || !json.Valid(b)) {
		b = rest
	}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) // a byte order mark is none of JSON's
	if !json.Valid(b) {
		return Output{}, errors.New("it is no JSON")
	}
	return Output{Bytes: append(dst, b...), JSON: true}, nil
}

type hexDecoder struct{}

func (hexDecoder) Decode(_ context.Context, in Input, dst []byte) (Output, error) {
	out, err := hex.AppendDecode(dst, []byte(strings.TrimSpace(string(in.Bytes))))
	if err != nil {
		return Output{}, errors.New("it is no hex text")
	}
	return Output{Bytes: out}, nil
}

type base64Decoder struct{}

func (base64Decoder) Decode(_ context.Context, in Input, dst []byte) (Output, error) {
	text := []byte(strings.TrimSpace(string(in.Bytes)))
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if out, err := enc.AppendDecode(dst, text); err == nil {
			return Output{Bytes: out}, nil
		}
	}
	return Output{}, errors.New("it is no base64 text")
}

// Show returns a decoder for the name of a readable form of any bytes: hex or
// base64.
func Show(name string) (Decoder, error) {
	switch name {
	case "":
		return nil, nil //nolint:nilnil // no decoder is a valid answer
	case "hex":
		return showHex{}, nil
	case "base64":
		return showBase64{}, nil
	}
	return nil, fmt.Errorf("show %q: want hex or base64", name)
}

type showHex struct{}

func (showHex) Decode(_ context.Context, in Input, dst []byte) (Output, error) {
	return Output{Bytes: hex.AppendEncode(dst, in.Bytes)}, nil
}

type showBase64 struct{}

func (showBase64) Decode(_ context.Context, in Input, dst []byte) (Output, error) {
	return Output{Bytes: base64.StdEncoding.AppendEncode(dst, in.Bytes)}, nil
}

// Join applies a and then b; either may be nil.
func Join(a, b Decoder) Decoder {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return chain{a, b}
}
