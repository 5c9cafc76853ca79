package suggest

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"logctl/agent/tail/internal/packed"
	"logctl/agent/tail/internal/rotation"
)

// grain is how far the times of files may lag the clock.
const grain = int64(20 * time.Millisecond)

// sort puts every file into a log.
func (l *look) sort() []Log {
	slices.SortFunc(l.files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	groups := map[string]*Log{}
	var order []string
	put := func(path, scheme string, f File) {
		g := groups[path]
		if g == nil {
			g = &Log{Path: filepath.Join(l.dir, path)}
			groups[path] = g
			order = append(order, path)
		}
		if g.Scheme == "" || g.Scheme == notRotated && scheme != notRotated || scheme > g.Scheme && f.tag.Text != "" {
			g.Scheme = scheme
		}
		g.Files = append(g.Files, f)
	}
	heads := l.heads()
	for _, f := range l.files {
		path, scheme := l.place(&f, heads)
		if path == "" {
			l.leave(f.Name, "compressed ("+f.Packed+"), and no log beside it has such a name")
			continue
		}
		put(path, scheme, f)
	}
	order = l.series(groups, order)
	logs := make([]Log, 0, len(order))
	for _, path := range order {
		g := groups[path]
		finish(g, path, heads)
		logs = append(logs, *g)
	}
	slices.SortFunc(logs, func(a, b Log) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(l.left, func(a, b Left) int { return strings.Compare(a.Name, b.Name) })
	return logs
}

// heads returns the active files by name: those of the directory itself that are
// not compressed.
func (l *look) heads() map[string]*File {
	heads := map[string]*File{}
	for i := range l.files {
		if f := &l.files[i]; f.Packed == "" && filepath.Dir(f.Name) == "." {
			heads[f.Name] = f
		}
	}
	return heads
}

// place returns the path of the log that f belongs to, "" for none, and how its
// names are made.
func (l *look) place(f *File, heads map[string]*File) (path, scheme string) {
	name, sub := filepath.Base(f.Name), filepath.Dir(f.Name)
	for link, target := range l.links {
		p, ok := rotation.Like(target)
		if target == f.Name {
			f.Active = true
			return link, "a symbolic link that moves from file to file"
		}
		if tag, like := p.Match(name); ok && like && sub == "." {
			f.tag = tag
			return link, "a symbolic link that moves from file to file"
		}
	}
	if base := l.base(f, heads); base != "" {
		return base, describe(f)
	}
	if family, tag, ok := rotation.Dated(name); ok && sub == "." {
		f.tag = tag
		return family, "a new file with another date each time, no active name"
	}
	if f.Packed != "" || sub != "." {
		return "", ""
	}
	f.Active = true
	return f.Name, notRotated
}

// notRotated is the scheme of a log of which nothing tells how it is rotated.
const notRotated = "not rotated yet"

// base returns the active name that f is a generation of: of several the longest.
func (l *look) base(f *File, heads map[string]*File) string {
	name, sub := filepath.Base(f.Name), filepath.Dir(f.Name)
	for _, base := range bases(name, sub) {
		head := heads[base]
		if head == nil || base == f.Name {
			continue
		}
		of := rotation.Of
		if sub != "." {
			of = rotation.In
		}
		tag, _ := of(base, name)
		if !tag.Certain && sub == "." && sideBySide(f, head) || l.outer(base, heads, head) {
			continue // written side by side, or an old generation itself
		}
		f.tag = tag
		return base
	}
	return ""
}

// bases returns the active names that a file called name may be rotated from; in an
// archive directory that may be its own.
func bases(name, sub string) []string {
	all := rotation.Bases(name)
	if sub != "." {
		plain, _ := rotation.Unpacked(name)
		all = append([]string{plain}, all...)
	}
	return all
}

// outer tells whether the file called base is certainly a generation of another.
func (l *look) outer(base string, heads map[string]*File, f *File) bool {
	for _, other := range rotation.Bases(base) {
		head := heads[other]
		if head == nil {
			continue
		}
		if tag, _ := rotation.Of(other, base); tag.Certain || !sideBySide(f, head) {
			return true
		}
	}
	return false
}

// sideBySide tells whether old was still written to when the active file head had
// been begun.
func sideBySide(old, head *File) bool {
	if old.Packed != "" || head.born == 0 {
		return false
	}
	return old.ModTime.UnixNano() > head.born+grain
}

func describe(f *File) string {
	what := "a number"
	if rotation.Count(f.tag) == "" {
		what = "a date"
		if strings.Trim(f.tag.Text, "._-") != f.tag.Text && !strings.ContainsAny(f.tag.Text, "0123456789") {
			what = fmt.Sprintf("%q", f.tag.Text)
		}
	}
	where := ""
	switch f.tag.Place {
	case rotation.Behind:
		where = what + " behind the name"
	case rotation.Within:
		where = what + " before the extension"
	case rotation.Front:
		where = what + " in front of the name"
	case rotation.Stamp:
		where = "TAI64N stamps beside current (svlogd, s6-log, multilog)"
	case rotation.Number:
		where = "numbers from the active file's up"
	case rotation.Same:
		where = "the same name"
	}
	if sub := filepath.Dir(f.Name); sub != "." {
		where += ", in " + filepath.ToSlash(sub)
	}
	return where
}

// finish puts the files of a log in order and makes its entry.
func finish(g *Log, path string, heads map[string]*File) {
	up := rises(g.Files)
	slices.SortStableFunc(g.Files, func(a, b File) int { return older(a, b, path, up) })
	g.Topic = topic(path)
	for i := range g.Files {
		f := &g.Files[i]
		f.Active = f.Active || f.Name == path
		if glob := rotatedGlob(f, path); glob != "" && !slices.Contains(g.Rotated, glob) {
			g.Rotated = append(g.Rotated, glob)
		}
	}
	if strings.Contains(path, "*") && len(g.Files) > 0 {
		g.Files[len(g.Files)-1].Active = true
	}
	for _, r := range g.Rotated {
		for other := range heads { // a glob that catches another log does harm
			if other == path {
				continue
			}
			if ok, err := filepath.Match(r, other); err == nil && ok && !slices.ContainsFunc(g.Files, func(f File) bool { return f.Name == other }) {
				g.Rotated = slices.DeleteFunc(g.Rotated, func(x string) bool { return x == r })
			}
		}
	}
}

// older orders the files of a log: names that tell, then times; the active file last.
func older(a, b File, path string, rising bool) int {
	if (a.Name == path) != (b.Name == path) {
		if a.Name == path {
			return 1
		}
		return -1
	}
	byTime := cmp.Compare(a.ModTime.UnixNano(), b.ModTime.UnixNano())
	if a.tag.Text == "" || b.tag.Text == "" {
		return byTime
	}
	return cmp.Or(rotation.Older(a.tag, b.tag, rising), byTime)
}

// rises tells whether a higher number is younger here.
func rises(files []File) bool {
	up, down := 0, 0
	for i := range files {
		for j := range files[:i] {
			a, b := &files[i], &files[j]
			if rotation.Count(a.tag) == "" || rotation.Count(b.tag) == "" || a.ModTime.Sub(b.ModTime).Abs() < time.Duration(grain) {
				continue
			}
			if (rotation.Older(a.tag, b.tag, true) < 0) == a.ModTime.Before(b.ModTime) {
				up++
			} else {
				down++
			}
		}
	}
	return up > down
}

// rotatedGlob returns the glob that says for sure that f is a generation, "" where
// its name does.
func rotatedGlob(f *File, path string) string {
	if f.tag.Certain || f.tag.Place == 0 || f.tag.Place == rotation.Learned {
		return ""
	}
	name, sub := filepath.Base(f.Name), filepath.Dir(f.Name)
	plain, ending := rotation.Unpacked(name)
	glob := plain
	if text := f.tag.Text; text != "" && strings.ContainsAny(text, "0123456789") {
		open := strings.TrimRight(strings.TrimRight(text, "0123456789"), ".-_")
		digits := text[len(open):]
		sep := digits[:len(digits)-len(strings.TrimLeft(digits, ".-_"))]
		glob = strings.Replace(plain, text, sep+"[0-9]*", 1)
	}
	if ending != "" {
		glob += "*"
	}
	if glob == path {
		return ""
	}
	return filepath.ToSlash(filepath.Join(strings.TrimPrefix(sub, "."), glob))
}

// format returns the name of the format of a compressed file, "" of a plain one.
func format(f *os.File) string {
	var head [packed.SniffLen]byte
	n, _ := f.ReadAt(head[:], 0) // a short file is plain
	if k := packed.Sniff(head[:n]); k != packed.Plain {
		return k.String()
	}
	return ""
}
