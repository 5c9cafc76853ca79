package decode

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// protobufDecoder turns Protobuf into JSON by the rules of protojson, with the names
// of fields as in the schema.
type protobufDecoder struct {
	registry *registry
	local    protoreflect.MessageDescriptor // from files; nil: by registry
	message  string                         // of values that do not say; ""
	cache    schemaCache[linker.Files]
	compact  bytes.Buffer
}

func newProtobuf(ctx context.Context, s Schemas) (Decoder, error) {
	d := &protobufDecoder{message: s.Message}
	if len(s.ProtoFiles) > 0 {
		return d, d.loadFiles(ctx, s)
	}
	if s.Registry == "" {
		return nil, errors.New("decode protobuf: needs --registry URL, or --proto FILE and --message NAME")
	}
	var err error
	d.registry, err = newRegistry(s)
	return d, err
}

// loadFiles compiles local files. Their directories are import paths too.
func (d *protobufDecoder) loadFiles(ctx context.Context, s Schemas) error {
	paths := append([]string{}, s.ProtoPaths...)
	names := make([]string, 0, len(s.ProtoFiles))
	for _, f := range s.ProtoFiles {
		paths = append(paths, filepath.Dir(f))
		names = append(names, relativeTo(s.ProtoPaths, f))
	}
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: paths})}
	files, err := c.Compile(ctx, names...)
	if err != nil {
		return fmt.Errorf("proto: %w", err)
	}
	if s.Message == "" {
		if m := files[0].Messages(); m.Len() == 1 {
			d.local = m.Get(0)
			return nil
		}
		return fmt.Errorf("decode protobuf: say which message with --message; %s has %s", s.ProtoFiles[0], messageNames(files))
	}
	d.local, err = findMessage(files, s.Message)
	return err
}

// relativeTo returns the name of a file below one of the import paths, or else its
// base name.
func relativeTo(paths []string, file string) string {
	for _, p := range paths {
		if rel, err := filepath.Rel(p, file); err == nil && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel)
		}
	}
	return filepath.Base(file)
}

func findMessage(files linker.Files, name string) (protoreflect.MessageDescriptor, error) {
	desc, err := files.AsResolver().FindDescriptorByName(protoreflect.FullName(name))
	if m, ok := desc.(protoreflect.MessageDescriptor); err == nil && ok {
		return m, nil
	}
	return nil, fmt.Errorf("decode protobuf: no message %q; there are %s", name, messageNames(files))
}

func messageNames(files linker.Files) string {
	var b bytes.Buffer
	for _, f := range files {
		for i := range f.Messages().Len() {
			if b.Len() > 0 {
				b.WriteString(", ")
			}
			b.WriteString(string(f.Messages().Get(i).FullName()))
		}
	}
	return b.String()
}

func (d *protobufDecoder) Decode(ctx context.Context, in Input, dst []byte) (Output, error) {
	desc, body, err := d.find(ctx, in.Bytes)
	if err != nil {
		return Output{}, err
	}
	msg := dynamicpb.NewMessage(desc)
	if err := proto.Unmarshal(body, msg); err != nil {
		return Output{}, fmt.Errorf("protobuf: it is no %s: %w", desc.FullName(), err)
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(msg)
	if err != nil {
		return Output{}, fmt.Errorf("protobuf: %w", err)
	}
	d.compact.Reset() // protojson varies its blanks on purpose
	if err := json.Compact(&d.compact, text); err != nil {
		return Output{}, fmt.Errorf("protobuf: %w", err)
	}
	return Output{Bytes: append(dst, d.compact.Bytes()...), JSON: true}, nil
}

// find returns the message type of a value and the value without its frame.
func (d *protobufDecoder) find(ctx context.Context, b []byte) (protoreflect.MessageDescriptor, []byte, error) {
	if d.local != nil {
		// A frame is recognised by its zero byte, which no message starts with.
		if _, rest, err := registryFrame(b); err == nil {
			if _, body, err := messageIndexes(rest); err == nil {
				return d.local, body, nil
			}
		}
		return d.local, b, nil
	}
	id, rest, err := registryFrame(b)
	if err != nil {
		return nil, nil, err
	}
	files, err := d.cache.get(id, func() (linker.Files, error) { return d.load(ctx, id) })
	if err != nil {
		return nil, nil, err
	}
	indexes, body, err := messageIndexes(rest)
	if err != nil {
		return nil, nil, err
	}
	if d.message != "" {
		m, err := findMessage(files, d.message)
		return m, body, err
	}
	msgs := files[0].Messages()
	var m protoreflect.MessageDescriptor
	for _, i := range indexes {
		if i < 0 || i >= msgs.Len() {
			return nil, nil, fmt.Errorf("schema %d has no message %v", id, indexes)
		}
		m = msgs.Get(i)
		msgs = m.Messages()
	}
	return m, body, nil
}

// load fetches a schema and compiles it.
func (d *protobufDecoder) load(ctx context.Context, id int) (linker.Files, error) {
	doc, err := d.registry.byID(ctx, id)
	if err != nil {
		return nil, err
	}
	if doc.Type != "PROTOBUF" {
		return nil, fmt.Errorf("schema %d is %s, not PROTOBUF", id, cmpOr(doc.Type, "AVRO"))
	}
	used, err := d.registry.withReferences(ctx, doc)
	if err != nil {
		return nil, err
	}
	const main = "schema.proto"
	sources := map[string]string{main: doc.Schema}
	for _, u := range used {
		sources[u.name] = u.text
	}
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(
		&protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(sources)})}
	files, err := c.Compile(ctx, main)
	if err != nil {
		return nil, fmt.Errorf("schema %d: %w", id, err)
	}
	return files, nil
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// messageIndexes reads which message of a schema a value is: a count and as many
// indexes, the nested message of the message before; a count of 0 is the first one.
func messageIndexes(b []byte) ([]int, []byte, error) {
	n, size := binary.Varint(b)
	if size <= 0 || n < 0 || n > maxDepth {
		return nil, nil, errors.New("the message indexes behind the schema id are malformed")
	}
	b = b[size:]
	if n == 0 {
		return []int{0}, b, nil
	}
	out := make([]int, n)
	for i := range out {
		v, size := binary.Varint(b)
		if size <= 0 {
			return nil, nil, errors.New("the message indexes behind the schema id are malformed")
		}
		out[i] = int(v)
		b = b[size:]
	}
	return out, b, nil
}
