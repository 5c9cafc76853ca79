package tui

import "strings"

// column is one column of a table.
type column struct {
	id    string
	title string
	min   int  // cells it is not worth showing below
	share int  // flexible: other columns go before it has less than 1/share of the room (when it needs that much)
	max   int  // cells it never exceeds; 0: no limit
	flex  bool // takes the room that is left, and gives way first
	right bool // numbers
	path  bool // cut at the front
	drop  int  // columns with the highest number go first when there is no room; 0: never
}

// cell is the content of a column in one row; text is cleaned.
type cell struct {
	text  string
	paint paint
	draw  func(w int) string // instead of text: draws as wide as the column is
	room  int                // cells that draw would like
}

// table draws rows in columns. It asks for visible rows only. Widths grow with
// what was seen and never shrink until reset, so that scrolling does not make
// columns jump; a column that had nothing to show gives its room up.
type table struct {
	cols   []column
	nat    []int // widest content seen
	top    int   // first row shown
	width  int
	gap    int   // blank cells between columns
	layout []int // cells of each column, 0: not shown
}

func newTable(cols ...column) *table {
	return &table{cols: cols, nat: make([]int, len(cols))}
}

func (t *table) reset() { clear(t.nat) }

// retitle gives a column another title.
func (t *table) retitle(id, title string) {
	for i := range t.cols {
		if t.cols[i].id == id {
			t.cols[i].title = title
		}
	}
}

// tableRows is what a table draws.
type tableRows struct {
	n      int
	sel    int
	row    func(i int) []cell
	notes  func(i int) []string // lines under a row, already styled; nil: none
	marked func(i int) bool     // nil: none
	sorted string               // id of the column sorted by
	down   bool                 // descending
}

// Blank cells between columns: rather less than a column less, on narrow screens.
const (
	tableGap  = 2
	narrowGap = 1
)

// render draws a head line and rows into exactly h lines of at most w cells.
func (t *table) render(st *styles, w, h int, r tableRows) []string {
	if h <= 1 || w <= 4 {
		return nil
	}
	t.scroll(h-1, r)
	type drawn struct {
		i     int
		cells []cell
	}
	var rows []drawn
	for i, used := t.top, 0; i < r.n && used < h-1; i++ {
		cs := r.row(i)
		for c := range cs {
			if c < len(t.nat) {
				t.nat[c] = max(t.nat[c], cells(cs[c].text), cs[c].room)
			}
		}
		rows = append(rows, drawn{i, cs})
		used += 1 + t.notesOf(r, i)
	}
	t.fitColumns(w - 2)
	lines := make([]string, 0, h)
	lines = append(lines, t.head(st, r))
	for _, d := range rows {
		lines = append(lines, t.line(st, r, d.i, d.cells))
		if r.notes != nil {
			for _, n := range r.notes(d.i) {
				lines = append(lines, cut(n, w))
			}
		}
	}
	if len(lines) > h {
		lines = lines[:h]
	}
	return lines
}

func (t *table) notesOf(r tableRows, i int) int {
	if r.notes == nil {
		return 0
	}
	return len(r.notes(i))
}

// scroll moves top so that the selected row and its notes are visible.
func (t *table) scroll(h int, r tableRows) {
	t.top = min(max(t.top, 0), max(r.n-1, 0))
	if r.sel < t.top {
		t.top = max(r.sel, 0)
	}
	if r.sel-t.top >= h {
		t.top = r.sel - h + 1
	}
	used := 0
	for i := t.top; i <= r.sel && i < r.n; i++ {
		used += 1 + t.notesOf(r, i)
	}
	for used > h && t.top < r.sel {
		used -= 1 + t.notesOf(r, t.top)
		t.top++
	}
	for t.top > 0 && t.top+h > r.n && r.notes == nil { // no blank lines at the end after growing
		t.top--
	}
}

func (t *table) head(st *styles, r tableRows) string {
	var b strings.Builder
	first := true
	for c, col := range t.cols {
		w := t.layout[c]
		if w == 0 {
			continue
		}
		if !first {
			b.WriteString(spaces(t.gap))
		}
		first = false
		title := col.title
		if col.id == r.sorted {
			if r.down {
				title += "↓"
			} else {
				title += "↑"
			}
		}
		if col.right {
			b.WriteString(fitRight(title, w))
		} else {
			b.WriteString(fit(title, w))
		}
	}
	return "  " + st.head.apply(strings.TrimRight(b.String(), " "))
}

func (t *table) line(st *styles, r tableRows, i int, cs []cell) string {
	selected := i == r.sel
	var b strings.Builder
	lead := "  "
	marked := r.marked != nil && r.marked(i)
	switch {
	case selected && marked:
		lead = "▸*"
	case selected:
		lead = "▸ "
	case marked:
		lead = " *"
	}
	b.WriteString(lead)
	first := true
	for c, col := range t.cols {
		w := t.layout[c]
		if w == 0 {
			continue
		}
		if !first {
			b.WriteString(spaces(t.gap))
		}
		first = false
		var x cell
		if c < len(cs) {
			x = cs[c]
		}
		if x.draw != nil {
			x.text = x.draw(w)
		}
		text := t.fitCell(col, x.text, w)
		if selected {
			b.WriteString(text)
			continue
		}
		b.WriteString(x.paint.apply(text))
	}
	if selected {
		return st.sel.apply(fit(b.String(), t.width+2))
	}
	return b.String()
}

func (t *table) fitCell(col column, text string, w int) string {
	switch {
	case col.right:
		return fitRight(text, w)
	case col.path:
		return fitPath(text, w)
	}
	return fit(text, w)
}

// fitColumns shares w cells out: fixed columns get what they need, flexible ones
// the rest, and when that is too little the least important columns go.
func (t *table) fitColumns(w int) {
	t.width = w
	shown := make([]bool, len(t.cols))
	for c := range t.cols {
		shown[c] = t.nat[c] > 0
	}
	if !anyTrue(shown) {
		for c := range shown {
			shown[c] = true
		}
	}
	for {
		t.gap = tableGap
		if t.share(w, shown) && (w >= narrow || !t.cutsAny(shown)) {
			return
		}
		if t.gap = narrowGap; w < narrow && t.share(w, shown) {
			return
		}
		worst := -1
		for c, col := range t.cols {
			if shown[c] && col.drop > 0 && (worst < 0 || col.drop >= t.cols[worst].drop) {
				worst = c
			}
		}
		if worst < 0 {
			t.squash(w, shown)
			return
		}
		shown[worst] = false
	}
}

// cutsAny reports whether a column has less than it would like to have.
func (t *table) cutsAny(shown []bool) bool {
	for c := range t.cols {
		if shown[c] && t.layout[c] < t.want(c) {
			return true
		}
	}
	return false
}

func anyTrue(list []bool) bool {
	for _, b := range list {
		if b {
			return true
		}
	}
	return false
}

// want is what a column would like to have.
func (t *table) want(c int) int {
	col := t.cols[c]
	w := max(t.nat[c], cells(col.title)+1, col.min)
	if col.max > 0 {
		w = min(w, max(col.max, cells(col.title)))
	}
	return w
}

// share tries to lay out the shown columns in w cells.
func (t *table) share(w int, shown []bool) bool {
	t.layout = make([]int, len(t.cols))
	left, first := w, true
	var flexible []int
	for c, col := range t.cols {
		if !shown[c] {
			continue
		}
		if !first {
			left -= t.gap
		}
		first = false
		t.layout[c] = t.want(c)
		if col.flex {
			flexible = append(flexible, c)
			t.layout[c] = max(col.min, 4)
			if col.share > 0 {
				t.layout[c] = max(t.layout[c], min(t.want(c), w/col.share))
			}
		}
		left -= t.layout[c]
	}
	if left < 0 {
		return false
	}
	for _, c := range flexible { // in order: the first one gets what it needs first
		more := min(left, max(t.want(c)-t.layout[c], 0))
		t.layout[c] += more
		left -= more
	}
	return true
}

// squash is the last resort of a very narrow screen: columns are cut from the
// right.
func (t *table) squash(w int, shown []bool) {
	left := w
	for c := range t.cols {
		if !shown[c] || left <= 0 {
			t.layout[c] = 0
			continue
		}
		t.layout[c] = min(t.layout[c], left)
		left -= t.layout[c] + t.gap
	}
}
