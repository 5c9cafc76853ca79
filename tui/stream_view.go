package tui

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// rowBytes is how much of a value a row shows at most; the detail shows all.
const rowBytes = 4096

// streamColumns can be turned on and off; the value is always there.
var streamColumns = [...]string{"time", "partition", "offset", "level", "key", "headers", "value"}

func (s *streamScreen) summary(w int) string {
	st, i := s.env.styles, &s.info
	var left string
	switch {
	case i.bad:
		left = st.bad.apply("✗ " + i.state + " since " + s.env.stamp(i.since) + " (trying again)")
	case !s.lost().IsZero():
		left = st.bad.apply("✗ Kafka does not answer since " + s.env.stamp(s.lost()) + ": reading goes on by itself when it is back")
	case i.state != "live":
		left = st.wait.apply("◌ " + i.state)
	default:
		left = fmt.Sprintf("%s records/s · %s", humanCount(i.rate), perSecondText(i.bytes))
		if i.latency >= 0 {
			left += " · latency " + humanLatency(i.latency)
		}
	}
	left += st.dim.apply("   from " + clean(s.query.from))
	if s.query.partitions != "" {
		left += st.warn.apply("   partitions " + s.query.partitions)
	}
	if room := min(w-cells(left)-18, 60); room >= 10 {
		left = fit(left, w-room-12) + st.good.apply(sparkline(i.spark, room)) + st.dim.apply("  last min")
	}
	return left
}

// lost is since when the cluster does not answer and nothing comes in; zero when it
// does.
func (s *streamScreen) lost() time.Time {
	if !s.info.lost.IsZero() {
		return s.info.lost
	}
	if k := &s.env.view.kafka; k.err != "" && !(s.info.rate > 0) {
		return k.since
	}
	return time.Time{}
}

// strip shows the partitions: rate, lag, trouble. Those in trouble come first
// when there is no room for all.
func (s *streamScreen) strip(w int) string {
	st := s.env.styles
	var bad, good []partRow
	for _, p := range s.info.parts {
		if p.err != "" || p.stalled > 0 {
			bad = append(bad, p)
		} else {
			good = append(good, p)
		}
	}
	out, used := "", 0
	total := len(s.info.parts)
	for i, p := range append(bad, good...) {
		text := "  p" + itoa(int(p.id)) + " " + s.partText(p)
		more := fmt.Sprintf("  +%d more", total-i)
		if used+cells(text)+cells(more) > w && i > 0 {
			return out + st.dim.apply(more)
		}
		used += cells(text)
		paint := st.partition(p.id)
		if p.err != "" || p.stalled > 0 {
			paint = st.bad
		}
		out += paint.apply(text)
	}
	return out
}

func (s *streamScreen) partText(p partRow) string {
	switch {
	case p.err != "":
		return "✗ " + clean(p.err)
	case p.stalled > 0:
		return fmt.Sprintf("✗ stalled %s lag %s", coarseAge(p.stalled), humanCount(float64(p.lag())))
	}
	text := "● " + humanCount(p.rate) + "/s"
	if lag := p.lag(); lag > 0 {
		text += " lag " + humanCount(float64(lag))
	}
	return text
}

// status says where the view stands, and the honest counts.
func (s *streamScreen) status(w int) string {
	st, c := s.env.styles, s.win.counts
	var where string
	switch {
	case s.frozen != nil:
		newer := s.sess.ring.counts().Seen - s.frozen.seen
		where = st.warn.apply(fmt.Sprintf(" FROZEN +%s new", humanCount(float64(newer))))
	case !s.follow:
		where = st.warn.apply(fmt.Sprintf(" SCROLLED +%s newer", humanCount(float64(s.win.newer))))
	case s.info.ended:
		where = st.dim.apply(" END")
	case s.info.bad:
		where = st.bad.apply(" LOST " + humanAge(s.env.now().Sub(s.info.since)))
	case !s.lost().IsZero():
		where = st.bad.apply(" STALLED " + coarseAge(max(s.env.now().Sub(s.lost()), 0)))
	default:
		where = st.good.apply(" LIVE")
	}
	if s.frozen != nil {
		live := s.sess.ring.counts()
		c.Seen, c.Dropped = live.Seen, live.Dropped
	}
	text := fmt.Sprintf("%s   kept %s/%s", where, humanCount(float64(c.Kept)), humanCount(float64(c.Seen)))
	if s.filter != nil {
		text += "   " + st.hit.apply("/"+clean(cut(s.filter.text, max(w/4, 8)))) + fmt.Sprintf(" matched %s/%s", humanCount(float64(c.Matched)), humanCount(float64(c.Tested)))
	}
	text += "   dropped from view " + humanCount(float64(c.Dropped))
	if s.search != nil {
		text += "   " + st.hit.apply("\\"+clean(s.search.text))
	}
	return cut(text, w)
}

func (s *streamScreen) body(w, h int) []string {
	lines := []string{cut(s.strip(w), w)}
	paneW, listW, listH, paneH := 0, w, h-2, 0
	if s.detail {
		if w >= narrow {
			paneW = w / 2
			listW, paneH = w-paneW-1, listH
		} else {
			paneW, paneH = w, listH*3/5
			listH -= paneH
		}
	}
	if rows := max(listH-1, 1); rows != s.height {
		s.height = rows
		s.look()
	}
	s.width = listW
	list := s.list(listW, listH)
	if !s.detail {
		return append(append(lines, list...), s.status(w))
	}
	pane := s.detailPane(paneW, paneH)
	if w >= narrow {
		for i := range list {
			p := ""
			if i < len(pane) {
				p = pane[i]
			}
			lines = append(lines, fit(list[i], listW)+s.env.styles.border.apply("│")+p)
		}
	} else {
		lines = append(append(lines, list...), pane...)
	}
	return append(lines, s.status(w))
}

// list draws the visible rows in exactly h lines.
func (s *streamScreen) list(w, h int) []string {
	lay := s.layout(w)
	out := make([]string, 0, h)
	out = append(out, s.env.styles.head.apply(lay.head))
	room := h - 1
	if s.wrap {
		out = append(out, s.wrapped(lay, w, room)...)
	} else {
		for _, r := range s.win.rows {
			if len(out) <= room {
				out = append(out, s.row(lay, r, w))
			}
		}
	}
	if len(s.win.rows) == 0 && room > 1 {
		out = append(out, "", "  "+s.env.styles.dim.apply(s.nothing()))
	}
	for len(out) < h {
		out = append(out, "")
	}
	return out[:h]
}

func (s *streamScreen) nothing() string {
	switch {
	case s.info.state != "live" && !s.info.ended:
		return ""
	case s.filter != nil && s.win.counts.Kept > 0:
		return "None of the records kept matches the filter. / changes it."
	case s.query.from == "newest":
		return "No new record yet. o seeks: oldest, -100, a time."
	}
	return "No record there."
}

// rowLayout is the widths of the columns before the value.
type rowLayout struct {
	head                         string
	time, part, offset, lvl, key int
	headers                      int
	value                        int // cells left for it
	lead                         int
}

// layout fits the columns to what the visible records have: a column that is
// empty in all of them gives its room up.
func (s *streamScreen) layout(w int) rowLayout {
	var l rowLayout
	show := func(c string) bool { return !s.hiddenCol[c] }
	for _, r := range s.win.rows {
		if show("time") {
			l.time = max(l.time, cells(s.timeText(r)))
		}
		if show("partition") {
			l.part = max(l.part, len(strconv.Itoa(int(r.partition))), 1)
		}
		if show("offset") {
			l.offset = max(l.offset, len(strconv.FormatInt(r.offset, 10)), 6)
		}
		if show("level") && level(r.value) != ' ' {
			l.lvl = 1
		}
		if show("key") && len(r.key) > 0 {
			l.key = min(max(l.key, len(r.key), 3), 24, max(w/5, 3))
		}
		if show("headers") && len(r.headers) > 0 {
			l.headers = min(max(l.headers, cells(headersText(r)), 7), 40, max(w/4, 7))
		}
	}
	head := "  "
	add := func(n int, title string, right bool) {
		switch {
		case n == 0:
		case right:
			head += fitRight(title, n) + " "
		default:
			head += fit(title, n) + " "
		}
	}
	add(l.time, "TIME "+s.zoneName(), false)
	add(l.part, "P", true)
	add(l.offset, "OFFSET", true)
	add(l.lvl, "L", false)
	add(l.key, "KEY", false)
	add(l.headers, "HEADERS", false)
	l.lead = cells(head)
	l.value = max(w-l.lead, 1)
	title := "VALUE"
	if s.left > 0 { // else a value that is cut at its beginning looks like a whole one
		title += fmt.Sprintf(" from cell %d on (←)", s.left+1)
	}
	l.head = cut(head+title, w)
	return l
}

func (s *streamScreen) timeText(r *rec) string {
	if r.time.IsZero() {
		return "-"
	}
	switch s.timeMode {
	case timeDate:
		return s.zone(r.time).Format("2006-01-02 15:04:05.000")
	case timeAge:
		return fitRight(humanLatency(r.arrived.Sub(r.time)), 8)
	}
	return s.zone(r.time).Format("15:04:05.000")
}

func headersText(r *rec) string {
	parts := make([]string, 0, len(r.headers))
	for _, h := range r.headers {
		v, _ := cleanBytes(h.value, 80)
		parts = append(parts, clean(h.key)+"="+v)
	}
	return strings.Join(parts, " ")
}

// lead draws the columns before the value.
func (s *streamScreen) lead(l rowLayout, r *rec, plain bool) string {
	st := s.env.styles
	var b strings.Builder
	add := func(n int, text string, right bool, p paint) {
		if n == 0 {
			return
		}
		if right {
			text = fitRight(text, n)
		} else {
			text = fit(text, n)
		}
		if !plain {
			text = p.apply(text)
		}
		b.WriteString(text + " ")
	}
	add(l.time, s.timeText(r), false, st.dim)
	add(l.part, strconv.Itoa(int(r.partition)), true, st.partition(r.partition))
	add(l.offset, strconv.FormatInt(r.offset, 10), true, st.dim)
	if l.lvl > 0 {
		lv := level(r.value)
		add(l.lvl, string(lv), false, s.levelPaint(lv))
	}
	if l.key > 0 {
		k, _ := cleanBytes(r.key, 200)
		add(l.key, k, false, st.num)
	}
	if l.headers > 0 {
		add(l.headers, headersText(r), false, st.dim)
	}
	return b.String()
}

func (s *streamScreen) levelPaint(l byte) paint {
	switch l {
	case 'E', 'F':
		return s.env.styles.bad
	case 'W':
		return s.env.styles.warn
	}
	return s.env.styles.dim
}
