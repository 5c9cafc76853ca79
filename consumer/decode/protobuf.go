//go:build !nodemo || console

package decode

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// protobufDecoder turns Protobuf into JSON by the rules of protojson, with the names
// of fields as in the schema.
type protobufDecoder struct {
	registry *registry
	bounds   Bounds
	local    protoreflect.MessageDescriptor // from files; nil: by registry
	with     compiled                       // what local is from
	message  string                         // of values that do not say; ""
	cache    schemaCache[compiled]
	compact  bytes.Buffer
}

func newProtobuf(ctx context.Context, s Schemas, bounds Bounds) (Decoder, error) {
	d := &protobufDecoder{message: s.Message, bounds: bounds}
	if len(s.ProtoFiles) > 0 {
		return d, d.loadFiles(ctx, s)
	}
	if s.Registry == "" {
		return nil, errors.New("decode protobuf: needs --registry URL, or --proto FILE and --message NAME")
	}
	var err error
	d.registry, err = newRegistry(s, bounds)
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
	c := protocompile.Compiler{Resolver: withBuiltins(&protocompile.SourceResolver{ImportPaths: paths})}
	files, err := c.Compile(ctx, names...)
	if err != nil {
		return fmt.Errorf("proto: %w", err)
	}
	d.with = newCompiled(files)
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

// maxKept is the largest buffer that is kept for the next value, bytes.
const maxKept = 8 << 20

func (d *protobufDecoder) Decode(ctx context.Context, in Input, dst []byte) (Output, error) {
	desc, with, body, err := d.find(ctx, in)
	if err != nil {
		return Output{}, err
	}
	types := with.types
	cost := protoCost{types: types, memory: d.bounds.value(), output: min(d.bounds.record(), d.bounds.value()/2)}
	if err := cost.message(desc, body, 0); err != nil {
		return Output{}, fmt.Errorf("protobuf: %w", err)
	}
	msg := dynamicpb.NewMessage(desc)
	if err := (proto.UnmarshalOptions{Resolver: types}).Unmarshal(body, msg); err != nil {
		return Output{}, fmt.Errorf("protobuf: it is no %s: %w", desc.FullName(), err)
	}
	if err := types.wrapUnknown(msg, &cost, 0); err != nil {
		return Output{}, fmt.Errorf("protobuf: %w", err)
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true, Resolver: types}.Marshal(msg)
	if err != nil {
		return Output{}, fmt.Errorf("protobuf: %w", err)
	}
	if d.compact.Reset(); d.compact.Cap() > maxKept {
		d.compact = bytes.Buffer{}
	}
	// protojson varies its blanks on purpose.
	if err := json.Compact(&d.compact, text); err != nil {
		return Output{}, fmt.Errorf("protobuf: %w", err)
	}
	return Output{Bytes: append(dst, d.compact.Bytes()...), JSON: true}, nil
}

// find returns the message type of a value, the files it is from, and the value without
// its frame.
func (d *protobufDecoder) find(ctx context.Context, in Input) (protoreflect.MessageDescriptor, compiled, []byte, error) {
	ref, rest, err := originOf(in, d.bounds)
	if d.local != nil {
		// A frame is recognised by its first byte: no message starts with 0, and none with
		// the fields that 1 and 3 would be.
		if glue := ref.kind == glueID; err == nil || glue {
			if ref.kind == globalID || ref.kind == contentID {
				if _, body, ok := apicurioType(rest); ok {
					return d.local, d.with, body, nil
				}
			}
			if _, body, err := messageIndexes(rest); err == nil {
				return d.local, d.with, body, nil
			}
		}
		return d.local, d.with, in.Bytes, nil
	}
	if err != nil {
		return nil, compiled{}, nil, err
	}
	with, err := d.cache.get(ref, 2*d.bounds.schemas(), func() (compiled, int, error) { return d.load(ctx, ref) })
	if err != nil {
		return nil, compiled{}, nil, err
	}
	if ref.kind == globalID || ref.kind == contentID {
		// Apicurio's serializer puts the name of the message in front of it, or into a header.
		if name := headerText(in.Headers, apicurioMessage); name != "" {
			m, err := topMessage(with.files, name)
			return m, with, rest, err
		}
		if name, body, ok := apicurioType(rest); ok {
			if m, err := topMessage(with.files, name); err == nil {
				return m, with, body, nil
			}
		}
	}
	indexes, body, err := messageIndexes(rest)
	if err != nil {
		return nil, compiled{}, nil, err
	}
	if d.message != "" {
		m, err := findMessage(with.files, d.message)
		return m, with, body, err
	}
	msgs := with.files[0].Messages()
	var m protoreflect.MessageDescriptor
	for _, i := range indexes {
		if i < 0 || i >= msgs.Len() {
			return nil, compiled{}, nil, fmt.Errorf("%s has no message %v", ref, indexes)
		}
		m = msgs.Get(i)
		msgs = m.Messages()
	}
	return m, with, body, nil
}

// apicurioMessage is the header in which Apicurio's serializer names the message.
const apicurioMessage = "apicurio.protobuf.type"

// topMessage finds a message by its name without the package, as Apicurio's serializer
// gives it: it knows those at the top of a file only.
func topMessage(files linker.Files, name string) (protoreflect.MessageDescriptor, error) {
	if m := files[0].Messages().ByName(protoreflect.Name(name)); m != nil {
		return m, nil
	}
	return findMessage(files, name)
}

// apicurioType reads the name of the message that Apicurio's serializer puts in front of
// it: a length, and a message of which field 1 is the name.
func apicurioType(b []byte) (name string, rest []byte, ok bool) {
	n, size := protowire.ConsumeVarint(b)
	if size < 0 || n == 0 || n > uint64(len(b)-size) {
		return "", nil, false
	}
	ref, rest := b[size:size+int(n)], b[size+int(n):]
	for len(ref) > 0 {
		number, typ, tag := protowire.ConsumeTag(ref)
		if tag < 0 {
			return "", nil, false
		}
		value := protowire.ConsumeFieldValue(number, typ, ref[tag:])
		if value < 0 {
			return "", nil, false
		}
		if number == 1 && typ == protowire.BytesType {
			text, _ := protowire.ConsumeString(ref[tag:])
			name = text
		}
		ref = ref[tag+value:]
	}
	return name, rest, protoreflect.FullName(name).IsValid()
}

// load fetches a schema and compiles it.
func (d *protobufDecoder) load(ctx context.Context, ref schemaRef) (compiled, int, error) {
	doc, err := d.registry.schema(ctx, ref)
	if err != nil {
		return compiled{}, 0, err
	}
	if doc.Type != "PROTOBUF" {
		return compiled{}, 0, fmt.Errorf("%s is %s, not PROTOBUF", ref, cmp.Or(doc.Type, "AVRO"))
	}
	used, err := d.registry.withReferences(ctx, doc)
	if err != nil {
		return compiled{}, 0, err
	}
	sources := map[string]string{}
	for _, u := range used {
		sources[u.name] = u.text
	}
	main := "schema.proto"
	for _, taken := sources[main]; taken; _, taken = sources[main] { // a reference may have any name
		main = "_" + main
	}
	sources[main] = doc.Schema
	c := protocompile.Compiler{Resolver: withBuiltins(protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
		text, ok := sources[path]
		if !ok {
			return protocompile.SearchResult{}, protoregistry.NotFound
		}
		return protoSource(path, text)
	}))}
	files, err := c.Compile(ctx, main)
	if err != nil {
		return compiled{}, 0, fmt.Errorf("%s: %w", ref, err)
	}
	return newCompiled(files), textOf(doc, used), nil
}

//go:embed protos
var builtins embed.FS

// withBuiltins adds what schemas may import without naming it as a reference: Protobuf's
// own files, and those that Confluent's registry brings along (google/type and
// confluent).
func withBuiltins(r protocompile.Resolver) protocompile.Resolver {
	own := &protocompile.SourceResolver{Accessor: func(path string) (io.ReadCloser, error) {
		return builtins.Open("protos/" + path)
	}}
	return protocompile.WithStandardImports(protocompile.CompositeResolver{r, own})
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
