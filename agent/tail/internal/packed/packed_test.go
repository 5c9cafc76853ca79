package packed_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"logctl/agent/tail/internal/packed"
	"logctl/internal/testkit/ceiling"
)

// lines returns n numbered lines.
func lines(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, "line %d of a log that is compressed\n", i)
	}
	return b.Bytes()
}

// Made of lines(500) by the lzma and bz2 modules of Python 3.
var (
	//go:embed testdata/lines.xz
	xzLines []byte
	//go:embed testdata/lines.bz2
	bzip2Lines []byte
)

func pack(t *testing.T, kind packed.Kind, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch kind {
	case packed.Gzip:
		w = gzip.NewWriter(&b)
	case packed.Zstd:
		w, _ = zstd.NewWriter(&b)
	case packed.LZ4:
		w = lz4.NewWriter(&b)
	case packed.Zip:
		z := zip.NewWriter(&b)
		f, err := z.Create("app.log.1")
		if err == nil {
			_, err = f.Write(plain)
		}
		if err = errors.Join(err, z.Close()); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	case packed.XZ:
		return xzLines
	case packed.Bzip2:
		return bzip2Lines
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var readable = []packed.Kind{packed.Gzip, packed.Zstd, packed.XZ, packed.Bzip2, packed.LZ4, packed.Zip}

func TestReader(t *testing.T) {
	plain := lines(500)
	for _, kind := range readable {
		t.Run(kind.String(), func(t *testing.T) {
			b := pack(t, kind, plain)
			if got := packed.Sniff(b[:packed.SniffLen]); got != kind {
				t.Fatalf("sniffed %v", got)
			}
			p, err := packed.Open(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if err := p.Skip(1000, make([]byte, 333)); err != nil || p.Pos() != 1000 {
				t.Fatalf("skipped to %d: %v", p.Pos(), err)
			}
			got, err := io.ReadAll(p)
			if err != nil || !bytes.Equal(got, plain[1000:]) {
				t.Errorf("read %d of %d bytes: %v", len(got), len(plain)-1000, err)
			}
			if p.Pos() != int64(len(plain)) {
				t.Errorf("position %d at the end of %d", p.Pos(), len(plain))
			}
		})
	}
}

func TestCut(t *testing.T) {
	plain := lines(500)
	for _, kind := range readable {
		b := pack(t, kind, plain)
		for _, n := range []int{packed.SniffLen, len(b) / 2, len(b) - 1} {
			t.Run(fmt.Sprint(kind, n), func(t *testing.T) {
				got, err := readAll(b[:n])
				if !errors.Is(err, packed.ErrCut) {
					t.Errorf("error %v, want %v", err, packed.ErrCut)
				}
				if !bytes.HasPrefix(plain, got) {
					t.Error("what was read before the cut is not what was packed")
				}
			})
		}
	}
}

func TestCorrupt(t *testing.T) {
	plain := lines(500)
	for _, kind := range readable {
		t.Run(kind.String(), func(t *testing.T) {
			b := bytes.Clone(pack(t, kind, plain))
			for i := len(b) / 3; i < len(b)/3+40; i++ {
				b[i] ^= 0x5a
			}
			if got, err := readAll(b); err == nil && !bytes.Equal(got, plain) {
				t.Errorf("%d wrong bytes were read as good ones", len(got))
			} else if err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestBomb(t *testing.T) {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	nothing := make([]byte, 1<<20)
	for range packed.MaxGrace>>20 + 2 {
		if _, err := w.Write(nothing); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := packed.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	n, err := io.Copy(io.Discard, p)
	if !errors.Is(err, packed.ErrBomb) || n > packed.MaxGrace+1<<20 {
		t.Errorf("%d bytes came out of %d: %v", n, b.Len(), err)
	}
}

// TestMonotonousLog is a crash loop: one line over and over is no bomb.
func TestMonotonousLog(t *testing.T) {
	plain := bytes.Repeat([]byte("2026-01-31T18:29:40Z fatal: cannot open database\n"), 1<<21)
	b := pack(t, packed.Gzip, plain)
	if len(plain) < packed.MaxGrace {
		t.Fatal("too short to show anything")
	}
	if n, err := readAll(b); err != nil || len(n) != len(plain) {
		t.Errorf("read %d of %d bytes of %d: %v", len(n), len(plain), len(b), err)
	}
}

// TestLargeWindow has a frame that claims a window of 2 GiB.
func TestLargeWindow(t *testing.T) {
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00}
	_, err := readAll(append(frame, make([]byte, 16)...))
	if !errors.Is(err, packed.ErrBomb) {
		t.Errorf("error %v, want %v", err, packed.ErrBomb)
	}
}

func readAll(b []byte) ([]byte, error) {
	p, err := packed.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return io.ReadAll(p)
}

func TestSniff(t *testing.T) {
	for head, want := range map[string]packed.Kind{
		"2026-01-31 a line":      packed.Plain,
		"":                       packed.Plain,
		"BZh9 is a line, too":    packed.Plain,
		"PK is short":            packed.Plain,
		"\x1f\x8b\x08\x00":       packed.Gzip,
		"7z\xbc\xaf\x27\x1c\x00": packed.SevenZip,
		"\x1f\x9d\x90":           packed.Compress,
	} {
		if got := packed.Sniff([]byte(head)); got != want {
			t.Errorf("Sniff(%q) = %v, want %v", head, got, want)
		}
	}
	if _, err := readAll([]byte("7z\xbc\xaf\x27\x1c and more")); !errors.Is(err, packed.ErrUnsupported) || !strings.Contains(err.Error(), "7z") {
		t.Errorf("a 7z file: %v", err)
	}
}

func FuzzReader(f *testing.F) {
	for _, b := range [][]byte{xzLines, bzip2Lines} {
		f.Add(b)
	}
	short, err := base64.StdEncoding.DecodeString("H4sIAAAAAAAAA8vJzEtVMOQCAIGSkrYHAAAA")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(short)
	f.Fuzz(func(t *testing.T, b []byte) {
		ceiling.Within(t, 128<<20, func() {
			p, err := packed.Open(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				return
			}
			defer p.Close()
			if n, err := io.Copy(io.Discard, io.LimitReader(p, 1<<20)); n != p.Pos() {
				t.Errorf("copied %d, position %d: %v", n, p.Pos(), err)
			}
		})
	})
}
