package tui

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"

	"logctl/internal/safe"
)

// filter is a compiled filter line: a regular expression (RE2), inverted by a
// leading "!", that ignores case unless it has a capital letter ("smart case").
// It is safe for concurrent use.
type filter struct {
	text    string // as typed
	inverse bool
	re      *regexp.Regexp
	literal []byte // the pattern, when it is plain text: no regexp machine needed
	fold    bool   // literal ignores case; it is lower-case ASCII
}

// parseFilter compiles a filter line. An empty line, or "!" alone, is no filter:
// nil without an error.
func parseFilter(text string) (*filter, error) {
	f := &filter{text: text}
	pattern := text
	if rest, ok := strings.CutPrefix(text, "!"); ok {
		f.inverse, pattern = true, rest
	}
	if pattern == "" {
		return nil, nil
	}
	fold := !strings.ContainsFunc(withoutClasses(pattern), unicode.IsUpper)
	source := pattern
	if fold {
		source = "(?i)" + pattern
	}
	re, err := regexp.Compile(source)
	if err != nil {
		return nil, fmt.Errorf("filter %q: %s", pattern, reason(err))
	}
	f.re = re
	if pattern == regexp.QuoteMeta(pattern) && safe.Plain(pattern) == len(pattern) {
		f.literal, f.fold = []byte(pattern), fold
	}
	return f, nil
}

// withoutClasses drops escapes like \S and \W, whose capitals are not text.
func withoutClasses(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] == '\\' {
			i++
			continue
		}
		b.WriteByte(p[i])
	}
	return b.String()
}

func reason(err error) string {
	var se *syntax.Error
	if errors.As(err, &se) {
		if se.Expr != "" {
			return string(se.Code) + " at `" + strings.TrimPrefix(se.Expr, "(?i)") + "`"
		}
		return string(se.Code)
	}
	return err.Error()
}

// match reports whether text passes the filter; a nil filter passes everything.
func (f *filter) match(text []byte) bool {
	if f == nil {
		return true
	}
	return f.found(text) != f.inverse
}

func (f *filter) matchString(text string) bool {
	if f == nil {
		return true
	}
	return f.match([]byte(text))
}

func (f *filter) found(text []byte) bool {
	switch {
	case f.literal == nil:
		return f.re.Match(text)
	case f.fold:
		return containsFold(text, f.literal)
	}
	return bytes.Contains(text, f.literal)
}

// spans returns the places of the pattern in text, as byte ranges, for
// highlighting; none for an inverse filter, which shows what it did not find.
func (f *filter) spans(text string) [][]int {
	if f == nil || f.inverse {
		return nil
	}
	return f.re.FindAllStringIndex(text, 32)
}

// containsFold is bytes.Contains ignoring the case of ASCII letters; lower is
// lower-case ASCII and not empty.
func containsFold(text, lower []byte) bool {
	first := lower[0]
	upper := first
	if first >= 'a' && first <= 'z' {
		upper = first - 'a' + 'A'
	}
	for i := 0; i+len(lower) <= len(text); i++ {
		c := text[i]
		if c != first && c != upper {
			continue
		}
		if equalFold(text[i:i+len(lower)], lower) {
			return true
		}
	}
	return false
}

func equalFold(text, lower []byte) bool {
	for i, c := range text {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
