package tail

import (
	"cmp"
	"maps"
	"slices"
)

// halt stops the Set. What was handed out is acknowledged up to a random position
// of each generation.
func (m *model) halt() {
	if m.held != nil {
		m.goOn(1 << 30)
	}
	m.save()
	exact := m.rnd.IntN(2) == 0
	if m.outage {
		m.undelivered()
		exact = true
	}
	for _, id := range m.saved() {
		st, h := m.states[id], m.history[id]
		if g := m.ids[id]; !exact && len(h) > 0 && !m.done(id) && !g.gone && !g.gap {
			if i := m.rnd.IntN(len(h)); h[i].Pos <= st.Pos {
				m.states[id] = h[i]
				g.cursor = int(h[i].Pos)
				m.act("rewind %d to %d", g.n, g.cursor)
			}
		}
	}
	m.act("stop (unreadable %d)", m.unreadable())
	m.files.inUse(m.isOpen)
	m.stop()
	m.running = false
	for _, id := range m.saved() { // forgotten at the last moment
		if m.ids[id] == nil {
			m.t.Fatalf("state of unknown file %v", id)
		}
	}
	for _, g := range m.gens {
		if g.unnamed && !g.gone {
			g.gone = true
		}
	}
	m.unseen()
}

// undelivered takes back what was handed out of generations and not acknowledged.
// The copy of a file is to be read from where the file was acknowledged to.
func (m *model) undelivered() {
	from := map[*modelGen]int{}
	for _, id := range m.saved() {
		st, g := m.states[id], m.ids[id]
		if pos, ok := from[g]; !ok || int(st.Pos) < pos {
			from[g] = int(st.Pos)
		}
	}
	for _, g := range m.gens {
		pos, ok := from[g]
		if ok && !g.gone && pos < g.cursor && (!g.gap || g.cursor <= g.copied) { // what stood between is in no copy
			m.act("undelivered %d from %d to %d", g.n, pos, g.cursor)
			g.cursor = pos
		}
	}
}

// saved returns the generations with states, oldest first.
func (m *model) saved() []FileID {
	return slices.SortedFunc(maps.Keys(m.states), func(a, b FileID) int { return cmp.Compare(a.Gen, b.Gen) })
}

func (m *model) done(id FileID) bool {
	for f := range m.set.files {
		if f.id == id {
			return false
		}
	}
	return true
}

func (m *model) resume() {
	known := map[*modelGen]bool{}
	for id, st := range m.states {
		g := m.ids[id]
		known[g] = true
		left := int64(len(g.content))
		if g.gone {
			left = 0
		}
		lost := uint64(max(0, st.Size-max(st.Pos, left)))
		m.want += lost
		if st.waits() || g.prefix {
			m.spare += lost // what seemed to be a copy had nothing of its own: see ARCHITECTURE.md
		}
		m.history[id] = nil
	}
	for _, g := range m.gens {
		if !known[g] && !g.gone && g.cursor > 0 {
			m.t.Fatalf("no state of generation %d was kept", g.n)
		}
	}
	m.outage = m.rnd.IntN(2) == 0
	m.act("start (outage: %v)", m.outage)
	m.begin()
	m.running = true
	m.look()
}
