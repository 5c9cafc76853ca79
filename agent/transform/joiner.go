package transform

import (
	"bytes"
	"fmt"
	"time"
)

// Limits of a multi-line event, where an entry names none; a longer one is sent in
// pieces, each complete lines. The number of lines is Filebeat's default.
const (
	MaxEventLines = 500
	MaxEventBytes = 1 << 20
)

// Join says how lines become events, as text: by a preset, or by expressions.
type Join struct {
	Preset   string        // one of etcdcfg.MultilinePresets; empty: the expressions say it
	Start    string        // regular expression of an event's first line
	Continue string        // regular expression of a line that belongs to the one before
	End      string        // regular expression of an event's last line
	Negate   bool          // each expression is met by the lines that it does not match
	MaxLines int           // of an event; 0: MaxEventLines
	MaxBytes int           // of an event; 0: MaxEventBytes
	Wait     time.Duration // how long the last event waits for more lines; 0: the caller's
}

// phase is how far an event has come.
//
//	            ┌──────────── line of another event ───────────┐
//	outside ──line──▶ text ──line──▶ 2, 3, … (of the preset) ──▶ outside
//	            └──────────────────▶ ended ──────────────────────┘
//
// An event in phase ended is complete and leaves at once; one in any other phase is
// held until a line that is not its own, its limits, or time ends it.
type phase uint8

const (
	outside phase = iota // no event is held
	text                 // an event is held, and nothing more is known of it
	ended                // the event is complete
	special              // the first phase that presets name as they like
)

// matcher tells whether a line is of some kind.
type matcher func(line []byte) bool

// step is what a line does to the event before it.
type step struct {
	from   phase
	match  matcher // nil: every line
	to     phase   // of the event that the line belongs to
	begins bool    // the line begins an event of its own
}

// joiner decides which lines belong together. It has no state and is shared by files.
// The first step that fits is taken; a line that none fits begins an event, which
// is complete at once where no step of outside fits it either.
type joiner struct {
	steps    []step
	maxLines int
	maxBytes int
	wait     time.Duration
}

// next says what a line does to an event in a phase, and whether it begins another.
func (j *joiner) next(at phase, line []byte) (to phase, begins bool) {
	if at != outside {
		if s := j.find(at, line); s != nil && !s.begins {
			return s.to, false
		}
	}
	if s := j.find(outside, line); s != nil {
		return s.to, true
	}
	return ended, true
}

func (j *joiner) find(at phase, line []byte) *step {
	for i := range j.steps {
		if s := &j.steps[i]; s.from == at && (s.match == nil || s.match(line)) {
			return s
		}
	}
	return nil
}

// joiner compiles what an entry asks for; nil when each line is an event.
func (x *Expressions) joiner(s Join) (*joiner, error) {
	steps, err := x.steps(s)
	if steps == nil || err != nil {
		return nil, err
	}
	j := &joiner{steps: steps, maxLines: s.MaxLines, maxBytes: s.MaxBytes, wait: s.Wait}
	if j.maxLines <= 0 {
		j.maxLines = MaxEventLines
	}
	if j.maxBytes <= 0 {
		j.maxBytes = MaxEventBytes
	}
	return j, nil
}

func (x *Expressions) steps(s Join) ([]step, error) {
	if s.Preset != "" {
		build, ok := presets()[s.Preset]
		if !ok {
			return nil, fmt.Errorf("multiline preset %q: not known", s.Preset)
		}
		return build(x)
	}
	start, err := x.line("multiline start", s.Start, s.Negate)
	if err != nil {
		return nil, err
	}
	more, err := x.line("multiline continue", s.Continue, s.Negate)
	if err != nil {
		return nil, err
	}
	end, err := x.line("multiline end", s.End, s.Negate)
	if err != nil {
		return nil, err
	}
	return expressionSteps(start, more, end), nil
}

// expressionSteps are the steps of the expressions of an entry; nil stands for one that
// was not given.
func expressionSteps(start, more, end matcher) []step {
	if start == nil && more == nil && end == nil {
		return nil
	}
	var out []step
	switch {
	case start != nil && end != nil: // lines between two events are events of their own
		out = append(out, step{outside, func(l []byte) bool { return start(l) && end(l) }, ended, true},
			step{outside, start, text, true})
	case end != nil:
		out = append(out, step{outside, end, ended, true}, step{outside, nil, text, true})
	default:
		out = append(out, step{outside, nil, text, true})
	}
	if start != nil {
		out = append(out, step{text, start, text, true})
	}
	if end != nil {
		out = append(out, step{text, end, ended, false})
	}
	return append(out, step{text, more, text, false})
}

// line compiles an expression of an entry; nil when it is empty.
func (x *Expressions) line(field, expr string, negate bool) (matcher, error) {
	if expr == "" {
		return nil, nil
	}
	re, err := x.regexp(expr)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", field, expr, err)
	}
	if negate {
		return func(l []byte) bool { return !re.Match(l) }, nil
	}
	return re.Match, nil
}

func indented(l []byte) bool { return len(l) > 0 && (l[0] == ' ' || l[0] == '\t') }

func blank(l []byte) bool { return len(bytes.TrimSpace(l)) == 0 }

// begins matches lines that begin with one of the texts.
func begins(with ...string) matcher {
	return func(l []byte) bool {
		for _, w := range with {
			if len(l) >= len(w) && string(l[:len(w)]) == w {
				return true
			}
		}
		return false
	}
}

func either(a, b matcher) matcher { return func(l []byte) bool { return a(l) || b(l) } }

func both(a, b matcher) matcher { return func(l []byte) bool { return a(l) && b(l) } }

func not(a matcher) matcher { return func(l []byte) bool { return !a(l) } }
