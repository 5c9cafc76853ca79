//go:build !nodemo || console

package decode

import (
	"github.com/bufbuild/protocompile/linker"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// compiled is a schema with what it imports.
type compiled struct {
	files linker.Files
	types anyTypes
}

func newCompiled(files linker.Files) compiled {
	all := &protoregistry.Files{}
	for _, f := range files {
		register(all, f)
	}
	return compiled{files, anyTypes{dynamicpb.NewTypes(all)}}
}

// register adds a file and what it imports.
func register(all *protoregistry.Files, f protoreflect.FileDescriptor) {
	if _, err := all.FindFileByPath(f.Path()); err == nil || f.IsPlaceholder() {
		return
	}
	for i := range f.Imports().Len() {
		register(all, f.Imports().Get(i).FileDescriptor)
	}
	_ = all.RegisterFile(f) // the compiler has refused what this could
}

// anyTypes finds the types of messages inside google.protobuf.Any: those of the schema
// and its imports, and those that come with Protobuf. Others are shown as base64.
type anyTypes struct{ own *dynamicpb.Types }

// FindMessageByName implements protoregistry.MessageTypeResolver.
func (a anyTypes) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	if t, err := a.own.FindMessageByName(name); err == nil {
		return t, nil
	}
	return protoregistry.GlobalTypes.FindMessageByName(name)
}

// FindMessageByURL implements protoregistry.MessageTypeResolver. The bytes of a type that
// is not known are wrapped by wrapUnknown.
func (a anyTypes) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	if t, ok := a.known(url); ok {
		return t, nil
	}
	return (&wrapperspb.BytesValue{}).ProtoReflect().Type(), nil
}

func (a anyTypes) known(url string) (protoreflect.MessageType, bool) {
	name := protoreflect.FullName(url)
	for i := len(url) - 1; i >= 0; i-- {
		if url[i] == '/' {
			name = protoreflect.FullName(url[i+1:])
			break
		}
	}
	t, err := a.FindMessageByName(name)
	return t, err == nil
}

// FindExtensionByName implements protoregistry.ExtensionTypeResolver.
func (a anyTypes) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	return a.own.FindExtensionByName(name)
}

// FindExtensionByNumber implements protoregistry.ExtensionTypeResolver.
func (a anyTypes) FindExtensionByNumber(message protoreflect.FullName, number protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	return a.own.FindExtensionByNumber(message, number)
}

// wrapUnknown puts the bytes of every Any whose type is not known into a BytesValue, which
// is what FindMessageByURL says that they are. What is inside of an Any is measured
// before it is decoded.
func (a anyTypes) wrapUnknown(m protoreflect.Message, cost *protoCost, depth int) (err error) {
	if depth > maxDepth {
		return errDepth
	}
	if m.Descriptor().FullName() == "google.protobuf.Any" {
		fields := m.Descriptor().Fields()
		url, value := fields.ByNumber(1), fields.ByNumber(2)
		inner, known := a.known(m.Get(url).String())
		if !known {
			wrapped, err := proto.Marshal(&wrapperspb.BytesValue{Value: m.Get(value).Bytes()})
			if err == nil {
				m.Set(value, protoreflect.ValueOfBytes(wrapped))
			}
			return err
		}
		if err := cost.message(inner.Descriptor(), m.Get(value).Bytes(), depth); err != nil {
			return err
		}
		msg := inner.New()
		if proto.Unmarshal(m.Get(value).Bytes(), msg.Interface()) != nil {
			return nil // protojson says what is wrong
		}
		if err := a.wrapUnknown(msg, cost, depth+1); err != nil {
			return err
		}
		again, err := proto.Marshal(msg.Interface())
		if err == nil {
			m.Set(value, protoreflect.ValueOfBytes(again))
		}
		return err
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			if f.MapValue().Message() != nil {
				v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
					err = a.wrapUnknown(v.Message(), cost, depth+1)
					return err == nil
				})
			}
		case f.Message() == nil:
		case f.IsList():
			for i := 0; i < v.List().Len() && err == nil; i++ {
				err = a.wrapUnknown(v.List().Get(i).Message(), cost, depth+1)
			}
		default:
			err = a.wrapUnknown(v.Message(), cost, depth+1)
		}
		return err == nil
	})
	return err
}
