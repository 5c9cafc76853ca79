package decode

import (
	"errors"
	"fmt"

	"logctl/consumer"
)

// Bounds are what decoding may cost: what comes from a topic, or from a registry, must
// not take the memory of who reads.
type Bounds struct {
	Record int64 // bytes of one decoded key or value; 0: consumer.DefaultMaxRecord
	Memory int64 // bytes that reading may take in all; 0: consumer.DefaultMaxMemory
}

// The shares of Bounds.Memory. What a value takes while it is decoded is measured
// against one before it is decoded, and the schemas that one value needs against
// another before they are compiled.
const (
	valueShare  = 4   // of which a value takes one while it is decoded
	schemaShare = 256 // of which the text of a schema with all that it uses takes one
	minSchema   = 64 << 10
)

func (b Bounds) record() int {
	if b.Record > 0 {
		return int(b.Record)
	}
	return consumer.DefaultMaxRecord
}

func (b Bounds) memory() int {
	if b.Memory > 0 {
		return int(b.Memory)
	}
	return consumer.DefaultMaxMemory
}

// value is what one value may take while it is decoded, bytes.
func (b Bounds) value() int { return b.memory() / valueShare }

// schemas is how long a schema may be together with all that it uses, bytes. What is
// made of the text takes some hundred times as much while it is compiled.
func (b Bounds) schemas() int { return max(b.memory()/schemaShare, minSchema) }

// large is the error of a value that is longer than a bound when it is decoded.
func (b Bounds) large() error {
	return fmt.Errorf("%w: more than %d bytes when it is decoded (--max-record)", errLarge, b.record())
}

// errCostly is the error of a value that takes too much memory while it is decoded.
var errCostly = errors.New("decoding it would take more than a quarter of --max-memory")
