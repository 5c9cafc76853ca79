//go:build nodemo && !console

package decode

import (
	"context"
	"fmt"
)

// A binary for hosts has no decoders that need a library of their own: the compiler of
// Protobuf's schemas alone weighs more than this package.

// notHere says whether a decoder is not in this binary.
func notHere(name string) bool { return name == "msgpack" || name == "protobuf" }

func notBuilt(name string) error {
	return fmt.Errorf("decode %s: this binary was built for hosts, without it (-tags nodemo); the archives of a release have it", name)
}

func newMsgpack(Bounds) (Decoder, error) { return nil, notBuilt("msgpack") }

func newProtobuf(context.Context, Schemas, Bounds) (Decoder, error) {
	return nil, notBuilt("protobuf")
}
