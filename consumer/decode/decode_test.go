//go:build !nodemo || console

package decode

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/vmihailenco/msgpack/v5"

	"logctl/internal/testkit/ceiling"
)

const avroUser = `{"type":"record","name":"User","namespace":"x","fields":[
 {"name":"name","type":"string"},{"name":"age","type":["null","int"]},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
 {"name":"tags","type":{"type":"array","items":"string"}},{"name":"attrs","type":{"type":"map","values":"double"}},
 {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["A","B"]}},{"name":"raw","type":"bytes"},
 {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":6,"scale":2}},{"name":"ok","type":"boolean"},
 {"name":"next","type":["null","User"]}]}`

const protoOrder = `syntax = "proto3"; package shop;
import "common.proto"; import "google/protobuf/timestamp.proto";
message Other { message Inner { string x = 1; } }
message Order { string id = 1; int64 amount = 2; common.Money price = 3; google.protobuf.Timestamp at = 4; repeated string tags = 5; }`

const protoCommon = `syntax = "proto3"; package common; message Money { string currency = 1; }`

// stub is a schema registry with three schemas; it counts what it is asked.
func stub(t *testing.T) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if user, password, _ := r.BasicAuth(); user != "ann" || password != "secret" {
			http.Error(w, `{"error_code":401,"message":"who are you"}`, http.StatusUnauthorized)
			return
		}
		switch r.URL.Path {
		case "/schemas/ids/1":
			fmt.Fprintf(w, `{"schema":%q}`, avroUser)
		case "/schemas/ids/2":
			fmt.Fprintf(w, `{"schemaType":"PROTOBUF","schema":%q,"references":[{"name":"common.proto","subject":"common","version":4}]}`, protoOrder)
		case "/subjects/common/versions/4":
			fmt.Fprintf(w, `{"schemaType":"PROTOBUF","schema":%q}`, protoCommon)
		default:
			http.Error(w, `{"error_code":40403,"message":"Schema not found"}`, http.StatusNotFound)
		}
	}))
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "http://", "http://ann:secret@", 1), asked
}

func framed(id uint32, body ...byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, id), body...)
}

func decodeOne(t *testing.T, list string, s Schemas, in []byte) (string, bool, error) {
	t.Helper()
	d, err := New(t.Context(), list, s, Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Decode(t.Context(), Input{Topic: "t", Bytes: in}, nil)
	return string(out.Bytes), out.JSON, err
}

func avroValue(t *testing.T) []byte {
	t.Helper()
	schema, err := avro.ParseWithCache(avroUser, "", &avro.SchemaCache{})
	if err != nil {
		t.Fatal(err)
	}
	w := avro.NewWriter(nil, 256)
	w.WriteString("ann")
	w.WriteLong(1)
	w.WriteInt(33)
	w.WriteLong(1_764_000_000_123)
	w.WriteLong(2)
	w.WriteString("x")
	w.WriteString("y\n")
	w.WriteLong(0)
	w.WriteLong(1)
	w.WriteString("h")
	w.WriteDouble(1.5)
	w.WriteLong(0)
	w.WriteInt(1)
	w.WriteBytes([]byte{0, 255})
	w.WriteBytes([]byte{0xff, 0x85}) // -123
	w.WriteBool(true)
	w.WriteLong(0)
	_ = schema
	return append([]byte{}, w.Buffer()...)
}

const avroJSON = `{"name":"ann","age":33,"at":"2025-11-24T16:00:00.123Z","tags":["x","y\n"],"attrs":{"h":1.5},"kind":"B","raw":"AP8=","price":"-1.23","ok":true,"next":null}`

func TestAvro(t *testing.T) {
	url, asked := stub(t)
	d, err := New(t.Context(), "avro", Schemas{Registry: url}, Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		out, err := d.Decode(t.Context(), Input{Bytes: framed(1, avroValue(t)...)}, nil)
		if err != nil || string(out.Bytes) != avroJSON || !out.JSON {
			t.Fatalf("%s, %v", out.Bytes, err)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the registry was asked %d times, want once", n)
	}
	for range 3 {
		if _, err := d.Decode(t.Context(), Input{Bytes: framed(9, 1)}, nil); err == nil || !strings.Contains(err.Error(), "Schema not found") {
			t.Errorf("an unknown schema gives %v", err)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("a failure was asked for again at once: %d", n)
	}
	whole := framed(1, avroValue(t)...)
	for cut := range whole {
		if out, err := d.Decode(t.Context(), Input{Bytes: whole[:cut]}, nil); err == nil {
			t.Errorf("cut at %d it gives %s", cut, out.Bytes)
		}
	}
	file := filepath.Join(t.TempDir(), "user.avsc")
	if err := os.WriteFile(file, []byte(avroUser), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, _, err := decodeOne(t, "avro", Schemas{AvroFiles: []string{file}}, avroValue(t)); err != nil || out != avroJSON {
		t.Errorf("by file: %s, %v", out, err)
	}
	if _, err := New(t.Context(), "avro", Schemas{}, Bounds{}); err == nil {
		t.Error("avro without a schema is accepted")
	}
}

func TestProtobuf(t *testing.T) {
	url, _ := stub(t)
	order := []byte{0x0a, 2, 'o', '1', 0x10, 7, 0x1a, 5, 0x0a, 3, 'E', 'U', 'R', 0x22, 2, 0x08, 5, 0x2a, 1, 'a'}
	const want = `{"id":"o1","amount":"7","price":{"currency":"EUR"},"at":"1970-01-01T00:00:05Z","tags":["a"]}`
	// Message indexes: one, the second message; zigzag.
	if out, isJSON, err := decodeOne(t, "protobuf", Schemas{Registry: url}, framed(2, append([]byte{2, 2}, order...)...)); err != nil || out != want || !isJSON {
		t.Errorf("%s, %v", out, err)
	}
	if out, _, err := decodeOne(t, "protobuf", Schemas{Registry: url}, framed(2, 4, 0, 0, 0x0a, 1, 'z')); err != nil || out != `{"x":"z"}` {
		t.Errorf("nested: %s, %v", out, err)
	}
	if _, _, err := decodeOne(t, "protobuf", Schemas{Registry: url}, framed(2, 2, 20)); err == nil {
		t.Error("an index that is not there is accepted")
	}
	if _, _, err := decodeOne(t, "protobuf", Schemas{Registry: url}, framed(1, 0)); err == nil || !strings.Contains(err.Error(), "AVRO") {
		t.Errorf("an Avro schema gives %v", err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"order.proto": protoOrder, "common.proto": protoCommon} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	local := Schemas{ProtoFiles: []string{filepath.Join(dir, "order.proto")}, Message: "shop.Order"}
	for _, in := range [][]byte{order, framed(2, append([]byte{2, 2}, order...)...)} {
		if out, _, err := decodeOne(t, "protobuf", local, in); err != nil || out != want {
			t.Errorf("by file: %s, %v", out, err)
		}
	}
	local.Message = "shop.None"
	if _, err := New(t.Context(), "protobuf", local, Bounds{}); err == nil || !strings.Contains(err.Error(), "shop.Order") {
		t.Errorf("a wrong message gives %v", err)
	}
}

func TestPlainForms(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(`{"a":1}`)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	mp, err := msgpack.Marshal([]any{nil, true, int8(-3), uint64(1 << 63), 1.5, "s\n", []byte{1, 2}, map[int]string{7: "x"}, time.Unix(5, 0)})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		list, in, want string
		isJSON         bool
	}{
		{"json", `{"a": 1}`, `{"a": 1}`, true},
		{"json", string(framed(3, []byte(`[1]`)...)), `[1]`, true},
		{"hex", "68656C6c6f\n", "hello", false},
		{"base64", "aGVsbG8=", "hello", false},
		{"base64", "_-8", "\xff\xef", false},
		{"gzip", packed.String(), `{"a":1}`, false},
		{"gzip,json", packed.String(), `{"a":1}`, true},
		{"msgpack", string(mp), `[null,true,-3,9223372036854775808,1.5,"s\n","AQI=",{"7":"x"},"1970-01-01T00:00:05Z"]`, true},
	} {
		out, isJSON, err := decodeOne(t, tc.list, Schemas{}, []byte(tc.in))
		if err != nil || out != tc.want || isJSON != tc.isJSON {
			t.Errorf("%s of %q gives %q, %v, %v", tc.list, tc.in, out, isJSON, err)
		}
	}
	for _, list := range []string{"json", "hex", "base64", "gzip", "msgpack"} {
		if out, _, err := decodeOne(t, list, Schemas{}, []byte("%no %such")); err == nil {
			t.Errorf("%s gives %q", list, out)
		}
	}
	if _, err := New(t.Context(), "rot13", Schemas{}, Bounds{}); err == nil {
		t.Error("rot13 is accepted")
	}
	show, err := Show("hex")
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(t.Context(), "base64", Schemas{}, Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := Join(d, show).Decode(t.Context(), Input{Bytes: []byte("aGk=")}, nil); err != nil || string(out.Bytes) != "6869" {
		t.Errorf("joined: %q, %v", out.Bytes, err)
	}
}

func FuzzMsgpack(f *testing.F) {
	f.Add([]byte{0x81, 0xa1, 'a', 0x92, 1, 0xc0})
	f.Add(append(bytes.Repeat([]byte{0x81}, 30), bytes.Repeat([]byte{0xa1, '"'}, 31)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		ceiling.Within(t, 64<<20, func() { _, _ = msgpackDecoder{small()}.Decode(t.Context(), Input{Bytes: b}, nil) })
	})
}

// TestMsgpackLengthsAreNotBelieved: a length that stands before bytes takes no memory
// beyond what follows, nor beyond the bound of a value.
func TestMsgpackLengthsAreNotBelieved(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"binary beyond the bound", []byte{0xc6, 0, 0x20, 0, 0, 'a'}, errLarge},
		{"a string beyond the bound", []byte{0xdb, 0, 0x20, 0, 0, 'a'}, errLarge},
		{"an extension beyond the bound", []byte{0xc9, 0, 0x20, 0, 0, 5, 'a'}, errLarge},
		{"binary that ends before", []byte{0xc5, 0x40, 0, 'a', 'b'}, io.EOF},
		{"a string that ends before", []byte{0xda, 0x40, 0, 'a', 'b'}, io.EOF},
	} {
		ceiling.Within(t, 256<<10, func() {
			if _, err := (msgpackDecoder{small()}).Decode(t.Context(), Input{Bytes: c.b}, nil); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
		})
	}
}

// A value that cannot be decoded says nothing of those after it.
func TestAvroGoesOnBehindABadValue(t *testing.T) {
	file := filepath.Join(t.TempDir(), "user.avsc")
	if err := os.WriteFile(file, []byte(avroUser), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := New(t.Context(), "avro", Schemas{AvroFiles: []string{file}}, Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	good := avroValue(t)
	for _, bad := range [][]byte{good[:len(good)-3], append(bytes.Clone(good), 1), {0xff}} {
		if out, err := d.Decode(t.Context(), Input{Bytes: bad}, nil); err == nil {
			t.Errorf("%x is %s", bad, out.Bytes)
		}
		for _, b := range [][]byte{good, framed(1, good...)} {
			if out, err := d.Decode(t.Context(), Input{Bytes: b}, nil); err != nil || string(out.Bytes) != avroJSON {
				t.Fatalf("behind %x: %s, %v", bad, out.Bytes, err)
			}
		}
	}
}

// A value of a local schema may begin as the frame of a registry does.
func TestAvroWithoutAFrameMayBeginWithZero(t *testing.T) {
	file := filepath.Join(t.TempDir(), "n.avsc")
	if err := os.WriteFile(file, []byte(`{"type":"record","name":"N","fields":[{"name":"n","type":"long"},{"name":"s","type":"string"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	value := append([]byte{0, 12}, "abcdef"...) // n 0, s of six bytes
	if out, _, err := decodeOne(t, "avro", Schemas{AvroFiles: []string{file}}, value); err != nil || out != `{"n":0,"s":"abcdef"}` {
		t.Errorf("%s, %v", out, err)
	}
	if out, _, err := decodeOne(t, "avro", Schemas{AvroFiles: []string{file}}, framed(7, value...)); err != nil || out != `{"n":0,"s":"abcdef"}` {
		t.Errorf("framed: %s, %v", out, err)
	}
}
