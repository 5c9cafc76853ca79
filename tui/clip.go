package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// maxClip is what terminals take in one OSC 52 sequence, before base64.
const maxClip = 74994 / 4 * 3

// copyText asks the terminal to put text into the clipboard (OSC 52).
func (e *env) copyText(text, what string) tea.Cmd {
	if len(text) > maxClip {
		e.complain(fmt.Sprintf("Too long for the terminal's clipboard (%s): save it to a file with s", humanBytes(float64(len(text)))))
		return nil
	}
	e.say(fmt.Sprintf("Copied %s (%s), if the terminal allows it", what, humanBytes(float64(len(text)))))
	return tea.SetClipboard(text)
}

func stripStyles(s string) string { return ansi.Strip(s) }
