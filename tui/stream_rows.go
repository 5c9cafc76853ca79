package tui

import (
	"bytes"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// valueText is the value as a row shows it.
func valueText(r *rec) string {
	switch {
	case r.value == nil:
		return "(null)"
	case len(r.value) == 0:
		return "(empty)"
	}
	text, more := cleanBytes(r.value, rowBytes)
	if more {
		text += ellipsis
	}
	return text
}

// row draws one record in one line of w cells.
func (s *streamScreen) row(l rowLayout, r *rec, w int) string {
	text := valueText(r)
	if s.left > 0 {
		text = ansi.TruncateLeft(text, min(s.left, cells(text)), "")
	}
	if r.seq == s.sel {
		return s.env.styles.sel.apply(fit("▸ "+s.lead(l, r, true)+cut(text, l.value), w))
	}
	return "  " + s.lead(l, r, false) + s.paintValue(cut(text, l.value), r)
}

// wrapped draws records with whole values, as many as fit into h lines. While
// following the newest one is always whole.
func (s *streamScreen) wrapped(l rowLayout, w, h int) []string {
	if len(s.win.rows) == 0 {
		return nil
	}
	var blocks [][]string
	used, from := 0, 0
	add := func(r *rec) int {
		b := s.block(l, r, w, h)
		blocks = append(blocks, b)
		return len(b)
	}
	selAt := 0
	for i, r := range s.win.rows {
		if r.seq == s.sel {
			selAt = i
		}
	}
	for i := selAt; i >= 0 && used < h; i-- { // upwards from the selected one
		used += add(s.win.rows[i])
		from = i
	}
	for i, j := 0, len(blocks)-1; i < j; i, j = i+1, j-1 {
		blocks[i], blocks[j] = blocks[j], blocks[i]
	}
	for i := selAt + 1; i < len(s.win.rows) && used < h; i++ {
		used += add(s.win.rows[i])
	}
	var out []string
	for _, b := range blocks {
		out = append(out, b...)
	}
	end := 0
	for i := 0; i <= selAt-from && i < len(blocks); i++ {
		end += len(blocks[i])
	}
	if start := max(end-h, 0); start > 0 { // the selected one is shown whole, its end at the bottom
		out = out[start:]
	}
	return out[:min(len(out), h)]
}

// block is one record over several lines.
func (s *streamScreen) block(l rowLayout, r *rec, w, h int) []string {
	lines := wrapText(valueText(r), l.value)
	if len(lines) > h {
		lines = append(lines[:h-1:h-1], ellipsis)
	}
	selected := r.seq == s.sel
	out := make([]string, 0, len(lines))
	for i, t := range lines {
		lead := spaces(l.lead)
		switch {
		case i == 0 && selected:
			lead = "▸ " + s.lead(l, r, true)
		case i == 0:
			lead = "  " + s.lead(l, r, false)
		}
		if selected {
			out = append(out, s.env.styles.sel.apply(fit(lead+t, w)))
			continue
		}
		out = append(out, lead+s.paintValue(t, r))
	}
	return out
}

// paintValue highlights hits, and colours lines by their level.
func (s *streamScreen) paintValue(text string, r *rec) string {
	st := s.env.styles
	base := st.plain
	switch {
	case len(r.value) == 0:
		base = st.dim
	default:
		switch level(r.value) {
		case 'E', 'F':
			base = st.bad
		case 'W':
			base = st.warn
		}
	}
	find := s.search
	if find == nil {
		find = s.filter
	}
	if !s.highlight || find == nil {
		return base.apply(text)
	}
	spans := find.spans(text)
	if len(spans) == 0 {
		return base.apply(text)
	}
	var b strings.Builder
	at := 0
	for _, sp := range spans {
		b.WriteString(base.apply(text[at:sp[0]]))
		b.WriteString(st.hit.apply(text[sp[0]:sp[1]]))
		at = sp[1]
	}
	b.WriteString(base.apply(text[at:]))
	return b.String()
}

// level is the first letter of the severity a log line names, ' ' when it names
// none: F E W I D T.
func level(value []byte) byte {
	if len(value) > 160 {
		value = value[:160]
	}
	if i := bytes.Index(value, []byte(`"level"`)); i >= 0 {
		return levelWord(bytes.TrimLeft(value[i+7:], ` :"`))
	}
	if i := bytes.Index(value, []byte("level=")); i >= 0 {
		return levelWord(bytes.TrimLeft(value[i+6:], `"`))
	}
	first, letter := len(value), byte(' ') // the first word counts: the text may name others
	for _, w := range [...]string{"ERROR", "FATAL", "WARN", "INFO", "DEBUG", "TRACE"} {
		if i := bytes.Index(value[:first], []byte(w)); i >= 0 && (i == 0 || !isLetter(value[i-1])) {
			first, letter = i, w[0]
		}
	}
	if letter != ' ' {
		return letter
	}
	for _, w := range [...]struct {
		word   string
		letter byte
	}{{"错误", 'E'}, {"严重", 'F'}, {"警告", 'W'}, {"信息", 'I'}, {"调试", 'D'}} {
		if bytes.Contains(value, []byte(w.word)) {
			return w.letter
		}
	}
	return ' '
}

func levelWord(b []byte) byte {
	for _, w := range [...]string{"error", "err", "fatal", "panic", "crit", "warn", "info", "notice", "debug", "trace"} {
		if len(b) >= len(w) && equalFold(b[:len(w)], []byte(w)) {
			switch w[0] {
			case 'p', 'c':
				return 'F'
			case 'n':
				return 'I'
			}
			return w[0] - 'a' + 'A'
		}
	}
	return ' '
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
