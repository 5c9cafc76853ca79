package etcdcfg

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxTopicLen is Kafka's limit on the length of a topic name.
const maxTopicLen = 249

// Validate checks a list that was put together by a program or a form. The error
// is a *ListError; its problems have no line and column.
func Validate(entries []Entry) error {
	return asListError(validate(entries))
}

// ValidateEntry checks one entry by itself. The error is a *ListError whose
// problems name fields, and no entry.
func ValidateEntry(e Entry) error {
	problems := validateOne(e, newLedger())
	for i := range problems {
		problems[i].Entry = -1
	}
	return asListError(problems)
}

func asListError(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &ListError{Problems: problems}
}

func validate(entries []Entry) []Problem {
	var all []Problem
	first := make(map[string]int, len(entries))
	if len(entries) > MaxEntries {
		return []Problem{{Entry: -1, Message: fmt.Sprintf("the list has more than %d entries", MaxEntries), Hint: "use globs, or several collect keys"}}
	}
	sums := newLedger()
	others := newPathIndex(entries, nil)
	for i, e := range entries {
		own := validateOne(e, sums)
		if len(own) == 0 {
			own = rotatedOthers(i, entries, others, sums)
		}
		for _, p := range own {
			p.Entry = i
			all = append(all, p)
		}
		key := Entry{Path: cleanPath(e.Path), Topic: e.Topic}.Key()
		if j, dup := first[key]; dup {
			all = append(all, Problem{Entry: i, Field: "path", Message: fmt.Sprintf("same path and topic as entry %d", j+1),
				Hint: "remove one of them, every line would be sent twice"})
		} else {
			first[key] = i
		}
		if len(all) >= maxProblems {
			break
		}
	}
	return all
}

// checker collects the problems of one entry.
type checker struct {
	problems []Problem
	sums     *ledger // of the list
}

func (c *checker) add(field, hint, format string, args ...any) {
	c.problems = append(c.problems, Problem{Field: field, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func validateOne(e Entry, sums *ledger) []Problem {
	c := &checker{sums: sums}
	c.path(e.Path)
	c.topic(e.Topic)
	if e.From != "" && e.From != FromEnd && e.From != FromBeginning {
		c.add("from", `use "end" or "beginning"`, "unknown start %q", e.From)
	}
	if c.count("exclude", len(e.Exclude), MaxPatterns) {
		for i, g := range e.Exclude {
			c.glob(fmt.Sprintf("exclude[%d]", i), g)
		}
	}
	c.rotated(e.Rotated)
	if _, err := LookupEncoding(e.Encoding); err != nil {
		c.add("encoding", encodingHint(e.Encoding), "unknown encoding %q", e.Encoding)
	}
	if e.Format != "" && !slices.Contains(Formats(), e.Format) {
		c.add("format", "the formats are "+strings.Join(Formats(), ", "), "unknown format %q", e.Format)
	}
	if e.Multiline != nil {
		c.multiline(e.Multiline)
	}
	c.regexes("include_lines", e.IncludeLines)
	c.regexes("exclude_lines", e.ExcludeLines)
	c.labels(e.Labels)
	return c.problems
}

func (c *checker) path(p string) {
	switch {
	case p == "":
		c.add("path", "write the full path of a file or a glob", "is empty")
		return
	case !utf8.ValidString(p):
		c.add("path", "", "is not UTF-8")
		return
	case strings.ContainsFunc(p, unicode.IsControl):
		c.add("path", windowsHint, "contains a control character: %q", p)
		return
	case strings.TrimSpace(p) != p:
		c.add("path", "remove it", "has a space at its beginning or end: %q", p)
		return
	case !IsAbs(p):
		c.add("path", relativeHint(p), "%q is not an absolute path", p)
		return
	case strings.HasSuffix(p, "/") || isWindowsPath(p) && strings.HasSuffix(p, `\`):
		c.add("path", fmt.Sprintf("name its files, for example %q", p+"*.log"), "%q is a directory", p)
		return
	}
	if isWindowsPath(p) {
		c.windowsPath(p)
	}
	c.glob("path", p)
}

func relativeHint(p string) string {
	switch {
	case strings.HasPrefix(p, "~"):
		return "write the home directory in full, ~ is not replaced"
	case strings.HasPrefix(p, "file:"):
		return "write the path without file://"
	case strings.HasPrefix(p, "$") || strings.HasPrefix(p, "%"):
		return "write it in full, variables are not replaced"
	case len(p) > 1 && p[1] == ':':
		return `write C:\\logs\\app.log or C:/logs/app.log`
	}
	return `write it from the root, like "/var/log/app.log"`
}

// IsAbs reports whether a path is absolute on Unix or on Windows, whichever this
// program runs on: a list may be for agents on either.
func IsAbs(p string) bool { return strings.HasPrefix(p, "/") || isWindowsPath(p) }

// isWindowsPath reports whether p begins with a drive and a slash, or two backslashes.
func isWindowsPath(p string) bool {
	if strings.HasPrefix(p, `\\`) {
		return true
	}
	return len(p) > 2 && p[1] == ':' && (p[2] == '\\' || p[2] == '/') &&
		(p[0] >= 'a' && p[0] <= 'z' || p[0] >= 'A' && p[0] <= 'Z')
}

// cleanPath brings spellings of the same path together.
func cleanPath(p string) string {
	if isWindowsPath(p) {
		return strings.ToLower(path.Clean(strings.ReplaceAll(p, `\`, "/")))
	}
	return path.Clean(p)
}

func (c *checker) topic(name string) {
	switch {
	case name == "":
		c.add("topic", "write the Kafka topic that the lines go to", "is empty")
	case len(name) > maxTopicLen:
		c.add("topic", "", "the name has %d characters, Kafka allows %d", len(name), maxTopicLen)
	case name == "." || name == "..":
		c.add("topic", "", "%q is not a legal topic name", name)
	case name == "__consumer_offsets" || name == "__transaction_state":
		c.add("topic", "", "%q belongs to Kafka itself", name)
	default:
		if i := strings.IndexFunc(name, func(r rune) bool { return !legalInTopic(r) }); i >= 0 {
			r, _ := utf8.DecodeRuneInString(name[i:])
			c.add("topic", "use letters a-z, digits, dot, _ and -", "%q contains %s, which Kafka does not allow", name, quoteForMessage(r))
		}
	}
}

func legalInTopic(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-'
}

func quoteForMessage(r rune) string {
	if r == ' ' {
		return "a space"
	}
	return quoteRune(r)
}

func (c *checker) glob(field, g string) {
	switch {
	case g == "":
		c.add(field, "remove it", "is empty")
	case strings.ContainsFunc(g, unicode.IsControl):
		c.add(field, windowsHint, "contains a control character: %q", g)
	case !utf8.ValidString(g) || c.globCost(field, slashed(g)) != nil:
		c.add(field, `a [ or { is not closed; write \[ or \{ for the character itself`, "bad glob %s", quoted(g))
	}
}

func (c *checker) regexes(field string, exprs []string) {
	if !c.count(field, len(exprs), MaxPatterns) {
		return
	}
	for i, r := range exprs {
		c.regex(fmt.Sprintf("%s[%d]", field, i), r)
	}
}

func (c *checker) regex(field, expr string) {
	if expr == "" {
		c.add(field, "remove it, it matches every line", "is empty")
		return
	}
	if err := c.regexCost(field, expr); err != nil {
		hint := "regular expressions are Go's (RE2)"
		var e *syntax.Error
		if errors.As(err, &e) && strings.Contains(expr, "(?") && (e.Code == syntax.ErrInvalidPerlOp || e.Code == syntax.ErrMissingRepeatArgument) {
			hint = "regular expressions are Go's (RE2), they have no look-ahead, look-behind and back references"
		}
		c.add(field, hint, "%v", err)
	}
}

func (c *checker) labels(labels map[string]string) {
	if !c.count("labels", len(labels), MaxLabels) {
		return
	}
	size := 0
	for k, v := range labels {
		size += len(k) + len(v)
	}
	if size > MaxLabelBytes {
		c.bound("labels", "each record carries them", "have %d bytes together, at most %d are taken", size, MaxLabelBytes)
	}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		switch {
		case k == "":
			c.add("labels", "name it or remove it", "a label has no name")
		case !utf8.ValidString(k) || !utf8.ValidString(labels[k]):
			c.add("labels."+k, "", "is not UTF-8")
		}
	}
}
