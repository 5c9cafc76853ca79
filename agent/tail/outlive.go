package tail

import (
	"log/slog"

	"logctl/agent/tail/internal/fingerprint"
	"logctl/agent/tail/internal/rotation"
)

// What a Set remembers outlives it: a copy of a generation may be seen first by a later
// run, and names that were learned hold for it too.
//
// The order on disk: what is remembered of a generation says that its bytes were
// delivered, so that it is saved when they are, with or before the removal of its state
// and never earlier. Until then the state stands, and a later run remembers the generation
// by that (see rememberSaved).

// lessonsMost is how many names are learned for one log, and taughtMost for how many logs
// of a Set.
const (
	lessonsMost = 8
	taughtMost  = 4096
)

// Ended is what is remembered of a generation that ended, to know copies of it by.
type Ended struct {
	State State  // where it was read to
	Marks []byte // of positions on the way, as fingerprint.Trail writes them
	Vague bool   // there is no mark but that of State.Pos: a copy that ends before is not known
}

// Finished is a generation that is finished for good.
type Finished struct {
	ID    FileID
	Ended *Ended // nil: nothing of it is worth remembering
}

// Names are names that old generations of a log were given.
type Names struct {
	Path string // of the log
	Seen []NamePattern
}

// NamePattern is a directory and the names in it that differ in numbers only.
type NamePattern struct {
	Dir   string
	Parts []string // what stands before, between and behind the numbers
}

// Memory is what a later run is to know beside the states of generations.
type Memory struct {
	Ended []Ended // oldest first
	Names []Names
}

// load takes what an earlier run remembered. What cannot be read is left out.
func (m *memory) load(from Memory, log *slog.Logger) {
	bad := 0
	for i := range from.Ended {
		e := &from.Ended[i]
		p := &past{name: e.State.Path, size: e.State.Size, state: e.State, vague: e.Vague}
		if p.trail.UnmarshalBinary(e.Marks) != nil || e.State.HeadLen == 0 || e.State.HeadLen > fingerprint.HeadMax {
			bad++
			continue
		}
		m.add(p)
	}
	m.names = make(map[string][]lesson, len(from.Names))
	for _, n := range from.Names {
		var all []lesson
		for _, seen := range n.Seen {
			if len(seen.Parts) == 0 || seen.Dir == "" {
				bad++
				continue
			}
			all = append(all, lesson{seen.Dir, rotation.OfParts(seen.Parts)})
		}
		m.names[n.Path] = all[max(0, len(all)-lessonsMost):]
		m.index(n.Path, m.names[n.Path])
	}
	if bad > 0 {
		log.Warn("some of what an earlier run remembered cannot be read and is left out", "records", bad)
	}
}

// tellLater has Forgotten tell of p when its generation is gone.
func (m *memory) tellLater(p *past) {
	if m.unsaid == nil {
		m.unsaid = map[FileID]*past{}
	}
	m.unsaid[p.state.ID] = p
}

// tell returns what is remembered of a generation, once.
func (m *memory) tell(id FileID) *Ended {
	p := m.unsaid[id]
	if p == nil {
		return nil
	}
	delete(m.unsaid, id)
	marks, _ := p.trail.AppendBinary(nil) // never fails
	return &Ended{State: p.state, Marks: marks, Vague: p.vague}
}

// learn notes the names of a log.
func (m *memory) learn(path string, names []lesson) {
	if _, known := m.names[path]; !known && len(m.names) >= taughtMost {
		return
	}
	if m.names == nil {
		m.names = map[string][]lesson{}
	}
	m.names[path] = names
	m.index(path, names)
	m.taught = append(m.taught, path)
}

// Learned returns the logs of which names were learned since the last call, each with all
// the names that are known of it.
func (s *Set) Learned() []Names {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]Names, 0, len(s.memory.taught))
	for _, path := range s.memory.taught {
		n := Names{Path: path}
		for _, l := range s.memory.names[path] {
			n.Seen = append(n.Seen, NamePattern{l.dir, l.pattern.Parts()})
		}
		all = append(all, n)
	}
	s.memory.taught = nil
	return all
}

// rememberSaved remembers a generation of an earlier run that is not in its file any more,
// nor in a copy that is known: one may stand, or appear, under another name.
func (s *Set) rememberSaved(st *State) {
	if st.Pos < fingerprint.MarkMax || st.HeadLen == 0 || st.MarkLen != fingerprint.MarkMax || st.waits() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &past{name: st.Path, size: st.Size, state: *st, trail: fingerprint.Single(st.Pos, st.MarkHash), vague: true}
	s.memory.add(p)
	s.memory.tellLater(p)
}
