package tui

import (
	"logctl/internal/safe"
)

// Views are put together as strings, and cleaned twice. Text from outside is cleaned
// where it enters a view, so that its width is known; see clean. Then root.lines makes
// safe.Text of the finished lines with the seal of the styles, and only that is drawn:
// what was forgotten is made visible there, and no text from outside can look like a
// style of the console.

const hexDigits = "0123456789abcdef"

// clean is safe.Clean.
func clean(s string) string { return string(safe.Clean(s)) }

// cleanBytes is safe.CleanBytes.
func cleanBytes(data []byte, limit int) (text string, cut bool) {
	t, cut := safe.CleanBytes(data, limit)
	return string(t), cut
}

// cleanLines is safe.CleanLines.
func cleanLines(s string) []string {
	lines := safe.CleanLines(s)
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = string(l)
	}
	return out
}

// sealed makes the lines of a finished frame fit to be drawn, none wider than w cells.
func (s *styles) sealed(lines []string, w int) []safe.Text {
	out := make([]safe.Text, len(lines))
	for i, l := range lines {
		out[i] = s.seal.Line(l)
		if cells(string(out[i])) > w { // what was made visible takes room
			out[i] = s.seal.Line(cut(l, max(w-(cells(string(out[i]))-w), 1)))
		}
	}
	return out
}
