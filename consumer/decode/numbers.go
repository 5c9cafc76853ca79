package decode

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// numberDecoder reads what Kafka's own serializers write for a number: so many bytes,
// the most significant first.
type numberDecoder struct {
	name   string
	size   int
	append func(dst, b []byte) []byte
}

// numberDecoders are the serializers of org.apache.kafka.common.serialization.
func numberDecoders() []numberDecoder {
	be := binary.BigEndian
	return []numberDecoder{
		{"long", 8, func(dst, b []byte) []byte { return strconv.AppendInt(dst, int64(be.Uint64(b)), 10) }},
		{"int", 4, func(dst, b []byte) []byte { return strconv.AppendInt(dst, int64(int32(be.Uint32(b))), 10) }},
		{"short", 2, func(dst, b []byte) []byte { return strconv.AppendInt(dst, int64(int16(be.Uint16(b))), 10) }},
		{"double", 8, func(dst, b []byte) []byte { return appendFloat(dst, math.Float64frombits(be.Uint64(b)), 64) }},
		{"float", 4, func(dst, b []byte) []byte { return appendFloat(dst, float64(math.Float32frombits(be.Uint32(b))), 32) }},
	}
}

func (d numberDecoder) Decode(_ context.Context, in Input, dst []byte) (Output, error) {
	if len(in.Bytes) != d.size {
		return Output{}, fmt.Errorf("it has %d bytes and not the %d of a %s", len(in.Bytes), d.size, d.name)
	}
	return Output{Bytes: d.append(dst, in.Bytes), JSON: true}, nil
}
