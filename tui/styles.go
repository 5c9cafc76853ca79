package tui

import (
	"fmt"
	"image/color"
	"strings"

	"charm.land/lipgloss/v2"
)

// Themes of Config.Theme.
const (
	ThemeAuto  = "auto" // light or dark as the terminal says
	ThemeLight = "light"
	ThemeDark  = "dark"
	ThemeNone  = "none" // no colour; bold and reverse remain
)

// CheckTheme validates a theme as typed by a user; "" is ThemeAuto.
func CheckTheme(theme string) error {
	switch theme {
	case "", ThemeAuto, ThemeLight, ThemeDark, ThemeNone:
		return nil
	}
	return fmt.Errorf("theme %q: want auto, light, dark or none", theme)
}

// paint is a style as the bytes around a text, so that drawing a cell costs a
// concatenation.
type paint struct{ on, off string }

func newPaint(s lipgloss.Style) paint {
	r := s.Render("x")
	i := strings.Index(r, "x")
	return paint{on: r[:i], off: r[i+1:]}
}

func (p paint) apply(s string) string {
	if p.on == "" || s == "" {
		return s
	}
	return p.on + s + p.off
}

// styles are all styles of the console: the sixteen colours of the terminal's
// own palette, so that they fit its theme.
type styles struct {
	plain, title, crumb, dim, head    paint
	good, wait, warn, bad             paint
	sel, hit, key, border, input      paint
	added, removed, str, num, literal paint
	parts                             []paint // partitions, by number
}

// newStyles builds the styles for a background; without colour only bold, faint
// and reverse are used.
func newStyles(dark, colour bool) *styles {
	base := lipgloss.NewStyle()
	fg := func(darkC, lightC color.Color) lipgloss.Style {
		if !colour {
			return base
		}
		return base.Foreground(lipgloss.LightDark(dark)(lightC, darkC))
	}
	s := &styles{
		title: newPaint(base.Bold(true)), dim: newPaint(base.Faint(true)),
		crumb: newPaint(fg(lipgloss.BrightCyan, lipgloss.Blue).Bold(true)),
		head:  newPaint(fg(lipgloss.Cyan, lipgloss.Blue).Bold(true)),
		good:  newPaint(fg(lipgloss.Green, lipgloss.Green)),
		wait:  newPaint(fg(lipgloss.Cyan, lipgloss.Cyan)),
		warn:  newPaint(fg(lipgloss.Yellow, lipgloss.Magenta).Bold(true)),
		bad:   newPaint(fg(lipgloss.BrightRed, lipgloss.Red).Bold(true)),
		sel:   newPaint(base.Reverse(true)),
		hit:   newPaint(fg(lipgloss.BrightYellow, lipgloss.Magenta).Bold(true).Underline(true)),
		key:   newPaint(fg(lipgloss.BrightCyan, lipgloss.Blue).Bold(true)),
		input: newPaint(base.Underline(true)), border: newPaint(fg(lipgloss.Cyan, lipgloss.Blue)),
		added: newPaint(fg(lipgloss.Green, lipgloss.Green)), removed: newPaint(fg(lipgloss.BrightRed, lipgloss.Red)),
		str: newPaint(fg(lipgloss.Green, lipgloss.Green)), num: newPaint(fg(lipgloss.Cyan, lipgloss.Blue)),
		literal: newPaint(fg(lipgloss.Yellow, lipgloss.Magenta)),
	}
	for _, c := range []color.Color{lipgloss.Cyan, lipgloss.Green, lipgloss.Magenta, lipgloss.Blue, lipgloss.Yellow, lipgloss.Red} {
		s.parts = append(s.parts, newPaint(fg(c, c)))
	}
	return s
}

// state is the style of a task's state.
func (s *styles) state(state string) paint {
	switch severity(state) {
	case sevGood:
		return s.good
	case sevWait:
		return s.wait
	case sevWarn:
		return s.warn
	case sevBad:
		return s.bad
	}
	return s.dim
}

func (s *styles) partition(id int32) paint {
	return s.parts[int(uint32(id))%len(s.parts)]
}
