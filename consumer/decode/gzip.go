package decode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// maxUnpacked bounds one unpacked value, bytes.
const maxUnpacked = 256 << 20

type gzipDecoder struct {
	src bytes.Reader
	gz  *gzip.Reader
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
	n, err := io.Copy(buf, io.LimitReader(d.gz, maxUnpacked+1))
	if err != nil {
		return Output{}, fmt.Errorf("gunzip: %w", err)
	}
	if n > maxUnpacked {
		return Output{}, fmt.Errorf("gunzip: more than %d MiB", maxUnpacked>>20)
	}
	return Output{Bytes: buf.Bytes()}, nil
}
