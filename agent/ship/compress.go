package ship

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy/xerial"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// codec is a compression, by the number that the attributes of a batch have for
// it.
type codec uint8

const (
	codecNone codec = iota
	codecGzip
	codecSnappy
	codecLZ4
	codecZstd
)

func parseCompression(s string) (codec, error) {
	switch strings.ToLower(s) {
	case "none":
		return codecNone, nil
	case "gzip":
		return codecGzip, nil
	case "snappy":
		return codecSnappy, nil
	case "", "lz4":
		return codecLZ4, nil
	case "zstd":
		return codecZstd, nil
	}
	return 0, fmt.Errorf("compression %q is unknown: use none, gzip, snappy, lz4 or zstd", s)
}

// compressor compresses records. Its encoders are used again.
type compressor struct {
	codec    codec
	encoders sync.Pool // *gzip.Writer, *lz4.Writer or *zstd.Encoder
}

// compress appends src, compressed, to an empty dst and says how. What an encoder
// fails at, which none has a reason to, is appended as it is.
func (c *compressor) compress(dst *buffer, src []byte) codec {
	if err := c.try(dst, src); err != nil {
		dst.b = append(dst.b[:0], src...)
		return codecNone
	}
	return c.codec
}

func (c *compressor) try(dst *buffer, src []byte) error {
	switch c.codec {
	case codecGzip:
		w, ok := c.encoders.Get().(*gzip.Writer)
		if !ok {
			w = gzip.NewWriter(nil)
		}
		w.Reset(dst)
		return c.finish(w, src)
	case codecSnappy:
		dst.b = xerial.Encode(dst.b, src)
		return nil
	case codecLZ4:
		w, ok := c.encoders.Get().(*lz4.Writer)
		if !ok {
			w = lz4.NewWriter(nil)
			// Blocks of the size that Kafka's own clients write, so that readers need
			// little memory. A batch has a checksum of its own.
			if err := w.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(false)); err != nil {
				return err
			}
		}
		w.Reset(dst)
		return c.finish(w, src)
	case codecZstd:
		w, ok := c.encoders.Get().(*zstd.Encoder)
		if !ok {
			var err error
			if w, err = zstd.NewWriter(nil, zstd.WithZeroFrames(true), zstd.WithEncoderConcurrency(1)); err != nil {
				return err
			}
		}
		dst.b = w.EncodeAll(src, dst.b)
		c.encoders.Put(w)
		return nil
	}
	return errors.ErrUnsupported
}

// finish writes all of src and puts the encoder back.
func (c *compressor) finish(w io.WriteCloser, src []byte) error {
	if _, err := w.Write(src); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	c.encoders.Put(w)
	return nil
}

// Write appends p, for encoders that write to a stream.
func (buf *buffer) Write(p []byte) (int, error) {
	buf.b = append(buf.b, p...)
	return len(p), nil
}
