package tui

import "strings"

const labelWidth = 16

// body draws the fields; the current one with its help, the marked ones with
// their problem.
func (s *form) body(w, h int) []string {
	st := s.env.styles
	var lines []string
	starts := make([]int, len(s.fields))
	for i, f := range s.fields {
		starts[i] = len(lines)
		lines = append(lines, s.line(i, f, w))
		if f.problem != "" {
			for _, l := range wrapWords("✗ "+f.problem, w-labelWidth-4) {
				lines = append(lines, spaces(labelWidth+2)+st.bad.apply(l))
			}
		}
		if i == s.sel && f.help != "" {
			for _, l := range wrapWords(f.help, w-labelWidth-4) {
				lines = append(lines, spaces(labelWidth+2)+st.dim.apply(l))
			}
		}
	}
	end := len(lines)
	if s.sel+1 < len(starts) {
		end = starts[s.sel+1]
	}
	s.top = min(s.top, starts[s.sel])
	if end-s.top > h-2 {
		s.top = end - (h - 2)
	}
	s.top = max(min(s.top, len(lines)-(h-2)), 0)
	shown := lines[s.top:min(s.top+h-2, len(lines))]
	out := make([]string, 0, h)
	if s.top > 0 {
		out = append(out, st.dim.apply("  ↑ more above"))
	} else {
		out = append(out, "")
	}
	out = append(out, shown...)
	if s.top+len(shown) < len(lines) {
		out = append(out, st.dim.apply("  ↓ more below"))
	}
	s.curY = starts[s.sel] - s.top + 1
	return out
}

// line draws one field in w cells.
func (s *form) line(i int, f *field, w int) string {
	st := s.env.styles
	lead, label := "  ", fit(f.label, labelWidth-1)
	if i == s.sel {
		lead, label = "▸ ", st.key.apply(label)
	}
	room := max(w-labelWidth-3, 8)
	out := lead + label + " "
	if f.kind == fieldChoice {
		parts := make([]string, len(f.choices))
		for k, c := range f.choices {
			parts[k] = "( ) " + c
			if k == f.choice {
				parts[k] = st.title.apply("(•) " + c)
			}
		}
		if i == s.sel {
			s.curX = labelWidth + 2
		}
		return out + strings.Join(parts, "   ")
	}
	offer := ""
	if i == s.sel {
		if o := s.offer(); len(o) > len(f.input.Value()) {
			offer = clean(o[len(f.input.Value()):])
		}
	}
	f.input.SetWidth(max(room-1-min(cells(offer), room/2), 4))
	text := strings.TrimRight(plainInput(f.input.View()), " ")
	if i == s.sel {
		s.curX = labelWidth + 2
		if c := f.input.Cursor(); c != nil {
			s.curX += c.X
		}
		text = fit(text, max(cells(text), s.curX-labelWidth-2))
		if offer != "" {
			return out + text + st.dim.apply(offer+"  → takes it")
		}
		return out + text
	}
	if text == "" && f.label != "" {
		return out + st.dim.apply("-")
	}
	return out + text
}

func (s *form) cursor() (x, y int, ok bool) {
	if s.current().kind == fieldChoice {
		return 0, 0, false
	}
	return s.curX, s.curY, true
}
