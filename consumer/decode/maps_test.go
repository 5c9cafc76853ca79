//go:build !nodemo || console

package decode

import (
	"encoding/base64"
	"net/http"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Apicurio's serializer (2.6.13) registered a message with a map like this.
const explicitMap = `// Proto schema formatted by Wire, do not edit.
syntax = "proto3";
package p;
message M {
  repeated .p.M.TagsEntry tags = 1;

  message TagsEntry {
    option map_entry = true;

    string key = 1;

    int64 value = 2;
  }
}
`

func decodeWith(t *testing.T, schema string, value []byte) (string, error) {
	t.Helper()
	s := answers(t, map[string]string{"/apis/registry/v2/ids/globalIds/1": schema}, http.Header{"Content-Type": {"application/x-protobuf"}})
	d, err := New(t.Context(), "protobuf", Schemas{Registry: s.URL + "/apis/registry/v2"}, Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	out, err := d.Decode(t.Context(), Input{Bytes: framed(1, append([]byte{0}, value...)...)}, nil)
	return string(out.Bytes), err
}

func TestMapsSpeltAsMessages(t *testing.T) {
	value := []byte{10, 5, 10, 1, 'a', 16, 7} // tags: {"a": 7}
	if got, err := decodeWith(t, explicitMap, value); err != nil || got != `{"tags":{"a":"7"}}` {
		t.Errorf("%s, %v", got, err)
	}
}

// What only says that it is a map, in source or in a descriptor, is an error or a message;
// nothing ends the program.
func TestWhatIsNoMap(t *testing.T) {
	value := []byte{10, 5, 10, 1, 'a', 16, 7}
	for name, entry := range map[string]string{
		"one field":                       `message TagsEntry { option map_entry = true; string key = 1; }`,
		"other places":                    `message TagsEntry { option map_entry = true; string key = 3; int64 value = 4; }`,
		"other names":                     `message TagsEntry { option map_entry = true; string a = 1; int64 b = 2; }`,
		"a list":                          `message TagsEntry { option map_entry = true; string key = 1; repeated int64 value = 2; }`,
		"a key of no kind that keys have": `message TagsEntry { option map_entry = true; double key = 1; int64 value = 2; }`,
		"a message as key":                `message TagsEntry { option map_entry = true; TagsEntry key = 1; int64 value = 2; }`,
		"three fields":                    `message TagsEntry { option map_entry = true; string key = 1; int64 value = 2; int64 more = 3; }`,
	} {
		for _, label := range []string{"repeated ", "", "optional "} {
			source := `syntax = "proto3"; package p; message M { ` + label + `.p.M.TagsEntry tags = 1; ` + entry + ` }`
			if got, err := decodeWith(t, source, value); err == nil {
				t.Errorf("%s%s: %s", label, name, got)
			}
		}
	}
	// The same in descriptors.
	text, str, i64 := descriptorpb.FieldDescriptorProto_TYPE_STRING, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE, descriptorpb.FieldDescriptorProto_TYPE_INT64
	for name, fields := range map[string][]*descriptorpb.FieldDescriptorProto{
		"none":      nil,
		"key only":  {{Name: proto.String("key"), Number: proto.Int32(1), Type: &text}},
		"elsewhere": {{Name: proto.String("key"), Number: proto.Int32(3), Type: &text}, {Name: proto.String("value"), Number: proto.Int32(4), Type: &i64}},
	} {
		for _, label := range []descriptorpb.FieldDescriptorProto_Label{descriptorpb.FieldDescriptorProto_LABEL_REPEATED, descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL} {
			file := &descriptorpb.FileDescriptorProto{Name: proto.String("x.proto"), Syntax: proto.String("proto3"), Package: proto.String("p"), MessageType: []*descriptorpb.DescriptorProto{{
				Name:       proto.String("M"),
				Field:      []*descriptorpb.FieldDescriptorProto{{Name: proto.String("tags"), Number: proto.Int32(1), Label: &label, Type: &str, TypeName: proto.String(".p.M.TagsEntry")}},
				NestedType: []*descriptorpb.DescriptorProto{{Name: proto.String("TagsEntry"), Field: fields, Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)}}},
			}}}
			b, err := proto.Marshal(file)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := decodeWith(t, base64.StdEncoding.EncodeToString(b), value); err == nil {
				t.Errorf("descriptor, %v, %s: %s", label, name, got)
			}
		}
	}
}
