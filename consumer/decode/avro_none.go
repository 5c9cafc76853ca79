//go:build nodemo

package decode

import "errors"

// newAvro is the decoder's place in a binary for hosts. The Avro library calls methods by
// their names, so that the linker can leave out none: it costs the binary a fifth.
func newAvro(Schemas) (Decoder, error) {
	return nil, errors.New("decode avro: this binary was built for hosts, without Avro (-tags nodemo); the archives of a release have it")
}
