package tui

import (
	"fmt"
	"time"

	"logctl/etcdcfg"
)

// movedShow is how long the line about a rewind stays at most.
const movedShow = time.Hour

// movedWatch tells how far an entry is whose positions were moved back.
type movedWatch struct {
	key   string // of the entry; empty: none
	name  string
	total int64 // bytes that are sent once more or for the first time
	peak  int64 // bytes a second, see report.Positions
	at    time.Time
	seen  bool // the backlog was seen in the reports
}

// rewound begins to tell how far an entry is.
func (a *appliedWatch) rewound(entry etcdcfg.Entry, total, peak int64, now time.Time) {
	a.rev, a.text = 0, ""
	a.moved = movedWatch{}
	if total > 0 {
		a.moved = movedWatch{key: entry.Key(), name: entry.Path, total: total, peak: peak, at: now}
	}
}

// look says how much is left, "" when there is nothing to tell (any more).
func (m *movedWatch) look(v *fleetView) string {
	if m.key == "" {
		return ""
	}
	var row *entryRow
	for i := range v.entries {
		if v.entries[i].key == m.key {
			row = &v.entries[i]
		}
	}
	age := v.at.Sub(m.at)
	if row == nil || age > movedShow {
		m.key = ""
		return ""
	}
	left := min(row.lag, m.total)
	m.seen = m.seen || left > m.total/100
	// A report or two pass before the backlog shows, and a small one may never show.
	if !m.seen && age < 3*reportInterval {
		return "rewound " + clean(m.name) + ": " + humanBytes(float64(m.total)) + " to send"
	}
	if left <= m.total/100 {
		m.key = ""
		return ""
	}
	text := fmt.Sprintf("rewound %s: %s of %s left (%d %% sent)", clean(m.name), humanBytes(float64(left)), humanBytes(float64(m.total)), 100*(m.total-left)/m.total)
	if took := takes(left, int64(known(row.bytes))); took > 0 {
		text += ", about " + humanAge(took)
	}
	return text
}
