package tui

import (
	"fmt"
	"strings"

	"logctl/internal/safe"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"logctl/etcdcfg"
)

// frameCache keeps the last frame, so that it is drawn once for each message
// however often it is asked for.
type frameCache struct {
	stale bool
	view  tea.View
}

func (r *root) tooSmall() bool { return r.sized && (r.w < minWidth || r.h < minHeight) }

// View draws the screen. A panic in it ends the console in order.
func (r *root) View() (v tea.View) {
	defer r.env.keep.guard()
	if !r.frame.stale && r.frame.view.Content != "" {
		return r.frame.view
	}
	v.AltScreen = true
	v.ReportFocus = true
	v.WindowTitle = "logctl"
	if r.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	if !r.sized {
		return v
	}
	lines, cur := r.lines()
	v.Content = string(safe.Join(lines, "\n"))
	v.Cursor = cur
	r.frame = frameCache{view: v}
	return v
}

// lines are exactly the screen's lines, none wider than the screen, fit to be drawn.
func (r *root) lines() ([]safe.Text, *tea.Cursor) {
	lines, cur := r.compose()
	return r.env.styles.sealed(lines, r.w), cur
}

// compose puts the lines of the screen together.
func (r *root) compose() ([]string, *tea.Cursor) {
	if r.tooSmall() {
		return r.sizeMessage(), nil
	}
	top := r.top()
	bodyH := r.h - 3
	body, off := r.bodyLines(top, bodyH)
	lines := make([]string, 0, r.h)
	lines = append(lines, r.header(), cut(" "+top.summary(r.w-2), r.w))
	for i := range bodyH {
		line := ""
		if i < len(body) {
			line = cut(body[i], r.w)
		}
		lines = append(lines, line)
	}
	var cur *tea.Cursor
	if r.prompt != nil {
		text, x := r.prompt.line(r.env.styles, r.w)
		lines = append(lines, cut(text, r.w))
		cur = tea.NewCursor(x, r.h-1)
	} else {
		lines = append(lines, r.footer())
		if p, ok := top.(pointer); ok {
			if x, y, ok := p.cursor(); ok && y+off < bodyH {
				cur = tea.NewCursor(min(x, r.w-1), y+off+2)
			}
		}
	}
	return lines, cur
}

// bodyLines draws the top screen; a modal one is laid over the one below, off
// lines down.
func (r *root) bodyLines(top screen, h int) (lines []string, off int) {
	if _, modal := top.place(); !modal || len(r.stack) < 2 {
		return top.body(r.w, h), 0
	}
	base := r.baseBelow(h)
	for len(base) < h {
		base = append(base, "")
	}
	box := top.body(r.w, h)
	off = max((h-len(box))/3, 0)
	for i, l := range box {
		if off+i < len(base) {
			base[off+i] = l
		}
	}
	return base, off
}

// baseBelow is the body of the nearest screen below that is not modal, faint.
func (r *root) baseBelow(h int) []string {
	for i := len(r.stack) - 2; i >= 0; i-- {
		if _, modal := r.stack[i].place(); !modal {
			lines := r.stack[i].body(r.w, h)
			for k, l := range lines {
				lines[k] = r.env.styles.dim.apply(ansi.Strip(cut(l, r.w)))
			}
			return lines
		}
	}
	return nil
}

func (r *root) sizeMessage() []string {
	text := []string{
		"Terminal too small.",
		fmt.Sprintf("It is %dx%d, logctl needs %dx%d.", r.w, r.h, minWidth, minHeight),
		"Make it larger, or q to quit.",
	}
	lines := make([]string, r.h)
	for i, t := range text {
		if i < r.h {
			lines[i] = cut(t, r.w)
		}
	}
	return lines
}

// header is the crumbs at the left and the states at the right; what matters
// least goes first when there is no room.
func (r *root) header() string {
	st, v := r.env.styles, r.env.view
	crumbs := r.crumbs()
	left := st.title.apply(" logctl")
	for _, c := range crumbs {
		left += " ▸ " + st.crumb.apply(c)
	}
	type part struct {
		text string
		keep int // the lowest goes first
	}
	parts := []part{{st.dim.apply(clean(v.key)), 1}}
	if v.haveList {
		keep := 3
		if len(v.absent) > 0 {
			keep = 9
		}
		parts = append(parts, part{r.revision(), keep})
	}
	if r.env.readOnly {
		parts = append(parts, part{st.warn.apply("read-only"), 4})
	}
	etcd, kafka := linkText(r.env, "etcd", "ok", v.etcd), linkText(r.env, "kafka", plural(v.brokers, "broker"), v.kafka)
	parts = append(parts, part{etcd, 5 + badness(v.etcd)}, part{kafka, 5 + badness(v.kafka)},
		part{st.dim.apply(r.env.now().Format("15:04")), 2})
	for {
		texts := make([]string, 0, len(parts))
		for _, p := range parts {
			texts = append(texts, p.text)
		}
		right := strings.Join(texts, "   ")
		gap := r.w - cells(left) - cells(right) - 1
		if gap >= 2 || len(parts) == 0 {
			return cut(left+spaces(gap)+right, r.w)
		}
		worst := 0
		for i := range parts {
			if parts[i].keep < parts[worst].keep {
				worst = i
			}
		}
		if len(parts) == 2 { // rather shorten the crumbs than hide the states
			left = cut(left, max(r.w-cells(right)-3, 12))
			if r.w-cells(left)-cells(right)-1 >= 2 {
				continue
			}
		}
		parts = append(parts[:worst], parts[worst+1:]...)
	}
}

func badness(l link) int {
	if l.known && l.err != "" {
		return 5
	}
	return 0
}

// crumbs are the titles from the main screen to the top one.
func (r *root) crumbs() []string {
	var out []string
	start := 0
	if len(r.stack) > 1 {
		if parent, _ := r.stack[1].place(); parent != actEntries && parent != actStream {
			start = 1
		}
	}
	for _, s := range r.stack[start:] {
		if t := s.title(); t != "" {
			out = append(out, clean(t))
		}
	}
	return out
}

func (r *root) revision() string {
	v, st := r.env.view, r.env.styles
	switch {
	case v.list.ModRevision == 0:
		return st.warn.apply("no such key")
	case v.list.Err != nil:
		return st.bad.apply(fmt.Sprintf("✗ rev %d unusable", v.list.ModRevision))
	}
	if !v.saw {
		return fmt.Sprintf("rev %d", v.list.ModRevision)
	}
	if n := len(v.absent); n > 0 {
		first := v.absent[0]
		text := fmt.Sprintf("✗ %d of %d agents; %s", v.audience, v.audience+n, clean(first.id))
		if n > 1 {
			text = fmt.Sprintf("✗ %d of %d agents", v.audience, v.audience+n)
		} else if first.duty == etcdcfg.DutyAwaited {
			text += " never came"
		} else if text += " lost"; !first.lostSince().IsZero() {
			text += " since " + r.env.stamp(first.lostSince())
		}
		return fmt.Sprintf("rev %d · ", v.list.ModRevision) + st.bad.apply(text)
	}
	text := fmt.Sprintf("rev %d · applied %d/%d", v.list.ModRevision, v.applied, v.audience)
	if v.applied < v.audience {
		return st.warn.apply("! " + text)
	}
	return text
}

// linkText is a connection in words: ok, not yet, or since when it is lost or refuses.
func linkText(e *env, name, ok string, l link) string {
	st := e.styles
	switch {
	case !l.known:
		return st.dim.apply(name + " ◌ connecting")
	case l.err != "" && l.refused:
		return st.bad.apply(name + " ✗ refuses " + e.stamp(l.since))
	case l.err != "":
		return st.bad.apply(name + " ✗ lost " + e.stamp(l.since))
	}
	return name + " " + st.good.apply("●") + " " + ok
}

// footer is the toast or the keys of the screen, as many as there is room for.
func (r *root) footer() string {
	st := r.env.styles
	if r.toast.text != "" {
		paint, sign := st.good, "✓ "
		switch {
		case r.toast.bad:
			paint, sign = st.bad, "✗ "
		case strings.HasSuffix(r.toast.text, " ..."): // under way
			paint, sign = st.wait, "◌ "
		}
		return paint.apply(cut(" "+sign+clean(r.toast.text), r.w))
	}
	var b strings.Builder
	used := 0
	keys := r.top().keys()
	globals := globalKeys()
	_, modal := r.top().place()
	if t, ok := r.top().(typer); modal || ok && t.typing() {
		globals = keymap{}
	}
	tail := ""
	for _, k := range globals {
		if _, own := keys.find(k.keys[0]); k.label != "" && !own {
			tail += "  " + st.key.apply(shownKey(k.keys[0])) + " " + k.label
		}
	}
	room := r.w - cells(tail) - 1
	for _, k := range keys {
		if k.label == "" || k.writes && r.env.readOnly {
			continue
		}
		item := shownKey(k.keys[0]) + " " + k.label
		if used+cells(item)+2 > room {
			break
		}
		used += cells(item) + 2
		b.WriteString("  " + st.key.apply(shownKey(k.keys[0])) + " " + k.label)
	}
	return cut(strings.TrimPrefix(b.String()+tail, " "), r.w)
}
