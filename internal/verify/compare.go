package verify

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"logctl/agent/tail"
)

// Log is what an entry says of a log that is verified.
type Log struct {
	Path, Topic string
	Whole       bool // from = beginning: the first generation is owed from its first byte
	Ruled       bool // rules change or leave out lines: only repeats and order can be told
}

// Verdict is what became of one generation.
type Verdict struct {
	Entry    string    `json:"entry,omitempty"` // path of the log it was compared for; empty: not known, or topics alone
	Topic    string    `json:"topic"`
	Host     string    `json:"host,omitempty"`
	Name     string    `json:"name"` // on disk now; else the watched name
	File     string    `json:"file,omitempty"`
	Size     int64     `json:"size"`     // plain bytes that were looked at; -1: the file is not here
	Records  uint64    `json:"records"`  // that arrived
	Repeats  uint64    `json:"repeats"`  // of them, that brought nothing new
	Disorder uint64    `json:"disorder"` // of them, behind a later one in their partition
	Twice    []Span    `json:"twice,omitempty"`
	Missing  []Hole    `json:"missing,omitempty"`
	Altered  []Span    `json:"altered,omitempty"` // somewhere in it, with content
	Unknown  []Hole    `json:"unknown,omitempty"` // not there, but it cannot be told whether it should be
	Note     string    `json:"note,omitempty"`
	Unread   bool      `json:"unread,omitempty"` // the file could not be read, as Note says: nothing is proved of it
	First    time.Time `json:"first,omitzero"`   // record
	Last     time.Time `json:"last,omitzero"`
}

// Bad says whether something is missing or altered.
func (v *Verdict) Bad() bool { return len(v.Missing)+len(v.Altered) > 0 }

// Topics judges what topics hold by itself, without files: what is missing between the
// first and the last record of each generation.
func (l *Ledger) Topics() []Verdict {
	var out []Verdict
	for _, g := range l.Generations {
		v := g.verdict()
		v.Size, v.Missing = -1, g.Gaps()
		out = append(out, v)
	}
	sortVerdicts(out)
	return out
}

func sortVerdicts(list []Verdict) {
	slices.SortFunc(list, func(a, b Verdict) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Host, b.Host), cmp.Compare(a.Name, b.Name), a.First.Compare(b.First), cmp.Compare(a.File, b.File))
	})
}

func (g *Generation) verdict() Verdict {
	return Verdict{
		Topic: g.Topic, Host: g.Host, Name: g.Path, File: g.File, Records: g.Records,
		Repeats: g.Repeats, Disorder: g.Disorder, Twice: g.Twice, First: g.First.At, Last: g.Last.At,
	}
}

// Comparison is how files are compared with a ledger.
type Comparison struct {
	Ledger *Ledger
	Host   string
	Cut    Cut
	Since  time.Time     // files that were not written to since are left out; zero: none
	Grace  time.Duration // the end of a file written to within it is not owed yet
	Now    time.Time
	// Progress is told before each file. May be nil.
	Progress func(name string)

	seen     map[seenFile]bool
	patience patience
}

// seenFile is a file that has been compared with a topic. Under its other names, links, it is
// not sent again and owes nothing.
type seenFile struct {
	topic    string
	dev, ino uint64
}

// Compare reads the files of the logs on this host.
func (c *Comparison) Compare(ctx context.Context, logs []Log) ([]Verdict, error) {
	var out []Verdict
	used := map[Key]bool{}
	c.seen = map[seenFile]bool{}
	for _, log := range logs {
		list, err := c.log(ctx, log, used)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	for key, g := range c.Ledger.Generations {
		if key.Host == c.Host && !used[key] && slices.ContainsFunc(logs, func(l Log) bool { return l.Topic == key.Topic }) {
			v := g.verdict()
			v.Entry, v.Size, v.Note = entryOf(logs, g), -1, "its file is not here any more"
			if !slices.ContainsFunc(logs, func(l Log) bool { return l.Topic == key.Topic && l.Ruled }) {
				v.Missing = g.Gaps()
			}
			out = append(out, v)
		}
	}
	sortVerdicts(out)
	return out, nil
}

// entryOf is the log that a generation without a file belongs to, where that is certain.
func entryOf(logs []Log, g *Generation) string {
	entry, n := "", 0
	for _, l := range logs {
		if l.Topic != g.Topic {
			continue
		}
		if l.Path == g.Path {
			return l.Path
		}
		entry, n = l.Path, n+1
	}
	if n != 1 {
		return ""
	}
	return entry
}

// log compares the files of one log, its oldest first.
func (c *Comparison) log(ctx context.Context, log Log, used map[Key]bool) ([]Verdict, error) {
	type found struct {
		name string
		st   fs.FileInfo
	}
	var out []Verdict
	unread := func(name string, err error) {
		out = append(out, Verdict{Entry: log.Path, Topic: log.Topic, Host: c.Host, Name: name, Size: -1, Unread: true, Note: fmt.Sprintf("cannot be read: %v", err)})
	}
	names, err := c.family(ctx, log.Path)
	if err != nil {
		unread(log.Path, err)
	}
	var files []found
	for _, name := range names {
		st, err := c.stat(ctx, name)
		switch {
		case errors.Is(err, errHangs):
			unread(name, err)
		case err != nil || !st.Mode().IsRegular() || st.ModTime().Before(c.Since):
		default:
			files = append(files, found{name, st})
		}
	}
	slices.SortFunc(files, func(a, b found) int { return a.st.ModTime().Compare(b.st.ModTime()) })
	for i, f := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if c.Progress != nil {
			c.Progress(f.name)
		}
		v, err := c.file(ctx, log, f.name, f.st.ModTime(), i == 0, used)
		if errors.Is(err, errJudged) {
			continue
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue // rotated away meanwhile: it is met under its new name by the next look
		}
		if err != nil {
			unread(f.name, err)
			continue
		}
		v.Entry = log.Path
		out = append(out, v)
	}
	return out, nil
}

// errJudged says that a file was met before, under another name.
var errJudged = errors.New("judged under another name")

func (c *Comparison) family(ctx context.Context, path string) ([]string, error) {
	files := c.patience.files()
	return call(ctx, &c.patience, path, func() ([]string, error) { return files.family(path), nil }, nil)
}

func (c *Comparison) stat(ctx context.Context, name string) (fs.FileInfo, error) {
	files := c.patience.files()
	return call(ctx, &c.patience, name, func() (fs.FileInfo, error) { return files.stat(name) }, nil)
}

// file compares one file. The error is errJudged for one that was compared before.
func (c *Comparison) file(ctx context.Context, log Log, name string, mtime time.Time, oldest bool, used map[Key]bool) (v Verdict, err error) {
	o, err := c.patience.open(ctx, name)
	if err != nil {
		return Verdict{}, err
	}
	defer func() {
		if !errors.Is(err, errHangs) {
			o.close()
		}
	}()
	this := seenFile{log.Topic, o.dev, o.ino}
	if o.ino != 0 && c.seen[this] {
		return Verdict{}, errJudged
	}
	c.seen[this] = true
	g, err := c.match(ctx, log, o, used)
	if err != nil {
		return Verdict{}, err
	}
	if g == nil {
		v := Verdict{Topic: log.Topic, Host: c.Host, Name: name}
		return v, c.nothing(ctx, &v, log, o, mtime)
	}
	used[g.Key] = true
	v = g.verdict()
	v.Name = name
	if log.Ruled {
		v.Note = "its entry has rules that change lines: only repeats and order were judged"
		v.Size = o.st.Size()
		return v, nil
	}
	w := walk{g: g, v: &v, cut: c.Cut[log.Topic] || oldest && !log.Whole, open: c.Now.Sub(mtime) < c.Grace}
	return v, c.patience.reading(ctx, o, 0, w.all)
}

// nothing judges a file of which no record is in the topic.
func (c *Comparison) nothing(ctx context.Context, v *Verdict, log Log, o *opened, mtime time.Time) error {
	var lines, whole int64
	err := c.patience.reading(ctx, o, 0, func(r *pieces) (err error) {
		lines, whole, err = count(r)
		return err
	})
	if err != nil {
		return err
	}
	v.Size = whole
	earliest := time.Time{}
	for key, g := range c.Ledger.Generations {
		if key.Topic == log.Topic && key.Host == c.Host && (earliest.IsZero() || g.First.At.Before(earliest)) {
			earliest = g.First.At
		}
	}
	hole := []Hole{{Span: Span{0, whole}, Lines: lines}}
	switch {
	case whole == 0:
	case log.Ruled:
		v.Note = "no record of it; its entry has rules that leave lines out"
	case c.Now.Sub(mtime) < c.Grace:
		v.Unknown, v.Note = hole, "it is being written to"
	case !log.Whole && (earliest.IsZero() || mtime.Before(earliest)):
		v.Unknown, v.Note = hole, "older than what was followed"
	case c.Cut[log.Topic] && (earliest.IsZero() || mtime.Before(earliest)):
		v.Unknown, v.Note = hole, "older than what the topic holds"
	default:
		v.Missing = hole
	}
	return nil
}

// count counts whole lines and the bytes they take.
func count(r *pieces) (lines, whole int64, err error) {
	at := int64(0)
	for {
		b, err := r.next(pieceSize)
		lines += int64(bytes.Count(b, []byte{'\n'}))
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			whole = at + int64(i) + 1
		}
		at += int64(len(b))
		if errors.Is(err, io.EOF) {
			return lines, whole, nil
		}
		if err != nil {
			return 0, 0, err
		}
	}
}

// match finds the generation that a file is: by its inode number, which stands in the
// short name, and by what the first record says; a compressed or copied one by that alone.
func (c *Comparison) match(ctx context.Context, log Log, o *opened, used map[Key]bool) (*Generation, error) {
	var list []*Generation
	for key, g := range c.Ledger.Generations {
		if key.Topic == log.Topic && key.Host == c.Host && !used[key] {
			list = append(list, g)
		}
	}
	own := func(g *Generation) bool {
		id, err := tail.ParseShort(g.File)
		return err == nil && id.Ino == o.ino && o.ino != 0
	}
	slices.SortFunc(list, func(a, b *Generation) int { // the newest of its inode first, then those of least position
		if x, y := own(a), own(b); x != y {
			if x {
				return -1
			}
			return 1
		}
		return cmp.Or(b.Last.At.Compare(a.Last.At), cmp.Compare(a.File, b.File))
	})
	has := firsts{}
	for _, g := range list {
		if log.Ruled {
			if own(g) {
				return g, nil
			}
			continue
		}
		ok, err := has.holds(ctx, &c.patience, o, g)
		if err != nil || ok {
			return g, err
		}
	}
	return nil, nil
}

// firsts remembers what a file has at the places of first records: most generations begin at
// the same one, and a compressed file is unpacked for each place only once.
type firsts map[place]uint64

// place is a range of a file.
type place struct{ pos, n int64 }

// holds tells whether a file has the first record of a generation at its place.
func (m firsts) holds(ctx context.Context, p *patience, o *opened, g *Generation) (bool, error) {
	at := place{g.First.Pos, g.First.Len}
	sum, known := m[at]
	if known {
		return sum == g.First.Sum, nil
	}
	digest := xxhash.New()
	err := p.reading(ctx, o, at.pos, func(r *pieces) error {
		for left := at.n; left > 0; {
			b, err := r.next(left)
			if err != nil {
				return err
			}
			_, _ = digest.Write(b)
			left -= int64(len(b))
		}
		return nil
	})
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	m[at] = digest.Sum64()
	return m[at] == g.First.Sum, nil
}
