//go:build !nodemo || console

package decode

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"

	"logctl/consumer/format"
)

// msgpackDecoder turns MessagePack into JSON, in the order of the bytes. Binary
// gives base64, keys that are not strings their JSON text, a timestamp RFC 3339.
type msgpackDecoder struct{ bounds Bounds }

// notHere says whether a decoder is not in this binary: that for hosts lacks some.
func notHere(string) bool { return false }

func newMsgpack(bounds Bounds) (Decoder, error) { return msgpackDecoder{bounds}, nil }

func (m msgpackDecoder) Decode(_ context.Context, in Input, dst []byte) (Output, error) {
	src := bytes.NewReader(in.Bytes)
	d := msgpack.NewDecoder(src)
	w := msgpackWriter{d: d, bounds: m.bounds, most: len(dst) + m.bounds.record()}
	out, err := w.value(dst, 0)
	if err != nil {
		return Output{}, fmt.Errorf("msgpack: %w", err)
	}
	if _, err := d.PeekCode(); !errors.Is(err, io.EOF) {
		return Output{}, errors.New("msgpack: bytes are left over behind the value")
	}
	return Output{Bytes: out, JSON: true}, nil
}

// maxMsgpackKey bounds the JSON text of a key that is no string, bytes. It stands in the
// output as a string, and a key in a key twice so: what has to be escaped doubles with
// each level.
const maxMsgpackKey = 64 << 10

// msgpackWriter writes what d reads as JSON.
type msgpackWriter struct {
	d      *msgpack.Decoder
	bounds Bounds
	most   int // length of the output
}

func (w *msgpackWriter) value(dst []byte, depth int) ([]byte, error) {
	if depth > maxDepth {
		return dst, errDepth
	}
	if len(dst) > w.most {
		return dst, w.bounds.large()
	}
	d := w.d
	c, err := d.PeekCode()
	if err != nil {
		return dst, err
	}
	switch {
	case c == msgpcode.Nil:
		return append(dst, "null"...), d.DecodeNil()
	case c == msgpcode.True, c == msgpcode.False:
		v, err := d.DecodeBool()
		return strconv.AppendBool(dst, v), err
	case c == msgpcode.Float:
		v, err := d.DecodeFloat32()
		return appendFloat(dst, float64(v), 32), err
	case c == msgpcode.Double:
		v, err := d.DecodeFloat64()
		return appendFloat(dst, v, 64), err
	case c == msgpcode.Uint64:
		v, err := d.DecodeUint64()
		return strconv.AppendUint(dst, v, 10), err
	case msgpcode.IsFixedNum(c), c >= msgpcode.Uint8 && c <= msgpcode.Int64:
		v, err := d.DecodeInt64()
		return strconv.AppendInt(dst, v, 10), err
	case msgpcode.IsString(c):
		v, err := w.bytes()
		return format.AppendJSONString(dst, v), err
	case msgpcode.IsBin(c):
		v, err := w.bytes()
		return appendBase64(dst, v), err
	case msgpcode.IsFixedArray(c), c == msgpcode.Array16, c == msgpcode.Array32:
		return w.array(dst, depth)
	case msgpcode.IsFixedMap(c), c == msgpcode.Map16, c == msgpcode.Map32:
		return w.object(dst, depth)
	case msgpcode.IsExt(c):
		return w.extension(dst)
	}
	return dst, fmt.Errorf("unknown code %#x", c)
}

// bytes reads a string, or binary. The length that stands before it is believed only as far
// as bytes follow: the library takes memory for all of it at once.
func (w *msgpackWriter) bytes() ([]byte, error) {
	n, err := w.d.DecodeBytesLen()
	if err != nil || n <= 0 {
		return nil, err
	}
	return w.next(n)
}

// next reads n bytes.
func (w *msgpackWriter) next(n int) ([]byte, error) {
	if n < 0 || n > w.bounds.record() {
		return nil, w.bounds.large()
	}
	var body bytes.Buffer
	if _, err := io.CopyN(&body, w.d.Buffered(), int64(n)); err != nil {
		return nil, err
	}
	return body.Bytes(), nil
}

func (w *msgpackWriter) array(dst []byte, depth int) ([]byte, error) {
	n, err := w.d.DecodeArrayLen()
	if err != nil {
		return dst, err
	}
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, err = w.value(dst, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func (w *msgpackWriter) object(dst []byte, depth int) ([]byte, error) {
	n, err := w.d.DecodeMapLen()
	if err != nil {
		return dst, err
	}
	dst = append(dst, '{')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		at := len(dst)
		if dst, err = w.value(dst, depth+1); err != nil {
			return dst, err
		}
		if dst[at] != '"' {
			if len(dst)-at > maxMsgpackKey {
				return dst, fmt.Errorf("%w: a key that is no string, of more than %d bytes", errLarge, maxMsgpackKey)
			}
			key := append([]byte{}, dst[at:]...)
			dst = format.AppendJSONString(dst[:at], key)
		}
		if dst, err = w.value(append(dst, ':'), depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// extension writes an extension: type -1 is a time, others give an object of
// their type and bytes.
func (w *msgpackWriter) extension(dst []byte) ([]byte, error) {
	id, n, err := w.d.DecodeExtHeader()
	if err != nil {
		return dst, err
	}
	b, err := w.next(n)
	if err != nil {
		return dst, err
	}
	if id == -1 {
		if t, ok := msgpackTime(b); ok {
			dst = append(dst, '"')
			dst = t.UTC().AppendFormat(dst, time.RFC3339Nano)
			return append(dst, '"'), nil
		}
	}
	dst = fmt.Appendf(dst, `{"ext":%d,"data":"`, id)
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, `"}`...), nil
}

// msgpackTime reads the three forms of a timestamp.
func msgpackTime(b []byte) (time.Time, bool) {
	num := func(b []byte) (n uint64) {
		for _, c := range b {
			n = n<<8 | uint64(c)
		}
		return n
	}
	switch len(b) {
	case 4:
		return time.Unix(int64(num(b)), 0), true
	case 8:
		n := num(b)
		return time.Unix(int64(n&(1<<34-1)), int64(n>>34)), true
	case 12:
		return time.Unix(int64(num(b[4:])), int64(num(b[:4]))), true
	}
	return time.Time{}, false
}
