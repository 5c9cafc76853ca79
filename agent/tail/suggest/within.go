package suggest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"logctl/agent/tail"
	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/rotation"
)

// Access says what may be looked at: see tail.Config.
type Access struct {
	Allowed    func(path string) error
	AllowedDir func(dir string) bool
}

// Bounds of what LookWithin answers, for an answer travels through etcd.
const (
	MaxLogs  = 50 // logs
	MaxShown = 20 // files of one log: the youngest
)

// LookWithin is Look for somebody who may not look everywhere: names are listed, and files
// are opened and judged, as the follower does it. It returns MaxLogs logs at most, of
// each the MaxShown youngest files. Where ctx ends, what was found until then is there,
// and Left says so. The error is that nothing of path may be looked at, or that nothing
// is there.
func LookWithin(ctx context.Context, path string, a Access) (Report, error) {
	if !filepath.IsAbs(path) {
		return Report{}, fmt.Errorf("look at %q: the path must be absolute", path)
	}
	path = filepath.Clean(path)
	r, only := Report{Dir: path}, ""
	l := &look{ctx: ctx, dir: path, links: map[string]string{}}
	n, err := l.within(a, "*")
	if n == 0 && filepath.Dir(path) != path { // no directory with files in it
		r.Dir, only = filepath.Dir(path), filepath.Base(path)
		l = &look{ctx: ctx, dir: r.Dir, links: map[string]string{}}
		_, err = l.within(a, "*")
	}
	if err == nil {
		_, err = l.within(a, "*", "*")
	}
	if err == nil {
		_, err = l.within(a, "*", "*", "*")
	}
	if err != nil {
		return r, err
	}
	r.Logs, r.Left = l.sort(), l.left
	err = r.only(only)
	r.bound()
	return r, err
}

// within looks at the files that a pattern below the directory matches, of which all but
// the last element are to be archive directories.
func (l *look) within(a Access, pattern ...string) (n int, err error) {
	glob := filepath.Join(append([]string{tail.EscapeGlob(l.dir)}, pattern...)...)
	names, whole, err := tail.List(l.ctx, tail.Config{Path: glob, Allowed: a.Allowed, AllowedDir: a.AllowedDir})
	if err != nil {
		return 0, err
	}
	if !whole {
		l.leave(strings.Join(pattern, "/"), "looking takes too long: there may be more")
	}
	for _, path := range names {
		name, err := filepath.Rel(l.dir, path)
		if err != nil || !inArchive(name) {
			continue
		}
		if n++; len(l.files) >= MaxFiles {
			l.leave("...", fmt.Sprintf("more than %d files; name a file of the log instead of the directory", MaxFiles))
			return n, nil
		}
		l.opened(a, path, name)
	}
	return n, nil
}

// inArchive tells whether all directories of a relative name are those of archives.
func inArchive(name string) bool {
	parts := strings.Split(filepath.ToSlash(name), "/")
	for _, dir := range parts[:len(parts)-1] {
		if !rotation.IsArchive(dir) {
			return false
		}
	}
	return true
}

// opened looks at one file.
func (l *look) opened(a Access, path, name string) {
	st, err := os.Lstat(path)
	if err == nil && st.Mode()&os.ModeSymlink != 0 {
		to, err := filepath.EvalSymlinks(path)
		if err == nil && filepath.Dir(to) == l.dir && !strings.ContainsRune(name, filepath.Separator) {
			l.links[name] = filepath.Base(to)
			return
		}
	}
	f, err := tail.OpenRegular(path, a.Allowed)
	if err != nil {
		l.leave(name, err.Error())
		return
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	st, err = f.Stat()
	if err != nil {
		l.leave(name, err.Error())
		return
	}
	l.files = append(l.files, File{Name: name, Size: st.Size(), ModTime: st.ModTime(), born: fsys.Birth(f), Packed: format(f)})
}

// bound leaves out what is beyond the bounds of an answer.
func (r *Report) bound() {
	if n := len(r.Logs) - MaxLogs; n > 0 {
		r.Logs = r.Logs[:MaxLogs]
		r.Left = append([]Left{{"...", fmt.Sprintf("%d more logs: name one of them", n)}}, r.Left...)
	}
	for i := range r.Logs {
		if g := &r.Logs[i]; len(g.Files) > MaxShown {
			g.More = len(g.Files) - MaxShown
			g.Files = g.Files[g.More:]
		}
	}
	r.Left = r.Left[:min(len(r.Left), MaxShown)]
}
