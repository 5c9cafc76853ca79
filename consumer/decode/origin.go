package decode

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"logctl/consumer"
)

// idKind is how a value names its schema.
type idKind uint8

const (
	noID          idKind = iota
	confluentID          // a number of 4 bytes in a frame
	confluentGUID        // in the header __value_schema_id or __key_schema_id, or in a frame
	globalID             // Apicurio's: of 8 bytes in a frame, or in a header
	contentID            // Apicurio's, in a header
	glueID               // of AWS Glue, in a frame
)

// schemaRef names the schema of a value.
type schemaRef struct {
	kind idKind
	id   uint64
	guid [16]byte
}

func (r schemaRef) String() string {
	switch r.kind {
	case confluentGUID:
		return "schema " + guidText(r.guid)
	case globalID:
		return fmt.Sprintf("schema with global id %d", r.id)
	case contentID:
		return fmt.Sprintf("schema with content id %d", r.id)
	case glueID:
		return "Glue schema version " + guidText(r.guid)
	}
	return fmt.Sprintf("schema %d", r.id)
}

func guidText(g [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", g[:4], g[4:6], g[6:8], g[8:10], g[10:])
}

var errFrame = errors.New("it names no schema: it does not start with the frame of a schema registry (0 and a schema id), and has no header with one")

// errGlue tells what is to be done with values of AWS Glue, which is not asked.
type errGlue struct{ ref schemaRef }

func (e *errGlue) Error() string {
	return fmt.Sprintf("it was written with the AWS Glue Schema Registry (%s), which logctl does not ask: give the schema with --schema or --proto", e.ref)
}

// Headers that name the schema of a value or a key.
const (
	valueGUIDHeader = "__value_schema_id"
	keyGUIDHeader   = "__key_schema_id"
	apicurioValue   = "apicurio.value."
	apicurioKey     = "apicurio.key."
)

// originOf finds out which schema bytes were written with, and returns what follows the
// frame, or all of them when a header names the schema. The indexes of a Protobuf
// message, which stand behind the id wherever it is, are put in front of the rest.
//
// The frames are those of Confluent's serializers (0 and 4 bytes, or 1 and 16), of
// Apicurio's (0 and 8 bytes) and of AWS Glue's (3, how it is packed, and 16 bytes).
// Apicurio's 8 bytes are told from 4 by their zeros: no registry gives the id 0.
func originOf(in Input, bounds Bounds) (ref schemaRef, rest []byte, err error) {
	if ref, indexes, ok := headerOrigin(in); ok {
		if len(indexes) > 0 {
			return ref, append(indexes[:len(indexes):len(indexes)], in.Bytes...), nil
		}
		return ref, in.Bytes, nil
	}
	b := in.Bytes
	be := binary.BigEndian
	switch {
	case len(b) >= 9 && b[0] == 0 && be.Uint32(b[1:]) == 0:
		return schemaRef{kind: globalID, id: be.Uint64(b[1:])}, b[9:], nil
	case len(b) >= 5 && b[0] == 0:
		return schemaRef{kind: confluentID, id: uint64(be.Uint32(b[1:]))}, b[5:], nil
	case len(b) >= 18 && b[0] == 3 && (b[1] == 0 || b[1] == 5):
		ref := schemaRef{kind: glueID, guid: [16]byte(b[2:])}
		rest := b[18:]
		if b[1] == 5 {
			if rest, err = inflate(rest, bounds); err != nil {
				if errors.Is(err, errLarge) {
					return schemaRef{}, nil, err
				}
				return schemaRef{}, nil, errFrame
			}
		}
		return ref, rest, &errGlue{ref}
	case len(b) >= 17 && b[0] == 1:
		return schemaRef{kind: confluentGUID, guid: [16]byte(b[1:])}, b[17:], nil
	}
	return schemaRef{}, nil, errFrame
}

// headerOrigin looks for the schema in the headers. indexes are those of a Protobuf
// message that stand behind the id there.
func headerOrigin(in Input) (ref schemaRef, indexes []byte, ok bool) {
	guid, apicurio := valueGUIDHeader, apicurioValue
	if in.Key {
		guid, apicurio = keyGUIDHeader, apicurioKey
	}
	be := binary.BigEndian
	for _, h := range in.Headers {
		v := h.Value
		switch h.Key {
		case guid:
			switch {
			case len(v) >= 17 && v[0] == 1:
				return schemaRef{kind: confluentGUID, guid: [16]byte(v[1:])}, v[17:], true
			case len(v) >= 5 && v[0] == 0:
				return schemaRef{kind: confluentID, id: uint64(be.Uint32(v[1:]))}, v[5:], true
			}
		case apicurio + "globalId":
			if len(v) == 8 {
				return schemaRef{kind: globalID, id: be.Uint64(v)}, nil, true
			}
		case apicurio + "contentId":
			if len(v) == 8 {
				return schemaRef{kind: contentID, id: be.Uint64(v)}, nil, true
			}
		}
	}
	return ref, nil, false
}

// headerText returns a header's value; "" for none.
func headerText(list []consumer.Header, key string) string {
	for _, h := range list {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// inflate unpacks what Glue's serializer packed.
func inflate(b []byte, bounds Bounds) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(z, int64(bounds.record())+1))
	if err == nil && len(out) > bounds.record() {
		err = bounds.large()
	}
	return out, err
}
