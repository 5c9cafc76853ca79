package report

import (
	"fmt"
	"strings"
	"time"
)

// Verified is what the last run of 'logctl verify' on the agent's host found of an entry:
// its files, rotated and compressed generations included, against their topic.
type Verified struct {
	Path     string    `json:"path"`
	Topic    string    `json:"topic"`
	At       time.Time `json:"at"`
	Since    time.Time `json:"since,omitzero"`     // only files and records since then; zero: all
	Files    int       `json:"files"`              // generations judged
	Records  uint64    `json:"records"`            // that arrived of them
	Missing  int64     `json:"missing,omitempty"`  // lines that did not arrive
	Bytes    int64     `json:"bytes,omitempty"`    // that these lines take in their files
	Twice    uint64    `json:"twice,omitempty"`    // records that brought nothing new
	Disorder uint64    `json:"disorder,omitempty"` // records behind a later line of their file
	Altered  int       `json:"altered,omitempty"`  // ranges whose bytes are other ones
	Content  bool      `json:"content,omitempty"`  // the bytes were compared
}

// Bad says whether lines are missing or altered.
func (v *Verified) Bad() bool { return v.Bytes > 0 || v.Altered > 0 }

// Text says what was found, without the time: "nothing missing in 12 files".
func (v *Verified) Text() string {
	var found []string
	add := func(n int64, format string) {
		if n > 0 {
			found = append(found, fmt.Sprintf(format, n))
		}
	}
	switch {
	case v.Missing > 0:
		add(v.Missing, "%d lines missing")
	case v.Bytes > 0:
		add(v.Bytes, "%d bytes missing")
	}
	add(int64(v.Altered), "%d ranges altered")
	add(int64(v.Twice), "%d records twice")
	add(int64(v.Disorder), "%d records out of order")
	if len(found) == 0 {
		return fmt.Sprintf("nothing missing in %d files", v.Files)
	}
	return strings.Join(found, ", ")
}
