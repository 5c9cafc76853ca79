package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// textScreen shows lines that can be scrolled: help, a broken list, a diff.
type textScreen struct {
	env     *env
	name    string
	parent  action
	head    string
	lines   []string // styled, any width: cut when drawn
	diff    string   // instead of lines: a difference, of which no change is cut
	mind    []string // stands above, whatever is scrolled
	keeps   bool     // it is of something that is not saved yet
	hang    int      // not 0: long lines go on in the next one, this far in
	shown   []string // the lines as they were drawn for a width
	width   int
	top     int
	height  int
	actions keymap
	onAct   func(a action) tea.Cmd // actions other than moving and back
}

func (s *textScreen) title() string          { return s.name }
func (s *textScreen) keys() keymap           { return s.actions }
func (s *textScreen) update(tea.Msg) tea.Cmd { return nil }
func (s *textScreen) refresh() tea.Cmd       { return nil }
func (s *textScreen) summary(int) string     { return s.head }
func (s *textScreen) place() (action, bool)  { return s.parent, false }
func (s *textScreen) holds() bool            { return s.keeps }

func (s *textScreen) act(a action) tea.Cmd {
	page := max(s.height-1, 1)
	switch a {
	case actUp:
		s.top--
	case actDown:
		s.top++
	case actPageUp:
		s.top -= page
	case actPageDown:
		s.top += page
	case actTop:
		s.top = 0
	case actBottom:
		s.top = len(s.shown)
	case actBack:
		s.env.pop()
	default:
		if s.onAct != nil {
			return s.onAct(a)
		}
	}
	s.top = max(min(s.top, len(s.shown)-s.height), 0)
	return nil
}

// show replaces what is shown by lines, or by a difference, opened at its first
// change.
func (s *textScreen) show(lines []string, diff string) {
	s.lines, s.diff, s.top, s.width = lines, diff, firstChange(diff), 0
}

func (s *textScreen) body(w, h int) []string {
	if s.width != w {
		s.width, s.shown = w, s.fitted(w)
	}
	var out []string
	for _, m := range s.mind {
		for _, l := range wrapWords(m, w-2) {
			out = append(out, " "+s.env.styles.warn.apply(l))
		}
	}
	out = out[:min(len(out), h/2)]
	h -= len(out)
	s.height = h
	s.top = max(min(s.top, len(s.shown)-h), 0)
	return append(out, s.shown[s.top:min(s.top+h, len(s.shown))]...)
}

func (s *textScreen) fitted(w int) []string {
	switch {
	case s.diff != "":
		return colourDiff(s.env.styles, s.diff, w)
	case s.hang == 0 || w <= 2*s.hang:
		return s.lines
	}
	var out []string
	for _, l := range s.lines {
		parts := wrapWords(l, w)
		out = append(out, parts[0])
		if len(parts) > 1 {
			for _, p := range wrapWords(strings.Join(parts[1:], " "), w-s.hang) {
				out = append(out, spaces(s.hang)+p)
			}
		}
	}
	return out
}

// newHelpScreen lists the keys of a screen, the global ones, the commands and
// the signs.
func newHelpScreen(e *env, of screen) *textScreen {
	st := e.styles
	s := &textScreen{env: e, name: "help", actions: textKeys(), hang: 20, head: "Keys work as shown here; the line at the foot has the most used ones."}
	add := func(title string, k keymap) {
		s.lines = append(s.lines, " "+st.head.apply(title))
		for _, b := range k {
			text := "   " + st.key.apply(fit(b.shown(), 16)) + " " + b.help
			if b.writes && e.readOnly {
				text += st.dim.apply(" (off: read-only)")
			}
			s.lines = append(s.lines, text)
		}
		s.lines = append(s.lines, "")
	}
	if of != nil {
		s.parent, _ = of.place()
		add("Here: "+clean(of.title()), of.keys())
	}
	add("Everywhere", globalKeys())
	s.lines = append(s.lines, " "+st.head.apply("Commands (after :)"))
	for _, c := range commands() {
		s.lines = append(s.lines, "   "+st.key.apply(fit(strings.TrimSpace(c.names[0]+" "+c.arg), 28))+" "+c.help)
	}
	s.lines = append(s.lines, "", " "+st.head.apply("Signs before a state"))
	for _, l := range [][2]string{
		{"●", "works"},
		{"·", "nothing to do: idle or paused"},
		{"◌", "waits: for its file, or for agents to take the entry up"},
		{"!", "look at it: behind, or no agent"},
		{"✗", "does not work; the reason stands below it"},
		{"stale 14s", "no news for that long; the value is the last one known"},
	} {
		s.lines = append(s.lines, "   "+fit(l[0], 16)+" "+l[1])
	}
	s.lines = append(s.lines, "", "   logctl "+clean(e.version))
	return s
}
