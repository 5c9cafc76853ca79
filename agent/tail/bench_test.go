package tail

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkRead reads a file of 149-byte lines through a Set, as an agent does.
func BenchmarkRead(b *testing.B) {
	path := filepath.Join(b.TempDir(), "app.log")
	line := append(bytes.Repeat([]byte("x"), 148), '\n')
	const lines = 400_000
	if err := os.WriteFile(path, bytes.Repeat(line, lines), 0o644); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(lines * int64(len(line)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n += readAll(b, Config{Path: path, Poll: true})
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "lines/s")
}

func readAll(b *testing.B, cfg Config) (lines int) {
	s, err := Open(cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.Scan(context.Background()); err != nil {
		b.Fatal(err)
	}
	for f := s.TryReady(); f != nil; f = s.TryReady() {
		for {
			c, err := f.Next()
			if err == io.EOF {
				break
			}
			lines += len(c.Lines)
			c.Release()
		}
		f.Release()
	}
	return lines
}

// BenchmarkLine is one appended line: wake, look, read, hand out.
func BenchmarkLine(b *testing.B) {
	path := filepath.Join(b.TempDir(), "app.log")
	w, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	s, err := Open(Config{Path: path, Poll: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.Scan(context.Background()); err != nil {
		b.Fatal(err)
	}
	line := append(bytes.Repeat([]byte("x"), 148), '\n')
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Write(line); err != nil {
			b.Fatal(err)
		}
		s.mu.Lock()
		for f := range s.files {
			s.wakeLocked(f)
		}
		s.mu.Unlock()
		f := s.TryReady()
		c, err := f.Next()
		if err != nil {
			b.Fatal(err)
		}
		c.Release()
		f.Release()
	}
}

// BenchmarkScan is one look at so many quiet files: with Interval at 1 s,
// 10 ms are 1 % of a core.
func BenchmarkScan(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := b.TempDir()
			for i := range n {
				if err := os.WriteFile(fmt.Sprintf("%s/%05d.log", dir, i), []byte("a line\n"), 0o644); err != nil {
					b.Fatal(err)
				}
			}
			s, err := Open(Config{Path: dir + "/*.log", Poll: true})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			begin := time.Now()
			if err := s.Scan(context.Background()); err != nil {
				b.Fatal(err)
			}
			first := time.Since(begin)
			for f := s.TryReady(); f != nil; f = s.TryReady() {
				if c, err := f.Next(); err == nil {
					c.Release()
				}
				f.Release()
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Scan(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(first.Milliseconds()), "first-ms")
		})
	}
}
