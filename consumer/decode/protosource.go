//go:build !nodemo || console

package decode

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// protoSource makes of a registry's text what the compiler reads: source, or a descriptor
// in base64, as clients for Python store it.
func protoSource(path, text string) (protocompile.SearchResult, error) {
	if b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text)); err == nil && len(b) > 0 {
		file := &descriptorpb.FileDescriptorProto{}
		if proto.Unmarshal(b, file) == nil {
			file.Name = proto.String(path)
			return protocompile.SearchResult{Proto: file}, checkFile(file)
		}
	}
	if strings.Contains(text, "map_entry") {
		if file := explicitMaps(path, text); file != nil {
			return protocompile.SearchResult{Proto: file}, checkFile(file)
		}
	}
	return protocompile.SearchResult{Source: strings.NewReader(text)}, nil
}

// explicitMaps reads source in which maps are spelt as the messages that they are compiled
// to. Apicurio's serializer (2.6) registers every map like that, and protoc's rules, which
// the compiler keeps, forbid it. nil: it cannot be read like that either.
func explicitMaps(path, text string) *descriptorpb.FileDescriptorProto {
	handler := reporter.NewHandler(nil)
	node, err := parser.Parse(path, strings.NewReader(text), handler)
	if err != nil {
		return nil
	}
	res, err := parser.ResultFromAST(node, false, handler)
	if err != nil {
		return nil
	}
	file := res.FileDescriptorProto()
	for _, m := range file.MessageType {
		markMaps(m)
	}
	return file
}

// markMaps makes of each option map_entry = true the field of that name.
func markMaps(m *descriptorpb.DescriptorProto) {
	if o := m.Options; o != nil {
		o.UninterpretedOption = slices.DeleteFunc(o.UninterpretedOption, func(u *descriptorpb.UninterpretedOption) bool {
			is := len(u.Name) == 1 && !u.Name[0].GetIsExtension() && u.Name[0].GetNamePart() == "map_entry" && u.GetIdentifierValue() == "true"
			if is {
				o.MapEntry = proto.Bool(true)
			}
			return is
		})
	}
	for _, inner := range m.NestedType {
		markMaps(inner)
	}
}

// checkFile makes a descriptor that no compiler saw one that can be used, or says what is
// wrong with it.
func checkFile(file *descriptorpb.FileDescriptorProto) error {
	for _, m := range file.MessageType {
		nameFields(m)
		if err := checkMaps(m); err != nil {
			return err
		}
	}
	return nil
}

// checkMaps finds messages that are no entries of a map and say that they are, at which the
// library panics.
func checkMaps(m *descriptorpb.DescriptorProto) error {
	if m.GetOptions().GetMapEntry() {
		f := m.Field
		if len(f) != 2 || f[0].GetName() != "key" || f[0].GetNumber() != 1 || f[1].GetName() != "value" || f[1].GetNumber() != 2 ||
			!mapKey(f[0].GetType()) || listed(f[0]) || listed(f[1]) {
			return fmt.Errorf("message %s has the option map_entry and is no entry of a map", m.GetName())
		}
	}
	for _, inner := range m.NestedType {
		if err := checkMaps(inner); err != nil {
			return err
		}
	}
	return nil
}

func listed(f *descriptorpb.FieldDescriptorProto) bool {
	return f.GetLabel() == descriptorpb.FieldDescriptorProto_LABEL_REPEATED
}

// mapKey reports whether keys of maps may be of a type.
func mapKey(t descriptorpb.FieldDescriptorProto_Type) bool {
	switch t {
	case descriptorpb.FieldDescriptorProto_TYPE_DOUBLE, descriptorpb.FieldDescriptorProto_TYPE_FLOAT, descriptorpb.FieldDescriptorProto_TYPE_BYTES,
		descriptorpb.FieldDescriptorProto_TYPE_ENUM, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE, descriptorpb.FieldDescriptorProto_TYPE_GROUP:
		return false
	}
	return true
}

// nameFields gives fields the JSON names that they have by the rules. Descriptors may
// leave them out, and the compiler takes two that do for two of the name "".
func nameFields(m *descriptorpb.DescriptorProto) {
	for _, f := range m.Field {
		if f.JsonName == nil {
			f.JsonName = proto.String(jsonName(f.GetName()))
		}
	}
	for _, inner := range m.NestedType {
		nameFields(inner)
	}
}

// jsonName makes lowerCamelCase of a name, as protoc does.
func jsonName(name string) string {
	out := make([]byte, 0, len(name))
	up := false
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '_':
			up = true
			continue
		case up && 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		}
		up = false
		out = append(out, c)
	}
	return string(out)
}
