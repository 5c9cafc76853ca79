package tail

import (
	"testing"
	"time"
)

// modelCases are sequences that failed once, each for a reason of its own.
var modelCases = map[string]func(m *model){
	"renamed since the start, and its number given again": func(m *model) {
		m.create()
		m.look()
		m.halt()
		m.rename0()
		m.create()
		m.put()
		m.removeOldest()
		m.pass(time.Second)
		m.rename0()
		m.create()
		m.resume()
	},
	"held while it is truncated, filled and renamed": func(m *model) {
		m.create()
		m.put()
		m.look()
		m.hold()
		m.truncateTo(0)
		m.put()
		m.rename0()
		m.create()
		m.put()
		m.look()
		m.goOn(1 << 30)
		m.halt()
		m.resume()
	},
	"held while it is copied, truncated and renamed": func(m *model) {
		m.create()
		m.put()
		m.look()
		m.hold()
		m.goOn(1)
		m.put()
		m.look()
		m.copyTruncate(false)
		m.rename0()
		m.create()
		m.look()
	},
	"held while it is filled, copied, truncated, filled and renamed": func(m *model) {
		m.create()
		m.look()
		m.hold()
		m.put()
		m.copyTruncate(false)
		m.put()
		m.rename0()
		m.create()
		m.look()
	},
	"half a line grows while nothing is read for long": func(m *model) {
		m.create()
		m.put()
		m.look()
		m.readSome(1 << 30)
		m.rename0()
		m.create()
		m.appendTo(m.cur, []byte("a line\nhalf "))
		for range 2 {
			m.pass(time.Second)
			m.look()
			m.readSome(1 << 30)
		}
		m.appendTo(m.gens[0], []byte("late\n"))
		m.mark()
		m.appendTo(m.cur, []byte("and half\nmore\n"))
		m.look()
		m.rename0()
		m.create()
		for range 2 * partialAfter {
			m.pass(time.Second)
			m.look()
			m.appendTo(m.gens[1], []byte("more\n"))
		}
		m.readSome(1 << 30)
	},
	"late writes after there was no file of the name for long": func(m *model) {
		m.create()
		m.put()
		m.look()
		m.rename0()
		m.pass(50 * time.Second)
		m.look()
		m.readSome(1 << 30)
		m.pass(20 * time.Second)
		m.look()
		m.create()
		m.put()
		m.appendTo(m.gens[0], []byte("late\n"))
		m.put()
	},
	"size of the next one seen while it waits, then renamed": func(m *model) {
		m.create()
		m.put()
		m.look()
		m.readSome(1 << 30)
		m.rename0()
		m.create()
		m.put()
		for range 2 {
			m.pass(time.Second / 4)
			m.look()
			m.readSome(1 << 30)
		}
		m.appendTo(m.gens[0], []byte("late\n"))
		m.put()
		m.look()
		m.copyTruncate(false)
		m.appendTo(m.cur, m.lines(m.cur, 2000))
		m.readSome(1)
		m.rename0()
		m.create()
	},
	"half a line completed while its reader is about to give up on it": func(m *model) {
		m.create()
		m.appendTo(m.cur, append(m.lines(m.cur, 1200), "half "...))
		m.look()
		m.rename0()
		for range 3 {
			m.pass(time.Second)
			m.look()
		}
		m.hold()
		m.goOn(1)
		if m.held != nil {
			m.appendTo(m.gens[0], []byte("and half\n"))
			m.goOn(1 << 30)
		}
	},
	"seen to grow while held, then truncated": func(m *model) {
		m.create()
		m.put()
		m.look()
		m.hold()
		m.goOn(1)
		m.put()
		m.pass(time.Second)
		m.look()
		m.truncateTo(0)
	},
	"number of a deleted archive given to a file that came and went": func(m *model) {
		m.create()
		m.put()
		m.look()
		m.readSome(1 << 30)
		m.rename0()
		m.create()
		for range 5 {
			m.pass(20 * time.Second)
			m.look()
			m.readSome(1 << 30)
		}
		m.rename0()
		m.removeOldest()
		m.pass(time.Second)
		m.create()
		m.put()
		m.rename0()
		m.create()
		m.look()
		m.halt()
		m.resume()
	},
	"number of a deleted archive given to a copy that is not looked for yet": func(m *model) {
		m.create()
		m.put()
		m.look()
		m.readSome(1 << 30)
		m.rename0()
		m.create()
		for range 5 {
			m.pass(20 * time.Second)
			m.look()
			m.readSome(1 << 30)
		}
		m.put()
		m.look()
		m.hold()
		m.removeOldest()
		m.pass(time.Second)
		m.files.gone(m.isOpen)
		m.copyTruncate(false)
		for range closedEvery { // the archive is looked for, and has no descriptor
			m.pass(time.Second)
			m.look()
		}
		m.readSome(1 << 30)
	},
	"empty, and taken for a copy that is being made, written to late before a stop": func(m *model) {
		m.look()
		m.create()
		m.appendTo(m.cur, m.lines(m.cur, 50))
		m.moveAway()
		m.create()
		m.moveAway()
		m.create()
		m.appendTo(m.cur, m.lines(m.cur, 50))
		m.look()
		m.appendTo(m.gens[1], m.lines(m.gens[1], 50))
		m.halt()
		m.resume()
	},
	"empty, and taken for a copy that is being made, written to late while the next one is read": func(m *model) {
		m.look()
		m.create()
		m.moveAway()
		m.create()
		m.look()
		m.put()
		m.look()
		m.appendTo(m.gens[0], m.lines(m.gens[0], 50))
		m.put()
		m.readSome(1 << 30)
	},
	"number of a deleted empty file given again": func(m *model) {
		m.create()
		m.put()
		m.rename0()
		m.create()
		m.look()
		m.remove()
		m.create()
		m.put()
		m.look()
		m.halt()
		m.rename0()
		m.pass(time.Second)
		m.create()
		m.put()
		m.rename0()
		m.create()
		m.resume()
	},
	"empty when it was renamed, then seen with content by a run that read nothing": func(m *model) {
		m.create()
		m.look()
		m.rename0()
		m.create()
		m.put()
		m.look()
		m.appendTo(m.gens[0], m.lines(m.gens[0], 50))
		m.halt()
		m.resume()
		m.halt()
		m.removeOldest()
		m.pass(time.Second)
		m.rename0()
		m.create()
		m.put()
		m.rename0()
		m.create()
		m.resume()
	},
	"closed, then copied, truncated and renamed": func(m *model) {
		m.set.cfg.MaxOpen = 1
		m.create()
		m.put()
		m.look()
		m.rename0()
		m.create()
		m.put()
		m.look()
		m.copyTruncate(false)
		m.rename0()
		m.create()
	},
	"closed, then copied, truncated and deleted": func(m *model) {
		m.set.cfg.MaxOpen = 1
		m.create()
		m.put()
		m.look()
		m.rename0()
		m.create()
		m.put()
		m.look()
		m.copyTruncate(false)
		m.remove()
	},
	"closed, then filled, copied, truncated and filled": func(m *model) {
		m.set.cfg.MaxOpen = 1
		m.create()
		m.put()
		m.look()
		m.rename0()
		m.create()
		m.look()
		m.put()
		m.copyTruncate(false)
		m.put()
		m.look()
	},
	"truncated and deleted, with too many open": func(m *model) {
		m.set.cfg.MaxOpen = 1
		m.create()
		m.put()
		m.look()
		m.copyTruncate(false)
		m.put()
		m.look()
		m.removeOldest()
		m.pass(time.Second)
		m.look()
		m.copyTruncate(false)
		m.put()
		m.remove()
		m.create()
		m.look()
	},
}

// TestModelCases goes through cases step by step.
func TestModelCases(t *testing.T) {
	dir := t.TempDir()
	for name, script := range modelCases {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(12) { // with names and globs, coarse and exact times
				why, trace := playModel(t, seed, dir, func(m *model) {
					m.files.reuse = true
					script(m)
				})
				if why != "" {
					t.Fatalf("%s\n%s", why, trace)
				}
			}
		})
	}
}

// put writes whole lines to the present file.
func (m *model) put() {
	m.pass(5 * time.Millisecond)
	m.mark()
	m.appendTo(m.cur, m.lines(m.cur, 300))
}

// rename0 is rename without what comes after it.
func (m *model) rename0() {
	m.pass(5 * time.Millisecond)
	m.moveAway()
}

// moveAway is rename0 in no time.
func (m *model) moveAway() {
	m.shift()
	m.moveTo(m.path, m.path+".1")
	m.act("rename %d", m.leave().n)
}
