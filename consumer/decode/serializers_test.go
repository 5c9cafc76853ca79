//go:build !nodemo || console

package decode

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"logctl/consumer"
)

// What the real serializers of other languages wrote is read; testdata/make_fixtures.py
// made the file.
func TestRealSerializers(t *testing.T) {
	data, err := os.ReadFile("testdata/serializers.json")
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Registry map[string]json.RawMessage
		Cases    []struct {
			Name, Decode string
			Key          bool
			Body         []byte
			Headers      []struct {
				Key   string
				Value []byte
			}
			Want any
		}
	}
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{}
	for path, doc := range f.Registry {
		paths[path] = string(doc)
	}
	s := answers(t, paths, nil)
	if len(f.Cases) == 0 {
		t.Fatal("no cases")
	}
	for _, tc := range f.Cases {
		in := Input{Bytes: tc.Body, Key: tc.Key}
		for _, h := range tc.Headers {
			in.Headers = append(in.Headers, consumer.Header{Key: h.Key, Value: h.Value})
		}
		d, err := New(t.Context(), tc.Decode, Schemas{Registry: s.URL}, Bounds{})
		if err != nil {
			t.Fatal(err)
		}
		out, err := d.Decode(t.Context(), in, nil)
		if err != nil {
			t.Errorf("%s: %v", tc.Name, err)
			continue
		}
		var got any
		if err := json.Unmarshal(out.Bytes, &got); err != nil {
			t.Errorf("%s: %s, %v", tc.Name, out.Bytes, err)
		}
		if diff := cmp.Diff(tc.Want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.Name, diff)
		}
	}
}
