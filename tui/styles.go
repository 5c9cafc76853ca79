package tui

import (
	"fmt"
	"image/color"
	"strings"

	"logctl/internal/safe"

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

func newPaint(seal *safe.Seal, s lipgloss.Style) paint {
	r := s.Render("x")
	i := strings.Index(r, "x")
	return paint{on: seal.Style(r[:i]), off: seal.Style(r[i+1:])}
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
	seal *safe.Seal // that all of them carry

	plain, title, crumb, dim, head    paint
	good, wait, warn, bad             paint
	sel, hit, key, border, input      paint
	added, removed, str, num, literal paint
	parts                             []paint // partitions, by number
}

// newStyles builds the styles for a background; without colour only bold, faint
// and reverse are used.
func newStyles(seal *safe.Seal, dark, colour bool) *styles {
	painted := func(s lipgloss.Style) paint { return newPaint(seal, s) }
	base := lipgloss.NewStyle()
	fg := func(darkC, lightC color.Color) lipgloss.Style {
		if !colour {
			return base
		}
		return base.Foreground(lipgloss.LightDark(dark)(lightC, darkC))
	}
	s := &styles{
		seal:  seal,
		title: painted(base.Bold(true)), dim: painted(base.Faint(true)),
		crumb: painted(fg(lipgloss.BrightCyan, lipgloss.Blue).Bold(true)),
		head:  painted(fg(lipgloss.Cyan, lipgloss.Blue).Bold(true)),
		good:  painted(fg(lipgloss.Green, lipgloss.Green)),
		wait:  painted(fg(lipgloss.Cyan, lipgloss.Cyan)),
		warn:  painted(fg(lipgloss.Yellow, lipgloss.Magenta).Bold(true)),
		bad:   painted(fg(lipgloss.BrightRed, lipgloss.Red).Bold(true)),
		sel:   painted(base.Reverse(true)),
		hit:   painted(fg(lipgloss.BrightYellow, lipgloss.Magenta).Bold(true).Underline(true)),
		key:   painted(fg(lipgloss.BrightCyan, lipgloss.Blue).Bold(true)),
		input: painted(base.Underline(true)), border: painted(fg(lipgloss.Cyan, lipgloss.Blue)),
		added: painted(fg(lipgloss.Green, lipgloss.Green)), removed: painted(fg(lipgloss.BrightRed, lipgloss.Red)),
		str: painted(fg(lipgloss.Green, lipgloss.Green)), num: painted(fg(lipgloss.Cyan, lipgloss.Blue)),
		literal: painted(fg(lipgloss.Yellow, lipgloss.Magenta)),
	}
	for _, c := range []color.Color{lipgloss.Cyan, lipgloss.Green, lipgloss.Magenta, lipgloss.Blue, lipgloss.Yellow, lipgloss.Red} {
		s.parts = append(s.parts, painted(fg(c, c)))
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

// problem is the style of a problem, or of a warning.
func (s *styles) problem(bad bool) paint {
	if bad {
		return s.bad
	}
	return s.warn
}
