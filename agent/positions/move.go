package positions

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"logctl/agent/tail"
	"logctl/internal/glob"
)

// Target is where positions are moved to.
type Target string

// The targets beside a byte position, see Move.
const (
	ToBeginning Target = "beginning" // of each file
	ToSkipped   Target = "skipped"   // the beginning of files whose head was skipped by from = end
	ToPosition  Target = "position"  // Move.Pos, or the beginning of the line that it lies in
	ToEnd       Target = "end"       // of what is there now: what is before it is not sent
	ToPlaces    Target = "places"    // Move.Places; files that are not named there stay
)

// Move says which positions of a source move, and where to.
type Move struct {
	File string // path or glob of the files by the name they were first seen under; empty: all
	To   Target
	Pos  int64 // bytes, of ToPosition
	// Places are the positions of single generations, of ToPlaces, by their short ids
	// (tail.FileID.Short).
	Places map[string]int64
}

// Change is one position that moves.
type Change struct {
	Path   string `json:"path"`
	From   int64  `json:"from"`   // position before, bytes
	To     int64  `json:"to"`     // and after
	Size   int64  `json:"size"`   // of the file when it was seen last
	Again  int64  `json:"again"`  // bytes that were sent, and are sent once more
	First  int64  `json:"first"`  // bytes that were skipped, and are sent for the first time
	Passed int64  `json:"passed"` // bytes that are not sent, for the position moves over them
	state  tail.State
}

// ErrNoFile is returned when no position is kept for a file of that name.
var ErrNoFile = errors.New("no position is kept for such a file")

// Plan says what a Move does to the states of a source. Nothing is changed.
func (m Move) Plan(states []tail.State) ([]Change, error) {
	var out []Change
	matched := false
	files, bad := glob.Compile(filepath.ToSlash(m.File))
	for _, st := range states {
		if m.File != "" && m.File != st.Path && (bad != nil || !files.Match(filepath.ToSlash(st.Path))) {
			continue
		}
		matched = true
		to, err := m.target(st)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", st.Path, err)
		}
		if to == st.Pos {
			continue
		}
		c := Change{Path: st.Path, From: st.Pos, To: to, Size: st.Size, state: moved(st, to)}
		if to < st.Pos {
			c.First = max(0, st.Skipped-to)
			c.Again = st.Pos - max(to, st.Skipped)
		} else {
			c.Passed = to - st.Pos
		}
		out = append(out, c)
	}
	switch {
	case !matched && bad != nil:
		return nil, fmt.Errorf("%q: %w", m.File, bad)
	case !matched:
		return nil, ErrNoFile
	}
	slices.SortFunc(out, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// target is the position that a state moves to.
func (m Move) target(st tail.State) (int64, error) {
	switch m.To {
	case ToBeginning:
		return 0, nil
	case ToSkipped:
		if st.Skipped > 0 {
			return 0, nil
		}
		return st.Pos, nil
	case ToPosition:
		if m.Pos < 0 {
			return 0, errors.New("a position is not below 0")
		}
		return lineStart(st.Path, m.Pos)
	case ToPlaces:
		pos, ok := m.Places[st.Origins().Short()]
		if !ok || pos < 0 {
			return st.Pos, nil
		}
		return min(pos, st.Pos), nil // of lines that were sent: nothing is passed over
	case ToEnd:
		info, err := os.Stat(st.Path)
		if err != nil {
			return 0, err
		}
		return lineStart(st.Path, info.Size())
	}
	return 0, fmt.Errorf("%q is no place to move to: beginning, skipped, position or end", m.To)
}

// moved is the state of a file that is to be read from another position on.
func moved(st tail.State, to int64) tail.State {
	st.Pos, st.Part, st.MarkLen, st.MarkHash = to, 0, 0, fnv.New64a().Sum64() // of no bytes
	st.Skipped = min(st.Skipped, to)
	if st.HeadLen == 0 {
		st.Pos = 0 // nothing of it is known, so nothing can be told of what stands before
	}
	return st
}

// lineMost is how far back the beginning of a line is looked for, bytes.
const lineMost = 16 << 20

// lineStart is the beginning of the line that a position lies in; a position right behind a
// line's end is the beginning of the next line.
func lineStart(path string, pos int64) (at int64, err error) {
	if pos == 0 {
		return 0, nil
	}
	f, err := tail.OpenRegular(path, nil) // nothing of it is shown, but nothing else is waited for
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if pos > info.Size() {
		return 0, fmt.Errorf("position %d is behind its end at %d", pos, info.Size())
	}
	buf := make([]byte, 64<<10)
	for end := pos; end > 0 && pos-end < lineMost; {
		from := max(0, end-int64(len(buf)))
		n, err := f.ReadAt(buf[:end-from], from)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := strings.LastIndexByte(string(buf[:n]), '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		end = from
	}
	if pos < lineMost {
		return 0, nil
	}
	return 0, fmt.Errorf("no line begins in the %d MiB before position %d", lineMost>>20, pos)
}

// Rewrite carries out what Plan said, and has it on disk before it returns. The source must
// not be followed meanwhile.
func (r *Registry) Rewrite(key string, changes []Change) error {
	r.mu.Lock()
	s := r.source(key)
	for _, c := range changes {
		if _, known := s.states[c.state.ID]; known {
			s.put(c.state)
			r.life.rewind(c.state.Origins().Short())
		}
	}
	r.mu.Unlock()
	return r.Flush()
}

// Forget drops all that is kept of a source: the next run follows it as one that it never
// saw, from where the entry's from says. The source must not be followed meanwhile.
func (r *Registry) Forget(key string) error {
	if !r.Known(key) {
		return ErrNoFile
	}
	return r.forget(key)
}

// Exists says whether a data directory holds positions.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, FileName))
	return err == nil
}
