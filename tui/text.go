package tui

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"logctl/internal/safe"
)

const ellipsis = "…"

// cells is the width of s on the screen, in cells.
func cells(s string) int {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return ansi.StringWidth(s)
		}
	}
	return len(s)
}

// fit makes s exactly w cells wide: cut with an ellipsis or padded at the right.
func fit(s string, w int) string {
	if w <= 0 {
		return ""
	}
	n := cells(s)
	if n > w {
		s = shorten(ansi.Truncate(s, w, ellipsis), w)
		n = cells(s)
	}
	return s + spaces(w-n)
}

// fitRight is fit with the text at the right, for numbers.
func fitRight(s string, w int) string {
	if w <= 0 {
		return ""
	}
	n := cells(s)
	if n > w {
		s = shorten(ansi.Truncate(s, w, ellipsis), w)
		n = cells(s)
	}
	return spaces(w-n) + s
}

// fitPath is fit for paths: what is cut is cut at the front, because the end
// tells files apart.
func fitPath(s string, w int) string {
	if w <= 0 {
		return ""
	}
	if n := cells(s); n > w {
		whole := s
		for drop := n - w + 1; cells(s) > w && drop <= n; drop++ { // once more for a wide character at the cut
			s = ansi.TruncateLeft(whole, drop, ellipsis)
		}
		s = shorten(s, w)
	}
	return s + spaces(w-cells(s))
}

// cut shortens s to at most w cells and pads nothing.
func cut(s string, w int) string {
	if w <= 0 {
		return ""
	}
	if cells(s) <= w {
		return s
	}
	return shorten(ansi.Truncate(s, w, ellipsis), w)
}

// shorten drops characters at the end until s is at most w cells wide: in some
// scripts the width of a cluster is not that of its parts, and cutting between
// them is off by one.
func shorten(s string, w int) string {
	for s != "" && cells(s) > w {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

func spaces(n int) string {
	if n <= 0 {
		return ""
	}
	const blank = "                                                                                                                                "
	if n <= len(blank) {
		return blank[:n]
	}
	return strings.Repeat(" ", n)
}

// wrapText breaks cleaned text into lines of at most w cells. It breaks
// anywhere, so that nothing of a log line is hidden or moved.
func wrapText(s string, w int) []string {
	if w <= 0 {
		return nil
	}
	if cells(s) <= w {
		return []string{s}
	}
	lines := strings.Split(ansi.Hardwrap(s, w, true), "\n")
	for i := range lines {
		lines[i] = shorten(lines[i], w)
	}
	return lines
}

// wrapWords breaks prose at spaces into lines of at most w cells.
func wrapWords(s string, w int) []string {
	if w <= 0 {
		return nil
	}
	return strings.Split(ansi.Wrap(s, w, ""), "\n")
}

// humanCount shortens a count: 950, 31.2k, 1.4M.
func humanCount(v float64) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case v < 0:
		return "-" + humanCount(-v)
	case v == 0:
		return "0"
	case v < 0.95:
		return "<1"
	case v < 999.5:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return scaled(v, 1000, []string{"", "k", "M", "G", "T", "P"})
}

// lagText is humanBytes of a sum; a part of it may be unknown.
func lagText(n int64, unknown bool) string {
	if unknown || n == safe.MaxNumber {
		return "unknown"
	}
	return humanBytes(float64(n))
}

// humanBytes shortens a number of bytes, in powers of 1024: 0 B, 1.2 MB.
func humanBytes(v float64) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case v < 0:
		return "-" + humanBytes(-v)
	case v < 1023.5:
		return strconv.FormatFloat(v, 'f', 0, 64) + " B"
	}
	return scaled(v, 1024, []string{" B", " KB", " MB", " GB", " TB", " PB"})
}

func scaled(v, base float64, units []string) string {
	i := 0
	for v >= base*0.9995 && i < len(units)-1 {
		v /= base
		i++
	}
	digits := 1
	if v >= 99.95 {
		digits = 0
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + units[i]
}

// humanAge shortens a duration to its biggest unit or two: 3s, 4m, 2h10m, 3d.
func humanAge(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Minute:
		return strconv.Itoa(int(d/time.Second)) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + "m"
	case d < 24*time.Hour:
		h, m := int(d/time.Hour), int(d%time.Hour/time.Minute)
		if m == 0 || h >= 10 {
			return strconv.Itoa(h) + "h"
		}
		return fmt.Sprintf("%dh%02dm", h, m)
	}
	return strconv.Itoa(int(d/(24*time.Hour))) + "d"
}

// stamp is a moment in the time zone of now: without its day when that is today, and
// without its year when that is this year.
func stamp(t, now time.Time) string {
	t = t.In(now.Location())
	switch {
	case t.Year() != now.Year():
		return t.Format("2006-01-02 15:04")
	case t.YearDay() != now.YearDay():
		return t.Format("01-02 15:04")
	}
	return t.Format("15:04:05")
}

// humanLatency shortens a short duration: 0.4ms, 12ms, 1.3s.
func humanLatency(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + humanLatency(-d)
	case d < 10*time.Millisecond:
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64) + "ms"
	case d < time.Second:
		return strconv.Itoa(int(d/time.Millisecond)) + "ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + "s"
	}
	return humanAge(d)
}

// plural is "1 agent", "2 agents".
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	if strings.HasSuffix(word, "y") {
		return strconv.Itoa(n) + " " + strings.TrimSuffix(word, "y") + "ies"
	}
	return strconv.Itoa(n) + " " + word + "s"
}

func itoa(n int) string { return strconv.Itoa(n) }
