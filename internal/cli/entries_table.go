package cli

import (
	"strings"

	"logctl/internal/safe"

	"github.com/mattn/go-runewidth"
)

// textTable lays rows out in columns, two spaces apart, by the width that a terminal
// gives to each character: Chinese takes two columns. Cells are cleaned.
func textTable(untrusted [][]safe.Untrusted) safe.Text {
	rows := make([][]string, len(untrusted))
	for i, row := range untrusted {
		for _, cell := range row {
			rows[i] = append(rows[i], string(safe.Clean(cell)))
		}
	}
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
	return safe.Printed(b.String())
}
