package lines

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"logctl/internal/testkit/ceiling"
)

// naive cuts all of data into lines the slow and obvious way.
func naive(data []byte, newline Newline, long LongLines, maxLine int) (lines []string, rest int) {
	unit := 1
	nl, cr := []byte("\n"), []byte("\r")
	switch newline {
	case NewlineUTF16LE:
		unit, nl, cr = 2, []byte("\n\x00"), []byte("\r\x00")
	case NewlineUTF16BE:
		unit, nl, cr = 2, []byte("\x00\n"), []byte("\x00\r")
	}
	start := 0
	for i := 0; i+unit <= len(data); i += unit {
		if !bytes.Equal(data[i:i+unit], nl) {
			continue
		}
		line := data[start:i]
		if len(line) >= unit && bytes.Equal(line[len(line)-unit:], cr) {
			line = line[:len(line)-unit]
		}
		start = i + unit
		switch sp := (Splitter{Newline: newline, MaxLine: maxLine}); {
		case len(line) <= maxLine:
			lines = append(lines, "0 "+string(line))
		case long == LongTruncate:
			lines = append(lines, "0 "+string(line[:sp.cutAt(line)]))
		case long == LongSplit:
			part := 1
			for ; len(line) > maxLine; part++ {
				n := sp.cutAt(line)
				lines = append(lines, fmt.Sprintf("%d %s", part, line[:n]))
				line = line[n:]
			}
			lines = append(lines, fmt.Sprintf("%d last %s", part, line))
		}
	}
	return lines, start
}

// chopped cuts data into lines as they come in reads of random sizes.
func chopped(data []byte, newline Newline, long LongLines, maxLine int, rnd *rand.Rand) (got []string, done int) {
	sp := Splitter{Newline: newline, Long: long, MaxLine: maxLine, MaxLines: 1 + rnd.IntN(8)}
	pos, part, have := 0, 0, 0
	for {
		lines, c := sp.Split(nil, data[pos:have], int64(pos), part, false)
		for _, l := range lines {
			s := fmt.Sprintf("%d ", l.Part)
			if l.Last {
				s += "last "
			}
			if l.Pos != int64(pos)+int64(l.Start) {
				panic("position")
			}
			got = append(got, s+string(data[pos+int(l.Start):pos+int(l.End)]))
		}
		pos += c.Used
		part = c.Part
		if c.Used == 0 && have == len(data) {
			return got, pos
		}
		if c.Used == 0 || rnd.IntN(2) == 0 {
			have = min(len(data), have+1+rnd.IntN(40))
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte("a\r\nb\n\nlonger than the limit of a line\r\n\r\r\n\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\n"), uint8(0), uint8(0), uint8(8), uint64(1))
	f.Add([]byte("a\x00\r\x00\n\x00b\x00\n\x00"), uint8(1), uint8(1), uint8(4), uint64(2))
	f.Add([]byte("\x00a\x00\r\x00\n\x0a\x0a\x00\n"), uint8(2), uint8(2), uint8(4), uint64(3))
	f.Fuzz(func(t *testing.T, data []byte, newline, long, limit uint8, seed uint64) {
		ceiling.Within(t, 128<<20, func() {
			n, l, maxLine := Newline(newline%3), LongLines(long%3), 4+int(limit%60)
			if n != NewlineLF {
				maxLine &^= 1
			}
			want, whole := naive(data, n, l, maxLine)
			got, done := chopped(data, n, l, maxLine, rand.New(rand.NewPCG(seed, 0)))
			if done >= whole { // parts of an unfinished long line may be out already
				got = got[:min(len(got), len(want))]
			}
			if len(want)+len(got) == 0 {
				return
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("newline %d, long %d, limit %d: want/got\n%s", n, l, maxLine, d)
			}
		})
	})
}

func TestSplitFinal(t *testing.T) {
	sp := Splitter{MaxLine: 4, MaxLines: 100}
	lines, c := sp.Split(nil, []byte("ab\ncdefgh"), 0, 0, true)
	if len(lines) != 3 || c.Used != 9 || lines[2].Part != 2 || !lines[2].Last {
		t.Fatalf("%+v %+v", lines, c)
	}
}

func TestSurrogatesStayTogether(t *testing.T) {
	var b []byte
	for _, u := range utf16.Encode([]rune("a😀😀😀\n")) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	sp := Splitter{Newline: NewlineUTF16LE, MaxLine: 8, MaxLines: 100}
	lines, _ := sp.Split(nil, b, 0, 0, false)
	if len(lines) != 2 || lines[0].End != 6 || lines[1].End != 14 {
		t.Fatalf("%+v", lines)
	}
}

func BenchmarkSplit(b *testing.B) {
	data := bytes.Repeat([]byte(string(bytes.Repeat([]byte("x"), 148))+"\n"), 1700)
	sp := Splitter{MaxLine: 1 << 20, MaxLines: 32768}
	lines, _ := sp.Split(nil, data, 0, 0, false)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		lines, _ = sp.Split(lines[:0], data, 0, 0, false)
	}
	b.ReportMetric(float64(len(lines))*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
