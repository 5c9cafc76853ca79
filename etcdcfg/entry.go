package etcdcfg

import (
	"maps"
	"slices"
)

// Where a task starts in files that are present at its first start and have no
// saved position. An empty From means FromEnd.
const (
	FromEnd       = "end"
	FromBeginning = "beginning"
)

// Formats of lines.
const (
	FormatRaw    = "raw"    // as they are, the same as ""
	FormatCRI    = "cri"    // of containerd and CRI-O
	FormatDocker = "docker" // of Docker's json-file driver
	FormatAuto   = "auto"   // either, line by line
)

// Formats are the names of formats.
func Formats() []string { return []string{FormatRaw, FormatCRI, FormatDocker, FormatAuto} }

// Entry is one collect entry: the files to follow and the topic their lines go to.
// The zero value of each optional field means what its absence in the list means.
//
// An Entry that came from Parse remembers its text, so that Format can leave
// alone what was not edited; copying an Entry copies that memory.
type Entry struct {
	Path         string            // absolute path or glob (doublestar)
	Topic        string            // Kafka topic
	From         string            // "", FromEnd or FromBeginning
	Exclude      []string          // globs of files to leave out
	Rotated      []string          // globs of the old generations of the files, where their names do not tell: relative to the directory of the file, or absolute
	Encoding     string            // of the files' text; "" is UTF-8 (see LookupEncoding)
	Format       string            // of the lines: "", FormatRaw, FormatCRI, FormatDocker or FormatAuto
	Multiline    *Multiline        // how lines are joined; nil: each line is a record
	IncludeLines []string          // regular expressions (RE2); when any are given a line must match one
	ExcludeLines []string          // regular expressions (RE2); a line that matches one is not sent
	Labels       map[string]string // sent as record headers
	Disabled     bool              // kept in the list, but not collected
	Poll         bool              // look for changes by time only (network file systems)

	src *source // the text it was parsed from; nil for a new entry
}

// Key identifies the entry within a list: path and topic.
func (e Entry) Key() string { return e.Path + "\x00" + e.Topic }

// Equal reports whether both entries ask for the same: all known fields are the
// same. Unknown fields and formatting do not count, empty and absent are the same.
func (e Entry) Equal(o Entry) bool {
	return e.Path == o.Path && e.Topic == o.Topic && e.From == o.From &&
		e.Encoding == o.Encoding && e.Format == o.Format && e.Disabled == o.Disabled && e.Poll == o.Poll &&
		slices.Equal(e.Exclude, o.Exclude) && slices.Equal(e.Rotated, o.Rotated) &&
		slices.Equal(e.IncludeLines, o.IncludeLines) &&
		slices.Equal(e.ExcludeLines, o.ExcludeLines) &&
		maps.Equal(e.Labels, o.Labels) && e.Multiline.equal(o.Multiline)
}

// Clone returns a copy that shares nothing that can be changed with e.
func (e Entry) Clone() Entry {
	e.Exclude = slices.Clone(e.Exclude)
	e.Rotated = slices.Clone(e.Rotated)
	e.IncludeLines = slices.Clone(e.IncludeLines)
	e.ExcludeLines = slices.Clone(e.ExcludeLines)
	e.Labels = maps.Clone(e.Labels)
	if e.Multiline != nil {
		m := *e.Multiline
		e.Multiline = &m
	}
	return e
}
