//go:build !nodemo || console

package decode

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"logctl/internal/testkit/ceiling"
)

// small are bounds that a few bytes would exceed a thousand times.
func small() Bounds { return Bounds{Record: 1 << 20, Memory: 32 << 20} }

func schemaFile(t testing.TB, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Values of a few bytes, or of some, that would take much more when they are decoded are
// an error within the bounds, and the next value is decoded.
func TestCostlyValuesAreRefused(t *testing.T) {
	field := func(n protowire.Number, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), v)
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write(make([]byte, 64<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	proto := schemaFile(t, "m.proto", `syntax = "proto3"; package p; import "google/protobuf/any.proto";
message M { repeated M m = 1; repeated int32 i = 2; map<int32, M> x = 3; google.protobuf.Any any = 4; repeated E e = 5; string s = 6; M one = 7; }
enum E { `+strings.Repeat("LONG", 2000)+` = 0; }`)
	local := Schemas{ProtoFiles: []string{proto}, Message: "p.M"}
	packed := bytes.Repeat(field(1, nil), 1<<20)
	deep := field(6, []byte("x"))
	for range maxDepth + 1 {
		deep = field(7, deep)
	}
	for name, tc := range map[string]struct {
		decode  string
		schemas Schemas
		body    []byte
		good    []byte
	}{
		"keys in keys":          {"msgpack", Schemas{}, append(bytes.Repeat([]byte{0x81}, 60), bytes.Repeat([]byte{0xa1, '"', 0x01}, 61)...), []byte{0x81, 0x01, 0x02}},
		"an unpacked bomb":      {"gzip", Schemas{}, zipped.Bytes(), nil},
		"items of no bytes":     {"avro", Schemas{AvroFiles: []string{schemaFile(t, "a.avsc", `{"type":"array","items":"null"}`)}}, binary.AppendVarint(nil, 1<<60), []byte{0}},
		"long names of fields":  {"avro", Schemas{AvroFiles: []string{schemaFile(t, "n.avsc", `{"type":"array","items":{"type":"record","name":"R","fields":[{"name":"`+strings.Repeat("n", 50000)+`","type":"null"}]}}`)}}, binary.AppendVarint(nil, 1<<40), []byte{0}},
		"messages of two bytes": {"protobuf", local, packed, field(6, []byte("x"))},
		"numbers of one byte":   {"protobuf", local, field(2, make([]byte, 4<<20)), field(2, []byte{1})},
		"entries of a map":      {"protobuf", local, bytes.Repeat(field(3, nil), 1<<20), field(3, nil)},
		"long names of values":  {"protobuf", local, field(5, make([]byte, 1<<16)), field(5, []byte{0})},
		"inside of an Any":      {"protobuf", local, field(4, append(field(1, []byte("x/p.M")), field(2, packed)...)), field(4, append(field(1, []byte("x/p.M")), field(2, nil)...))},
		"an Any in two parts":   {"protobuf", local, append(field(4, field(1, []byte("x/p.M"))), field(4, field(2, packed))...), nil},
		"nested deeply":         {"protobuf", local, deep, field(7, field(6, []byte("x")))},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := New(t.Context(), tc.decode, tc.schemas, small())
			if err != nil {
				t.Fatal(err)
			}
			heap := ceiling.PeakHeap(func() { _, err = d.Decode(t.Context(), Input{Bytes: tc.body}, nil) })
			if !errors.Is(err, errLarge) && !errors.Is(err, errCostly) && !errors.Is(err, errDepth) {
				t.Errorf("%v", err)
			}
			if heap > 64<<20 {
				t.Errorf("%d MiB for %d bytes", heap>>20, len(tc.body))
			}
			if tc.good != nil {
				if out, err := d.Decode(t.Context(), Input{Bytes: tc.good}, nil); err != nil || !json.Valid(out.Bytes) {
					t.Errorf("the next value: %s, %v", out.Bytes, err)
				}
			}
		})
	}
}

// What is usual is not refused: a megabyte of messages with some fields each.
func TestUsualValuesAreDecoded(t *testing.T) {
	proto := schemaFile(t, "m.proto", `syntax = "proto3"; message M { repeated N n = 1; } message N { string a = 1; int64 b = 2; }`)
	d, err := New(t.Context(), "protobuf", Schemas{ProtoFiles: []string{proto}, Message: "M"}, Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	var body []byte
	for len(body) < 1<<20 {
		one := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "a name of some length")
		one = protowire.AppendVarint(protowire.AppendTag(one, 2, protowire.VarintType), 1<<40)
		body = protowire.AppendBytes(protowire.AppendTag(body, 1, protowire.BytesType), one)
	}
	if out, err := d.Decode(t.Context(), Input{Bytes: body}, nil); err != nil || !json.Valid(out.Bytes) {
		t.Errorf("%v", err)
	}
}

// hostileRegistry answers every schema with text that refers to the next one, to the
// 112th; or redirects.
func hostileRegistry(t *testing.T, kind string, text func(i int) string) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := 0
		_, _ = fmt.Sscanf(r.URL.Path, "/subjects/s%d/versions/1", &i)
		refs := ""
		if i < 112 {
			refs = fmt.Sprintf(`{"name":"s%d.proto","subject":"s%d","version":1}`, i+1, i+1)
		}
		_, _ = w.Write([]byte(doc(kind, text(i), refs)))
	}))
	t.Cleanup(s.Close)
	return s
}

// A chain of 112 schemas costs no more than the bound of their text lets it.
func TestChainsOfSchemasAreBounded(t *testing.T) {
	messages := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "message M%d{int32 a=1;string b=2;}", i)
		}
		return b.String()
	}
	large := messages(20000)
	half := messages(480)
	for name, tc := range map[string]struct {
		kind, decode string
		text         func(i int) string
		fails        bool
	}{
		"avro, large": {"AVRO", "avro", func(int) string { return `["int"` + strings.Repeat(`,"int"`, 1<<20) + `]` }, true},
		"avro, many": {"AVRO", "avro", func(i int) string {
			return fmt.Sprintf(`{"type":"record","name":"R%d","fields":[{"name":"a","type":["int"%s]}]}`, i, strings.Repeat(`,"int"`, 5000))
		}, false},
		"protobuf, large": {"PROTOBUF", "protobuf", func(i int) string {
			return fmt.Sprintf("syntax=\"proto3\"; package p%d; import public \"s%d.proto\"; %s", i, i+1, large)
		}, true},
		"protobuf, many": {"PROTOBUF", "protobuf", func(i int) string {
			next := fmt.Sprintf("import public \"s%d.proto\";", i+1)
			if i == 112 {
				next = ""
			}
			return fmt.Sprintf("syntax=\"proto3\"; package p%d; %s %s", i, next, half)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := hostileRegistry(t, tc.kind, tc.text)
			d, err := New(t.Context(), tc.decode, Schemas{Registry: s.URL}, Bounds{})
			if err != nil {
				t.Fatal(err)
			}
			heap := ceiling.PeakHeap(func() { _, err = d.Decode(t.Context(), Input{Bytes: framed(1, 0, 0)}, nil) })
			t.Logf("%d MiB: %v", heap>>20, err)
			if heap > 300<<20 {
				t.Errorf("%d MiB", heap>>20)
			}
			if tc.fails && (err == nil || !strings.Contains(err.Error(), "bytes")) {
				t.Errorf("%v", err)
			}
		})
	}
}

// Records that name ever other schemas do not fill the memory.
func TestSchemasAreKeptWithinABound(t *testing.T) {
	c := schemaCache[int]{}
	loads := 0
	get := func(id uint64, size int, fails error) {
		_, _ = c.get(schemaRef{kind: confluentID, id: id}, 1000, func() (int, int, error) { loads++; return 0, size, fails })
	}
	for id := range uint64(2000) {
		get(id, 1, nil)
		get(0, 1, nil)
		get(1<<30+id, 0, errLarge)
	}
	if len(c.known) > maxCached {
		t.Errorf("%d schemas are kept", len(c.known))
	}
	if loads != 4000 {
		t.Errorf("%d loads: the one that is used always was dropped", loads)
	}
	get(1<<40, 990, nil)
	if c.size > 1000 {
		t.Errorf("%d bytes are kept", c.size)
	}
	get(1<<41, 5000, nil) // larger than all may be: kept alone
	if len(c.known) != 1 || c.size != 5000 {
		t.Errorf("%d, %d bytes", len(c.known), c.size)
	}
}

// The password is for the server that was configured: a redirect to another port, host
// or scheme does not get it, one on the same server does.
func TestRedirectsDoNotGetThePassword(t *testing.T) {
	const answer = `{"schema":"\"string\""}`
	seen := make(chan string, 10)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("Authorization")
		if r.URL.Path == "/closed" {
			http.Error(w, `{"message":"who are you"}`, http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(elsewhere.Close)
	password := schemaFile(t, "password", "secret\n")
	for name, tc := range map[string]struct {
		to    string
		token bool
		want  string // of what the other server gets
		fails string
	}{
		"another port":                  {to: elsewhere.URL + "/open"},
		"another port, with a token":    {to: elsewhere.URL + "/open", token: true},
		"another port wants a login":    {to: elsewhere.URL + "/closed", fails: "which is not given the login"},
		"another name of the same host": {to: strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1) + "/open"},
		"the same server":               {to: "/there", want: "Basic " + base64.StdEncoding.EncodeToString([]byte("u:secret"))},
	} {
		t.Run(name, func(t *testing.T) {
			first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/there" {
					seen <- r.Header.Get("Authorization")
					_, _ = w.Write([]byte(answer))
					return
				}
				http.Redirect(w, r, tc.to, http.StatusFound)
			}))
			t.Cleanup(first.Close)
			s := Schemas{Registry: first.URL, User: "u", PasswordFile: password}
			if tc.token {
				s = Schemas{Registry: first.URL, TokenFile: password}
			}
			_, _, err := decodeOne(t, "avro", s, framed(1, 2, 'x'))
			if got := <-seen; got != tc.want {
				t.Errorf("the other server got %q, want %q", got, tc.want)
			}
			if tc.fails == "" && err != nil || tc.fails != "" && (err == nil || !strings.Contains(err.Error(), tc.fails)) {
				t.Errorf("%v, want %q", err, tc.fails)
			}
		})
	}
}

// stubRegistry answers every question with the same bytes.
type stubRegistry struct {
	body []byte
	kind string
}

func (r stubRegistry) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Status: "200 OK", Request: req, Header: http.Header{"X-Registry-Artifacttype": {r.kind}}, Body: io.NopCloser(bytes.NewReader(r.body))}, nil
}

// FuzzRegistry decodes values with the schema that a hostile registry answers.
func FuzzRegistry(f *testing.F) {
	f.Add([]byte(doc("AVRO", avroUser, "")), []byte{0, 0, 0, 0, 1, 2, 'x', 0}, false)
	f.Add([]byte(doc("AVRO", `{"type":"array","items":"null"}`, `{"name":"a","subject":"s","version":1}`)), []byte{0, 0, 0, 0, 1, 255, 255, 255, 255, 15}, false)
	f.Add([]byte(doc("PROTOBUF", protoCommon, "")), []byte{0, 0, 0, 0, 1, 0, 10, 1, 'a'}, true)
	f.Add([]byte(doc("PROTOBUF", `syntax = "proto3"; message M { repeated M m = 1; map<int32, M> x = 2; }`, "")), []byte{0, 0, 0, 0, 1, 0, 10, 0, 10, 0, 18, 0}, true)
	f.Add([]byte(`syntax = "proto2"; package p; message A { extensions 4 to max; optional group G = 1 { optional int32 x = 2; } }`), []byte{0, 0, 0, 0, 0, 0, 0, 0, 1, 11, 16, 1, 12}, true)
	f.Fuzz(func(t *testing.T, answer, value []byte, proto bool) {
		name, kind := "avro", "AVRO"
		if proto {
			name, kind = "protobuf", "PROTOBUF"
		}
		ceiling.Within(t, 64<<20, func() {
			d, err := New(t.Context(), name, Schemas{Registry: "http://registry"}, small())
			if err != nil {
				t.Fatal(err)
			}
			switch d := d.(type) {
			case *avroDecoder:
				d.registry.client.Transport = stubRegistry{answer, kind}
			case *protobufDecoder:
				d.registry.client.Transport = stubRegistry{answer, kind}
			}
			out, err := d.Decode(t.Context(), Input{Bytes: value}, nil)
			if err == nil && !json.Valid(out.Bytes) {
				t.Errorf("%q gives %q", value, out.Bytes)
			}
		})
	})
}
