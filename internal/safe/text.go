package safe

import (
	"fmt"
	"io"
	"strings"
)

// Text may be written to a terminal as it is. It comes from Clean and its
// relatives, from constants of the program, and from styles put around a Text.
type Text string

// Untrusted is text that somebody else wrote: a field of a presence, a report or a
// record of the history, a path, the text of an error. Untrusted is an alias, because
// every string counts as untrusted until it was cleaned; what may be shown has the
// other type, and no string becomes Text by itself.
type Untrusted = string

// argument is an argument of Sprintf whose output is cleaned.
type argument struct{ v any }

func (a argument) Format(s fmt.State, verb rune) {
	_, _ = io.WriteString(s, clean(fmt.Sprintf(fmt.FormatString(s, verb), a.v))) // a fmt.State takes everything
}

// guarded returns the arguments so that each formats as clean text. Text passes as it
// is, and so do numbers, which may be the width of another one.
func guarded(args []any) []any {
	out := make([]any, len(args))
	for i, v := range args {
		switch v.(type) {
		case Text, int, int32, int64, uint, uint32, uint64, float64, bool:
			out[i] = v
		default:
			out[i] = argument{v}
		}
	}
	return out
}

// Sprintf is fmt.Sprintf whose arguments are cleaned. The format must be a constant.
func Sprintf(format string, args ...any) Text { return Text(fmt.Sprintf(format, guarded(args)...)) }

// Fprintf is fmt.Fprintf whose arguments are cleaned. The format must be a constant.
func Fprintf(w io.Writer, format string, args ...any) (int, error) {
	return fmt.Fprintf(w, format, guarded(args)...)
}

// Print writes text as it is. The error is that of w.
func Print(w io.Writer, parts ...Text) error {
	for _, p := range parts {
		if _, err := io.WriteString(w, string(p)); err != nil {
			return err
		}
	}
	return nil
}

// Lines returns text that may span lines, cleaned line by line; prefix stands before
// all lines but the first.
func Lines[S ~string](s S, prefix Text) Text { return Join(CleanLines(s), "\n"+prefix) }

// Join is strings.Join.
func Join(parts []Text, sep Text) Text {
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteString(string(sep))
		}
		b.WriteString(string(p))
	}
	return Text(b.String())
}

// Block is text of several lines, cleaned line by line, each with its end.
func Block[S ~string](s S) Text {
	if s == "" {
		return ""
	}
	return Lines(s, "") + "\n"
}

// Printed returns what was put together with Fprintf or from Text in a buffer. What is
// no printable character nor the end of a line is made visible, should there be any.
func Printed(s string) Text { return Join(cleanEach(strings.Split(s, "\n")), "\n") }

func cleanEach(lines []string) []Text {
	out := make([]Text, len(lines))
	for i, l := range lines {
		out[i] = Clean(l)
	}
	return out
}

// Builder is a strings.Builder of Text.
type Builder struct{ b strings.Builder }

// WriteString appends t.
func (b *Builder) WriteString(t Text) { b.b.WriteString(string(t)) }

// Len is the length in bytes.
func (b *Builder) Len() int { return b.b.Len() }

// String returns what was appended.
func (b *Builder) String() Text { return Text(b.b.String()) }
