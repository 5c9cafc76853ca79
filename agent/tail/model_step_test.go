package tail

import (
	"os"
	"time"

	"logctl/internal/ownfile"
)

// modelKinds is how many kinds of actions there are, each as often as its numbers in step.
const modelKinds = 124

// step does one action.
func (m *model) step(n int) {
	m.pass(time.Duration(m.rnd.Int64N(int64(m.pace))))
	switch {
	case n < 30:
		m.write()
	case n < 36:
		m.lateWrite()
	case n < 44:
		if m.linked != "" {
			m.relink()
		} else {
			m.rename()
		}
	case n < 49:
		if m.linked == "" {
			m.copyTruncate(false)
		}
	case n < 54:
		m.truncate()
	case n < 58:
		m.remove()
	case n < 76:
		if m.running {
			if m.rnd.IntN(4) > 0 {
				m.pass(time.Second)
			}
			m.look()
		}
	case n < 94:
		if m.running {
			m.readSome(1 + m.rnd.IntN(8))
		}
	case n < 97:
		if m.running {
			m.halt()
		}
	case n < 100:
		if !m.running {
			m.resume()
		}
	case n < 103:
		m.removeOldest()
	case n < 104:
		if m.running {
			m.wait()
		}
	case n < 107:
		if m.running && m.held == nil {
			m.hold()
		}
	case n < 112:
		if m.held != nil {
			m.goOn(1 + m.rnd.IntN(3))
		}
	case n < 116:
		m.replace()
	case n >= 120:
		if m.linked == "" {
			m.copyTruncate(true)
			if m.running && m.held == nil {
				m.look()
				m.readSome(1 << 30) // so short a copy is not known any more after a restart: see ARCHITECTURE.md
			}
		}
	case m.links:
		m.link()
	}
}

// replace writes a new file beside the present one and renames it over it. The old one
// may be written to until then, and after.
func (m *model) replace() {
	if m.cur == nil {
		return
	}
	if m.linked != "" {
		m.relink()
		return
	}
	m.files.gone(m.isOpen)
	beside := m.path + ".new"
	w, err := ownfile.OpenShared(beside, os.O_CREATE|os.O_EXCL|os.O_APPEND|os.O_WRONLY, 0o644)
	m.must(err)
	ino, born := m.files.made(beside), m.files.stamp()
	if m.rnd.IntN(3) == 0 {
		m.write()
	}
	old := m.leave()
	m.begin0(w, ino, born)
	if m.rnd.IntN(2) == 0 {
		m.append(m.cur)
	}
	m.pass(time.Duration(m.rnd.Int64N(int64(m.pace))))
	m.files.removed(m.path)
	m.moveTo(beside, m.path)
	old.unnamed = true
	old.gone = !m.running || !m.open(old)
	m.act("replace %d by %d ino %d, gone: %v", old.n, m.cur.n, ino, old.gone)
}
