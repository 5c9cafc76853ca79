package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// write runs a writer for d of pretended time.
func write(t *testing.T, w *Writer, d time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		if err := w.Run(ctx); err != nil {
			t.Fatal(err)
		}
	})
}

// generations reads all files of a log, renamed ones too.
func generations(t *testing.T, path string) (lines [][]byte, files int) {
	t.Helper()
	names, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasSuffix(data, []byte("\n")) {
			t.Errorf("%s ends within a line", name)
		}
		lines = append(lines, bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))...)
	}
	return lines, len(names)
}

func TestWriterCountsExactly(t *testing.T) {
	w, err := NewWriter(t.TempDir(), WriterOptions{Rate: 500, RotateBytes: 64 << 10, Keep: 1000, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, time.Minute)

	var sum int64
	for _, sample := range w.Samples() {
		lines, files := generations(t, sample.Path)
		if n := w.Lines()[sample.Path]; n != int64(len(lines)) {
			t.Errorf("%s: %d lines counted, %d in its files", sample.Path, n, len(lines))
		}
		if files < 3 {
			t.Errorf("%s: %d generations, want rotations", sample.Path, files)
		}
		for _, line := range lines {
			if len(line) == 0 || !utf8.Valid(line) {
				t.Fatalf("%s: bad line %q", sample.Path, line)
			}
			if filepath.Ext(sample.Path) == ".json" && !json.Valid(line) {
				t.Fatalf("%s: not JSON: %s", sample.Path, line)
			}
		}
		sum += int64(len(lines))
	}
	if w.Total() != sum {
		t.Errorf("Total() = %d, want %d", w.Total(), sum)
	}
	if sum < 60*400 || sum > 60*900 {
		t.Errorf("%d lines in a minute at a rate of 500", sum)
	}
}

func TestWriterKeepsFewGenerationsAndCloseRemovesThem(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	w, err := NewWriter(dir, WriterOptions{Rate: 2000, RotateBytes: 32 << 10, Keep: 2})
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, 20*time.Second)
	for _, sample := range w.Samples() {
		if _, files := generations(t, sample.Path); files > 3 {
			t.Errorf("%s: %d files, want at most the log and 2 generations", sample.Path, files)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("after Close the directory is still there: %v", err)
	}
}

func TestWriterLeavesOthersFilesAlone(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "mine.txt")
	if err := os.WriteFile(other, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := NewWriter(dir, WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, time.Second)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 1 || left[0].Name() != "mine.txt" {
		t.Errorf("left behind: %v", left)
	}
}

func TestWriterRunsOnce(t *testing.T) {
	w, err := NewWriter(t.TempDir(), WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, time.Second)
	if w.Run(t.Context()) == nil {
		t.Error("a second Run was accepted")
	}
}

func TestSameSeedSameLoad(t *testing.T) {
	var totals [2]int64
	for i := range totals {
		w, err := NewWriter(t.TempDir(), WriterOptions{Seed: 7})
		if err != nil {
			t.Fatal(err)
		}
		write(t, w, 5*time.Second)
		totals[i] = w.Total()
	}
	if totals[0] != totals[1] {
		t.Errorf("%d and %d lines from the same seed", totals[0], totals[1])
	}
}
