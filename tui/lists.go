package tui

import "strings"

// move changes a selection among n rows by a list action and tells whether a was
// one.
func move(sel *int, a action, n, page int) bool {
	switch a {
	case actUp:
		*sel--
	case actDown:
		*sel++
	case actPageUp:
		*sel -= max(page-1, 1)
	case actPageDown:
		*sel += max(page-1, 1)
	case actTop:
		*sel = 0
	case actBottom:
		*sel = n - 1
	default:
		return false
	}
	*sel = max(min(*sel, n-1), 0)
	return true
}

func rule(w int) string { return strings.Repeat("─", max(w, 0)) }

// listState is what list screens share: selection, filter and order.
type listState struct {
	env    *env
	name   string // in the preferences
	sel    int
	page   int
	filter *filter
	sort   string
	desc   bool
	orders []string // ids of columns to sort by, the first is the usual one
}

func newListState(e *env, name string, orders ...string) listState {
	l := listState{env: e, name: name, page: 10, orders: orders, sort: orders[0], desc: numeric(orders[0])}
	if s := e.prefs.get().Sort[name]; s != "" {
		id, desc := strings.CutPrefix(s, "-")
		for _, o := range orders {
			if o == id {
				l.sort, l.desc = id, desc
			}
		}
	}
	return l
}

// common does the actions that all lists share; changed tells that rows must be
// made again.
func (l *listState) common(a action, n int, changed func()) bool {
	if move(&l.sel, a, n, l.page) {
		return true
	}
	switch a {
	case actSort:
		for i, o := range l.orders {
			if o == l.sort {
				l.sort = l.orders[(i+1)%len(l.orders)]
				break
			}
		}
		l.desc = numeric(l.sort)
	case actReverse:
		l.desc = !l.desc
	case actFilter:
		l.ask(changed)
		return true
	default:
		return false
	}
	order := l.sort
	if l.desc {
		order = "-" + order
	}
	l.env.prefs.set(func(d *prefsData) { d.Sort[l.name] = order })
	changed()
	return true
}

// numeric columns are first sorted with the biggest on top.
func numeric(id string) bool {
	switch id {
	case "path", "topic", "agent", "host", "name", "list", "key":
		return false
	}
	return true
}

// ask opens the prompt for a filter; it works while it is typed.
func (l *listState) ask(changed func()) {
	was, text := l.filter, ""
	if was != nil {
		text = was.text
	}
	p := newPrompt("/", text)
	p.onChange = func(text string) error {
		f, err := parseFilter(text)
		if err != nil {
			return err
		}
		l.filter = f
		changed()
		return nil
	}
	p.onCancel = func() {
		l.filter = nil
		changed()
	}
	l.env.request(reqPrompt{p})
}

// filterNote says what the filter hides.
func (l *listState) filterNote(shown, of int) string {
	if l.filter == nil {
		return ""
	}
	return "   " + l.env.styles.hit.apply("/"+clean(l.filter.text)) + " matches " + itoa(shown) + " of " + itoa(of)
}
