package decode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

type gzipDecoder struct {
	bounds Bounds
	src    bytes.Reader
	gz     *gzip.Reader
}

func (d *gzipDecoder) Decode(_ context.Context, in Input, dst []byte) (Output, error) {
	d.src.Reset(in.Bytes)
	if d.gz == nil {
		d.gz = new(gzip.Reader)
	}
	if err := d.gz.Reset(&d.src); err != nil {
		return Output{}, errors.New("it is not gzipped")
	}
	buf := bytes.NewBuffer(dst)
	n, err := io.Copy(buf, io.LimitReader(d.gz, int64(d.bounds.record())+1))
	if err != nil {
		return Output{}, fmt.Errorf("gunzip: %w", err)
	}
	if n > int64(d.bounds.record()) {
		return Output{}, fmt.Errorf("gunzip: %w", d.bounds.large())
	}
	return Output{Bytes: buf.Bytes()}, nil
}
