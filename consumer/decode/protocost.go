//go:build !nodemo || console

package decode

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// What the library takes for the parts of a message, bytes, measured with dynamicpb of
// protobuf-go 1.36 and rounded up. An empty message costs two bytes on the wire.
const (
	costMessage = 512 // a message, with the map of its fields
	costField   = 128 // a field that is set, in that map
	costItem    = 64  // an item of a list: a value, and the list that grows
	costEntry   = 256 // an entry of a map
)

// protoCost measures messages by their bytes and their schema, before the library
// decodes them: a message of a few bytes may take many times as much, and its JSON as
// much as the names of its fields are long.
type protoCost struct {
	types  anyTypes
	memory int // left to be taken
	output int // left of the JSON text, bytes

	enums map[protoreflect.FullName]int // longest name of a value
}

// take notes what is taken; the error is errCostly.
func (c *protoCost) take(memory, output int) error {
	// What is written was in memory too, some three times at the end.
	if c.memory -= memory; c.memory < 0 {
		return errCostly
	}
	if c.output -= output; c.output < 0 {
		return errCostly
	}
	return nil
}

// message measures the message in b. Bytes that are no message are left to the library,
// which says what is wrong with them.
func (c *protoCost) message(desc protoreflect.MessageDescriptor, b []byte, depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	if err := c.take(costMessage, 2); err != nil {
		return err
	}
	for len(b) > 0 {
		number, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil
		}
		size := protowire.ConsumeFieldValue(number, typ, b[n:])
		if size < 0 {
			return nil
		}
		if err := c.field(c.find(desc, number), number, typ, b[n:n+size], depth); err != nil {
			return err
		}
		b = b[n+size:]
	}
	return nil
}

// find returns the field or the extension of that number; nil: none.
func (c *protoCost) find(desc protoreflect.MessageDescriptor, number protoreflect.FieldNumber) protoreflect.FieldDescriptor {
	if f := desc.Fields().ByNumber(number); f != nil {
		return f
	}
	if desc.ExtensionRanges().Has(number) {
		if x, err := c.types.FindExtensionByNumber(desc.FullName(), number); err == nil {
			return x.TypeDescriptor()
		}
	}
	return nil
}

// field measures one field on the wire: value is what stands behind its tag.
func (c *protoCost) field(f protoreflect.FieldDescriptor, number protoreflect.FieldNumber, typ protowire.Type, value []byte, depth int) error {
	if f == nil { // kept as it is, and not shown
		return c.take(2*len(value)+costItem, 0)
	}
	name := len(f.Name()) + len(`"":,`)
	if f.IsExtension() {
		name = len(f.FullName()) + len(`"[]":,`)
	}
	memory := costField
	switch {
	case f.IsMap():
		memory, name = costEntry, name+8
	case f.IsList():
		memory = costItem // the name is written once, and counted for every item
	}
	if err := c.take(memory, name); err != nil {
		return err
	}
	if f.Message() != nil {
		switch typ {
		case protowire.BytesType:
			value, _ = protowire.ConsumeBytes(value)
		case protowire.StartGroupType:
			value, _ = protowire.ConsumeGroup(number, value)
			if err := c.take(len(value)/8, 0); err != nil { // looked through again by each level
				return err
			}
		default:
			return nil
		}
		return c.message(f.Message(), value, depth+1)
	}
	return c.scalar(f, typ, value)
}

// scalar measures a value that is no message, or many of them in one field.
func (c *protoCost) scalar(f protoreflect.FieldDescriptor, typ protowire.Type, value []byte) error {
	items, each := 1, len(`"-18446744073709551615",`)
	if f.Kind() == protoreflect.EnumKind {
		each = c.longestName(f.Enum())
	}
	if typ == protowire.BytesType {
		switch {
		case f.Kind() == protoreflect.StringKind:
			return c.take(2*len(value), escapedLen(value))
		case f.Kind() == protoreflect.BytesKind:
			return c.take(2*len(value), (len(value)+2)/3*4)
		case f.IsList(): // packed
			items = packedItems(f.Kind(), value)
		}
	}
	if items > c.memory/costItem || items > c.output/each {
		return errCostly
	}
	return c.take(items*costItem, items*each)
}

// packedItems is how many items stand in a packed list, or somewhat more.
func packedItems(kind protoreflect.Kind, value []byte) int {
	switch kind {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return len(value) / 4
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return len(value) / 8
	}
	n := 0
	for _, b := range value { // a number ends with a byte below 0x80
		if b < 0x80 {
			n++
		}
	}
	return n
}

// escapedLen is how long bytes are as a string of JSON, or somewhat more.
func escapedLen(value []byte) int {
	n := len(value)
	for _, b := range value {
		switch {
		case b < ' ' || b == 0x7f:
			n += 5
		case b == '"' || b == '\\':
			n++
		}
	}
	return n
}

// longestName is the length of the longest name of an enum's values, with its quotes and
// a comma, or of a number that has none.
func (c *protoCost) longestName(e protoreflect.EnumDescriptor) int {
	if n, ok := c.enums[e.FullName()]; ok {
		return n
	}
	longest := len("-2147483648")
	for i := range e.Values().Len() {
		longest = max(longest, len(e.Values().Get(i).Name()))
	}
	if c.enums == nil {
		c.enums = map[protoreflect.FullName]int{}
	}
	c.enums[e.FullName()] = longest + len(`"",`)
	return longest + len(`"",`)
}
