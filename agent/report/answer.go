package report

import (
	"time"

	"logctl/agent/state"
)

// Positions is what an agent keeps of one entry: the answer to the commands that show and
// move positions.
type Positions struct {
	Path  string         `json:"path"`
	Topic string         `json:"topic"`
	Files []FilePosition `json:"files"`
	Since time.Time      `json:"since"` // of the last change
	Moves []Move         `json:"moves,omitempty"`
	// Peak is the most that the agent had acknowledged in a second since it started, bytes a
	// second; 0: not known.
	Peak int64 `json:"peak,omitempty"`
}

// FilePosition is how far one generation of a file has been dealt with.
type FilePosition struct {
	Path    string `json:"path"`
	File    string `json:"file,omitempty"` // as the header file of its records
	Pos     int64  `json:"pos"`            // bytes
	Size    int64  `json:"size"`           // when it was seen last
	Skipped int64  `json:"skipped"`        // bytes at the head that were not sent, for the entry began at the end
	Rotated bool   `json:"rotated"`        // another file has its name now
}

// Move is one position that moves, or would.
type Move struct {
	Path   string `json:"path"`
	From   int64  `json:"from"`   // position before, bytes
	To     int64  `json:"to"`     // and after
	Size   int64  `json:"size"`   // of the file when it was seen last
	Again  int64  `json:"again"`  // bytes that were sent, and are sent once more
	First  int64  `json:"first"`  // bytes that were skipped, and are sent for the first time
	Passed int64  `json:"passed"` // bytes that are not sent, for the position moves over them
}

// Moved sums the moves of the answer to a command.
func Moved(list []Positions) (n int, again, first, passed, peak int64) {
	for _, p := range list {
		peak = max(peak, p.Peak)
		for _, m := range p.Moves {
			n++
			again, first, passed = again+m.Again, first+m.First, passed+m.Passed
		}
	}
	return n, again, first, passed, peak
}

// Preview is what an entry would match and send on a host.
type Preview struct {
	Files    []PreviewFile `json:"files"`         // by path, some of them
	Matches  int           `json:"matches"`       // how many there are
	Cut      bool          `json:"cut,omitempty"` // looking took too long: there are more
	Bytes    int64         `json:"bytes"`         // of those that can be read
	Of       string        `json:"of"`            // the file that Records are of: the newest
	Records  []string      `json:"records"`       // the last ones that the entry would make of it
	Filtered int           `json:"filtered"`      // records that its filters leave out, of those looked at
	Unparsed int           `json:"unparsed"`      // lines that are not in its format, of those looked at
}

// PreviewFile is one file that an entry matches.
type PreviewFile struct {
	Path     string     `json:"path"`
	Size     int64      `json:"size"` // bytes
	Modified time.Time  `json:"modified"`
	Error    string     `json:"error,omitempty"` // why it would not be read; empty: it would
	State    state.Code `json:"state,omitempty"` // that the error means; empty: the file can be read
}

// Suggested is the answer to the command suggest: the logs of a directory, each with the
// entry that follows it.
type Suggested struct {
	Dir  string         `json:"dir"`
	Logs []SuggestedLog `json:"logs"`
	Left []struct {
		Name string `json:"name"`
		Why  string `json:"why"`
	} `json:"left,omitempty"` // names that are of no log, and why
}

// SuggestedLog is one log of a directory.
type SuggestedLog struct {
	Path    string   `json:"path"`              // for the entry
	Topic   string   `json:"topic"`             // for the entry: a name made from the file's
	Rotated []string `json:"rotated,omitempty"` // for the entry: globs
	Scheme  string   `json:"scheme"`            // how its old generations are named, in words
	More    int      `json:"more,omitempty"`    // older files that are not in Files
	Files   []struct {
		Name   string `json:"name"`
		Size   int64  `json:"size"` // bytes on disk
		Packed string `json:"packed,omitempty"`
		Active bool   `json:"active,omitempty"`
	} `json:"files"` // oldest first
}
