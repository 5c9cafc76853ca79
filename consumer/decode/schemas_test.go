//go:build !nodemo || console

package decode

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"logctl/consumer"
	"logctl/internal/testkit/ceiling"
	"logctl/internal/tlsfile"
)

// Schemas that Java or Python reads, valid or not, with a value and its JSON.
func TestAvroSchemasOfOtherLanguages(t *testing.T) {
	for name, tc := range map[string]struct {
		schema string
		body   []byte
		want   string
	}{
		"union default of the second branch": {`{"type":"record","name":"R","fields":[{"name":"a","type":["null","string"],"default":"x"}]}`, []byte{2, 2, 'a'}, `{"a":"a"}`},
		"NaN as a default":                   {`{"type":"record","name":"R","fields":[{"name":"a","type":"double","default":NaN},{"name":"b","type":"float","default":-Infinity}]}`, make([]byte, 12), `{"a":0,"b":0}`},
		"comments":                           {"/* one */ {\"type\":\"record\", // two\n\"name\":\"R\",\"fields\":[{\"name\":\"a // b\",\"type\":\"int\"}]}", []byte{2}, `{"a // b":1}`},
		"dashes":                             {`{"type":"record","name":"my-rec","namespace":"com.my-org","aliases":["old-name"],"fields":[{"name":"a-b","type":{"type":"enum","name":"e-1","symbols":["x-y"]}},{"name":"c","type":"e-1"}]}`, []byte{0, 0}, `{"a-b":"x-y","c":"x-y"}`},
		"defaults of another type":           {`{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"none"},{"name":"b","type":{"type":"array","items":"int"},"default":null}]}`, []byte{2, 0}, `{"a":1,"b":[]}`},
		"uuid on fixed":                      {`{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}`, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, `"00010203-0405-0607-0809-0a0b0c0d0e0f"`},
		"nanos":                              {`{"type":"long","logicalType":"timestamp-nanos"}`, binary.AppendVarint(nil, 1_700_000_000_123_456_789), `"2023-11-14T22:13:20.123456789Z"`},
		"local nanos":                        {`{"type":"long","logicalType":"local-timestamp-nanos"}`, binary.AppendVarint(nil, 1), `"1970-01-01T00:00:00.000000001"`},
		"logical type of another type":       {`{"type":"string","logicalType":"timestamp-millis"}`, []byte{2, 'x'}, `"x"`},
		"duration":                           {`{"type":"fixed","name":"D","size":12,"logicalType":"duration"}`, []byte{1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0}, `{"months":1,"days":2,"millis":3}`},
		"big-decimal":                        {`{"type":"bytes","logicalType":"big-decimal"}`, []byte{6, 2, 0x7b, 4}, `"1.23"`},
		"bytes with a length":                {`"bytes"`, []byte{4, 1, 2}, `"AQI="`},
		"bytes without a length":             {`"bytes"`, []byte{0xff, 1, 2}, `"/wEC"`},
		"nested type objects":                {`{"type":{"type":{"type":"string"}}}`, []byte{2, 'x'}, `"x"`},
		"a name of another space":            {`{"type":"record","name":"a.b.R","fields":[{"name":"x","type":{"type":"fixed","name":"F","size":1}},{"name":"y","type":"a.b.F"},{"name":"z","type":["null","R"]}]}`, []byte{1, 2, 0}, `{"x":"AQ==","y":"Ag==","z":null}`},
		"blocks with sizes":                  {`{"type":"map","values":"int"}`, []byte{1, 8, 2, 'k', 2, 0}, `{"k":1}`},
	} {
		file := filepath.Join(t.TempDir(), "s.avsc")
		if err := os.WriteFile(file, []byte(tc.schema), 0o600); err != nil {
			t.Fatal(err)
		}
		out, isJSON, err := decodeOne(t, "avro", Schemas{AvroFiles: []string{file}}, tc.body)
		if err != nil || out != tc.want || !isJSON || !json.Valid([]byte(out)) {
			t.Errorf("%s: %s, %v, want %s", name, out, err, tc.want)
		}
	}
}

// A schema of a few bytes must not make output without end.
func TestAvroOfHugeCountsEnds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.avsc")
	if err := os.WriteFile(file, []byte(`{"type":"array","items":"null"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := decodeOne(t, "avro", Schemas{AvroFiles: []string{file}}, binary.AppendVarint(nil, 1<<60))
	if err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("%v", err)
	}
}

// answers is a registry that knows these paths.
func answers(t *testing.T, paths map[string]string, head http.Header) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := paths[r.URL.String()]
		if !ok {
			http.Error(w, `{"error_code":40403,"message":"not there: `+r.URL.String()+`"}`, http.StatusNotFound)
			return
		}
		for k := range head {
			w.Header().Set(k, head.Get(k))
		}
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(s.Close)
	return s
}

func doc(typ, schema, refs string) string {
	return fmt.Sprintf(`{"schemaType":%q,"schema":%q,"references":[%s]}`, typ, schema, refs)
}

func TestProtobufImportsAndAny(t *testing.T) {
	const root = `syntax = "proto3"; package p;
import "google/type/money.proto"; import "google/type/datetime.proto"; import "confluent/meta.proto"; import "confluent/type/decimal.proto";
import "google/protobuf/any.proto"; import "schema.proto";
message M { google.type.Money price = 1 [(confluent.field_meta).doc = "what it costs"]; confluent.type.Decimal d = 2;
  google.protobuf.Any any = 3; google.protobuf.Any other = 4; q.N n = 5; }`
	// A reference whose name is one that a root could have.
	const other = `syntax = "proto3"; package q; message N { string s = 1; }`
	s := answers(t, map[string]string{
		"/schemas/ids/1":                                      doc("PROTOBUF", root, `{"name":"schema.proto","subject":"q","version":2}`),
		"/subjects/q/versions/2?deleted=true":                 doc("PROTOBUF", other, ""),
		"/schemas/guids/00010203-0405-0607-0809-0a0b0c0d0e0f": doc("PROTOBUF", root, `{"name":"schema.proto","subject":"q","version":2}`),
	}, nil)
	str := func(b []byte, n protowire.Number, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
	}
	known := str(str(nil, 1, []byte("type.googleapis.com/q.N")), 2, str(nil, 1, []byte("in")))
	unknown := str(str(nil, 1, []byte("type.googleapis.com/x.Gone")), 2, []byte{8, 1})
	m := str(nil, 1, str(nil, 1, []byte("EUR")))
	m = str(m, 2, str(nil, 1, []byte{0x7b}))
	m = str(str(m, 3, known), 4, unknown)
	m = str(m, 5, str(nil, 1, []byte("out")))
	const want = `{"price":{"currency_code":"EUR"},"d":{"value":"ew=="},"any":{"@type":"type.googleapis.com/q.N","s":"in"},` +
		`"other":{"@type":"type.googleapis.com/x.Gone","value":"CAE="},"n":{"s":"out"}}`
	for name, in := range map[string]Input{
		"frame": {Bytes: framed(1, append([]byte{0}, m...)...)},
		"GUID header": {Bytes: m, Headers: []consumer.Header{{Key: "other"},
			{Key: "__value_schema_id", Value: []byte{1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0}}}},
	} {
		d, err := New(t.Context(), "protobuf", Schemas{Registry: s.URL}, Bounds{})
		if err != nil {
			t.Fatal(err)
		}
		if out, err := d.Decode(t.Context(), in, nil); err != nil || string(out.Bytes) != want {
			t.Errorf("%s: %s, %v", name, out.Bytes, err)
		}
	}
}

func TestApicurio(t *testing.T) {
	const avro = `{"type":"record","name":"R","fields":[{"name":"a","type":"C"}]}`
	const used = `{"type":"record","name":"C","fields":[{"name":"b","type":"string"}]}`
	v3 := answers(t, map[string]string{
		"/apis/registry/v3/ids/globalIds/7":                               avro,
		"/apis/registry/v3/ids/globalIds/7/references":                    `[{"groupId":"g","artifactId":"c","version":"1","name":"C"}]`,
		"/apis/registry/v3/ids/contentIds/8":                              avro,
		"/apis/registry/v3/ids/contentIds/8/references":                   `[{"groupId":null,"artifactId":"c","version":"1","name":"C"}]`,
		"/apis/registry/v3/groups/g/artifacts/c/versions/1/content":       used,
		"/apis/registry/v3/groups/default/artifacts/c/versions/1/content": used,
	}, http.Header{"X-Registry-Artifacttype": {"AVRO"}})
	v2 := answers(t, map[string]string{
		"/apis/registry/v2/ids/globalIds/7":                 avro,
		"/apis/registry/v2/ids/globalIds/7/references":      `[{"groupId":"g","artifactId":"c","version":"1","name":"C"}]`,
		"/apis/registry/v2/groups/g/artifacts/c/versions/1": used,
		"/apis/registry/v2/ids/contentIds/7":                `"long"`,
	}, http.Header{"Content-Type": {"application/json"}})
	body := []byte{2, 'x'}
	long := append(binary.BigEndian.AppendUint64([]byte{0}, 7), body...)
	for name, tc := range map[string]struct {
		url string
		in  Input
	}{
		"8 bytes":                      {v3.URL + "/apis/registry/v3", Input{Bytes: long}},
		"8 bytes, by ccompat":          {v3.URL + "/apis/ccompat/v7", Input{Bytes: long}},
		"8 bytes, version 2":           {v2.URL + "/apis/registry/v2", Input{Bytes: long}},
		"4 bytes, version 2":           {v2.URL + "/apis/registry/v2", Input{Bytes: framed(7, body...)}}, // its serializers write global ids
		"4 bytes are a content id":     {v3.URL + "/apis/registry/v3", Input{Bytes: framed(8, body...)}},
		"header with the global id":    {v3.URL, Input{Bytes: body, Headers: []consumer.Header{{Key: "apicurio.value.globalId", Value: binary.BigEndian.AppendUint64(nil, 7)}}}},
		"header of a key's content id": {v3.URL, Input{Bytes: body, Key: true, Headers: []consumer.Header{{Key: "apicurio.key.contentId", Value: binary.BigEndian.AppendUint64(nil, 8)}}}},
	} {
		d, err := New(t.Context(), "avro", Schemas{Registry: tc.url}, Bounds{})
		if err != nil {
			t.Fatal(err)
		}
		if out, err := d.Decode(t.Context(), tc.in, nil); err != nil || string(out.Bytes) != `{"a":{"b":"x"}}` {
			t.Errorf("%s: %s, %v", name, out.Bytes, err)
		}
	}

	const two = `syntax = "proto3"; package p; message A { string x = 1; } message B { string y = 1; }`
	proto := answers(t, map[string]string{"/apis/registry/v3/ids/globalIds/1": two}, http.Header{"X-Registry-Artifacttype": {"PROTOBUF"}})
	// Version 2 tells the kind of a schema as 2.6.13 was seen to.
	proto2 := answers(t, map[string]string{"/apis/registry/v2/ids/globalIds/1": two}, http.Header{"Content-Type": {"application/x-protobuf"}})
	message := []byte{10, 1, 'v'}
	id := binary.BigEndian.AppendUint64(nil, 1)
	for name, in := range map[string]Input{
		"named in front":    {Bytes: append(append(append([]byte{0}, id...), 3, 10, 1, 'B'), message...)},
		"named in a header": {Bytes: message, Headers: []consumer.Header{{Key: "apicurio.value.globalId", Value: id}, {Key: "apicurio.protobuf.type", Value: []byte("B")}}},
	} {
		for _, at := range []string{proto.URL + "/apis/registry/v3", proto2.URL + "/apis/registry/v2"} {
			d, err := New(t.Context(), "protobuf", Schemas{Registry: at}, Bounds{})
			if err != nil {
				t.Fatal(err)
			}
			if out, err := d.Decode(t.Context(), in, nil); err != nil || string(out.Bytes) != `{"y":"v"}` {
				t.Errorf("%s, %s: %s, %v", name, at, out.Bytes, err)
			}
		}
	}
}

// What AWS Glue wrote is said to be its, and read with a schema from a file.
func TestGlue(t *testing.T) {
	s := answers(t, nil, nil)
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	_, _ = z.Write([]byte{2, 'x'})
	_ = z.Close()
	head := append([]byte{3, 0}, []byte("0123456789abcdef")...)
	plain := append(head[:len(head):len(head)], 2, 'x')
	head[1] = 5
	zipped := append(head, packed.Bytes()...)
	file := filepath.Join(t.TempDir(), "s.avsc")
	if err := os.WriteFile(file, []byte(`{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, in := range [][]byte{plain, zipped} {
		if _, _, err := decodeOne(t, "avro", Schemas{Registry: s.URL}, in); err == nil || !strings.Contains(err.Error(), "AWS Glue Schema Registry (Glue schema version 30313233-3435-3637-3839-616263646566)") {
			t.Errorf("%v", err)
		}
		if out, _, err := decodeOne(t, "avro", Schemas{AvroFiles: []string{file}}, in); err != nil || out != `{"a":"x"}` {
			t.Errorf("by file: %s, %v", out, err)
		}
	}
}

// Another server of the list is asked when one gives no answer or a broken one; a
// context, an authority of its own and a token that changes are minded.
func TestRegistryServersAndLogins(t *testing.T) {
	dir := t.TempDir()
	tokenFile := filepath.Join(dir, "token")
	put := func(text string) {
		if err := os.WriteFile(tokenFile, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("one")
	var want atomic.Value
	want.Store("Bearer one")
	good := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != want.Load() || !strings.HasPrefix(r.URL.Path, "/contexts/.c/schemas/ids/") {
			http.Error(w, `{"message":"no"}`, http.StatusForbidden)
			return
		}
		fmt.Fprint(w, `{"schema":"\"string\""}`)
	}))
	t.Cleanup(good.Close)
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "broken", http.StatusBadGateway) }))
	t.Cleanup(bad.Close)
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: good.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := New(t.Context(), "avro", Schemas{Registry: "http://127.0.0.1:1, " + bad.URL + "," + good.URL + "/", Context: ".c", TokenFile: tokenFile, TLS: tlsfile.Files{CAFile: ca}}, Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	for id, token := range []string{"one", "two"} {
		put(token)
		want.Store("Bearer " + token)
		if out, err := d.Decode(t.Context(), Input{Bytes: framed(uint32(id+1), 2, 'x')}, nil); err != nil || string(out.Bytes) != `"x"` {
			t.Errorf("%s, %v", out.Bytes, err)
		}
	}
}

func TestNumbers(t *testing.T) {
	for name, tc := range map[string]struct {
		in   []byte
		want string
	}{
		"long":   {[]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe}, "-2"},
		"int":    {[]byte{0, 0, 1, 0}, "256"},
		"short":  {[]byte{0xff, 0xff}, "-1"},
		"double": {[]byte{0x3f, 0xf8, 0, 0, 0, 0, 0, 0}, "1.5"},
		"float":  {[]byte{0x7f, 0x80, 0, 0}, `"+Inf"`},
	} {
		if out, isJSON, err := decodeOne(t, name, Schemas{}, tc.in); err != nil || out != tc.want || !isJSON {
			t.Errorf("%s: %s, %v", name, out, err)
		}
		if _, _, err := decodeOne(t, name, Schemas{}, tc.in[1:]); err == nil {
			t.Errorf("%s of too few bytes is accepted", name)
		}
	}
}

func FuzzAvro(f *testing.F) {
	f.Add(avroUser, []byte{2, 'x', 0})
	f.Add(`{"type":"array","items":{"type":"map","values":["null","bytes"]}}`, []byte{2, 2, 1, 'k', 2, 0, 0})
	f.Add(`{"type":"record","name":"L","fields":[{"name":"n","type":["null","L"]}]}`, []byte{2, 2, 2, 0})
	f.Fuzz(func(t *testing.T, schema string, body []byte) {
		s, err := parseAvro(schema, avroNames{})
		if err != nil {
			return
		}
		d := &avroDecoder{schema: s, bounds: small()}
		ceiling.Within(t, 64<<20, func() {
			out, err := d.Decode(t.Context(), Input{Bytes: body}, nil)
			if err == nil && !json.Valid(out.Bytes) {
				t.Errorf("%q gives %q", body, out.Bytes)
			}
		})
	})
}

func FuzzProtobuf(f *testing.F) {
	dir := f.TempDir()
	for name, text := range map[string]string{"order.proto": protoOrder, "common.proto": protoCommon} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			f.Fatal(err)
		}
	}
	d, err := New(f.Context(), "protobuf", Schemas{ProtoFiles: []string{filepath.Join(dir, "order.proto")}, Message: "shop.Order"}, small())
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0, 0, 0, 0, 1, 0, 10, 1, 'a'})
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 10, 0})
	f.Fuzz(func(t *testing.T, body []byte) {
		ceiling.Within(t, 64<<20, func() {
			out, err := d.Decode(t.Context(), Input{Bytes: body}, nil)
			if err == nil && !json.Valid(out.Bytes) {
				t.Errorf("%q gives %q", body, out.Bytes)
			}
		})
	})
}

func FuzzOrigin(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 1, 2}, "__value_schema_id", []byte{1, 2})
	f.Add([]byte{3, 5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7}, "apicurio.value.globalId", []byte{})
	f.Fuzz(func(t *testing.T, body []byte, key string, value []byte) {
		ceiling.Within(t, 128<<20, func() {
			ref, rest, _ := originOf(Input{Bytes: body, Headers: []consumer.Header{{Key: key, Value: value}}}, Bounds{})
			_ = ref.String()
			_, _, _ = messageIndexes(rest)
			_, _, _ = apicurioType(rest)
		})
	})
}
