package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"logctl/etcdcfg"
)

// reqDrop leaves screens wherever they are on the stack.
type reqDrop struct{ screens []screen }

// drop removes screens from the stack.
func (r *root) drop(gone []screen) tea.Cmd {
	kept := r.stack[:1:1]
	for _, s := range r.stack[1:] {
		leaves := false
		for _, g := range gone {
			leaves = leaves || g == s
		}
		if !leaves {
			kept = append(kept, s)
			continue
		}
		if c, ok := s.(closer); ok && s != screen(r.stream) {
			c.close()
		}
	}
	r.stack = kept
	return r.top().refresh()
}

// confirmScreen asks before something is lost. Enter does nothing; only y does.
type confirmScreen struct {
	env   *env
	verb  string
	lines []string // what will happen; cleaned
	yes   func() tea.Cmd
	diff  string // what would change; "": it is not shown
}

func newConfirm(e *env, verb string, lines []string, yes func() tea.Cmd) *confirmScreen {
	return &confirmScreen{env: e, verb: verb, lines: lines, yes: yes}
}

func (s *confirmScreen) title() string          { return s.verb }
func (s *confirmScreen) keys() keymap           { return confirmKeys(s.verb) }
func (s *confirmScreen) update(tea.Msg) tea.Cmd { return nil }
func (s *confirmScreen) refresh() tea.Cmd       { return nil }
func (s *confirmScreen) summary(int) string     { return "" }
func (s *confirmScreen) place() (action, bool)  { return actEntries, true }

func (s *confirmScreen) act(a action) tea.Cmd {
	s.env.request(reqDrop{[]screen{s}})
	if a == actYes {
		return s.yes()
	}
	return nil
}

func (s *confirmScreen) body(w, h int) []string {
	st := s.env.styles
	var lines []string
	for _, l := range s.lines {
		lines = append(lines, wrapWords(l, w-8)...)
	}
	if s.diff != "" {
		diff := colourDiff(st, s.diff, w-8)
		if room := max(h-len(lines)-8, 3); len(diff) > room {
			left := len(diff) - room
			diff = append(diff[:room:room], st.dim.apply("... and "+plural(left, "more line")))
		}
		lines = append(append(lines, ""), diff...)
	}
	lines = append(lines, "", st.key.apply("y")+" "+s.verb+"    "+st.key.apply("Esc")+" back")
	return box(st, st.warn, w, h, lines)
}

// box draws lines in a frame in the middle of w columns.
func box(st *styles, border paint, w, h int, lines []string) []string {
	inner := 20
	for _, l := range lines {
		inner = max(inner, cells(l))
	}
	inner = max(min(inner, w-8), 1)
	left := spaces(max((w-inner-4)/2, 0))
	out := []string{left + border.apply("╭"+strings.Repeat("─", inner+2)+"╮")}
	for _, l := range lines {
		out = append(out, left+border.apply("│")+" "+fit(l, inner)+" "+border.apply("│"))
	}
	out = append(out, left+border.apply("╰"+strings.Repeat("─", inner+2)+"╯"))
	if len(out) > h && h > 2 {
		out = append(out[:h-3:h-3], out[len(out)-3:]...) // the keys are always seen
	}
	return out
}

// colourDiff styles the lines of etcdcfg.Diff for w cells: those that changed go on in
// the next line, the others are cut when drawn.
func colourDiff(st *styles, diff string, w int) []string {
	var out []string
	for l := range strings.SplitSeq(strings.TrimRight(diff, "\n"), "\n") {
		l = clean(l)
		paint := st.added
		switch {
		case strings.HasPrefix(l, "-"):
			paint = st.removed
		case !strings.HasPrefix(l, "+"):
			out = append(out, " "+l)
			continue
		}
		const indent = 5
		parts := wrapWords(l, w-1-indent)
		for i, p := range parts {
			if i > 0 {
				p = l[:1] + spaces(indent-1) + p
			}
			out = append(out, " "+paint.apply(p))
		}
	}
	return out
}

// firstChange is the line a diff should be opened at.
func firstChange(diff string) int {
	for i, l := range strings.Split(diff, "\n") {
		if strings.HasPrefix(l, "+") || strings.HasPrefix(l, "-") {
			return max(i-3, 0)
		}
	}
	return 0
}

// propose shows what an edit would change; y saves it. The screens of closes are
// left after saving.
func (e *env) propose(base etcdcfg.Snapshot, ed edit, closes ...screen) tea.Cmd {
	raw, entries, err := ed.after(base)
	if err != nil {
		e.complain(err.Error())
		return nil
	}
	diff := etcdcfg.Diff(base.Raw, raw)
	if string(raw) == string(base.Raw) || firstDiffless(diff) {
		e.say("Nothing changed")
		e.request(reqDrop{closes})
		return nil
	}
	s := &textScreen{env: e, name: "save?", head: "This is what changes in " + clean(base.Key) + ": " + clean(ed.note), actions: diffKeys(), keeps: true}
	s.show(nil, diff)
	for _, x := range etcdcfg.Advise(base.Entries, entries) {
		s.mind = append(s.mind, "mind: "+clean(x.What)+"; "+clean(x.Do))
	}
	s.onAct = func(a action) tea.Cmd {
		if a == actYes {
			return e.save(base, ed, append([]screen{s}, closes...)...)
		}
		return nil
	}
	e.push(s)
	return nil
}

func firstDiffless(diff string) bool {
	for l := range strings.SplitSeq(diff, "\n") {
		if strings.HasPrefix(l, "+") || strings.HasPrefix(l, "-") {
			return false
		}
	}
	return true
}
