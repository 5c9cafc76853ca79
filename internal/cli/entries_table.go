package cli

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

// textTable lays rows out in columns, two spaces apart, by the width that a terminal
// gives to each character: Chinese takes two columns.
func textTable(rows [][]string) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], runewidth.StringWidth(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		pad := 0 // spaces owed, written only when something follows
		for i, cell := range row {
			if cell != "" {
				b.WriteString(strings.Repeat(" ", pad))
				pad = 0
			}
			b.WriteString(cell)
			pad += widths[i] - runewidth.StringWidth(cell) + 2
		}
		b.WriteByte('\n')
	}
	return b.String()
}
