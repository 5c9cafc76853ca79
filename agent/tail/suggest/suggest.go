package suggest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"logctl/agent/tail/internal/fsys"
	"logctl/agent/tail/internal/rotation"
)

// MaxFiles is how many files of a directory are looked at; the rest is reported as
// left out.
const MaxFiles = 20000

// Log is one log that was found, with the entry that follows it.
type Log struct {
	Path    string   `json:"path"`              // for the entry: a file, or a glob where the active file has no lasting name
	Topic   string   `json:"topic"`             // a name for the topic, made from the file's
	Rotated []string `json:"rotated,omitempty"` // for the entry: globs, relative to the directory of Path
	Scheme  string   `json:"scheme"`            // how its generations are named, in words
	Files   []File   `json:"files"`             // oldest first
	More    int      `json:"more,omitempty"`    // older ones that are not in Files
}

// File is one generation of a log.
type File struct {
	Name    string    `json:"name"` // relative to the directory of the log
	Size    int64     `json:"size"` // bytes on disk
	ModTime time.Time `json:"modified"`
	Packed  string    `json:"packed,omitempty"` // format, if compressed
	Active  bool      `json:"active,omitempty"` // the one that is written to
	tag     rotation.Tag
	born    int64
}

// Left is a name that was left out.
type Left struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// Report is what Look found.
type Report struct {
	Dir  string `json:"dir"`
	Logs []Log  `json:"logs"`
	Left []Left `json:"left,omitempty"`
}

// Look looks at the directory path, or at the log that the file path belongs to.
// The error is that of the file system when path cannot be read, or that of ctx.
func Look(ctx context.Context, path string) (Report, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Report{}, err
	}
	st, err := os.Stat(path)
	if err != nil {
		return Report{}, err
	}
	r := Report{Dir: path}
	only := ""
	if !st.IsDir() {
		r.Dir, only = filepath.Dir(path), filepath.Base(path)
	}
	l := &look{ctx: ctx, dir: r.Dir, links: map[string]string{}}
	if err := l.read(r.Dir, ""); err != nil {
		return Report{}, err
	}
	if err := l.archives(r.Dir, "", 2); err != nil {
		return Report{}, err
	}
	r.Logs, r.Left = l.sort(), l.left
	return r, r.only(only)
}

// only leaves out what has nothing to do with the file of that name; "": nothing.
func (r *Report) only(name string) error {
	if name == "" {
		return nil
	}
	r.Logs = slices.DeleteFunc(r.Logs, func(g Log) bool {
		return filepath.Base(g.Path) != name && !slices.ContainsFunc(g.Files, func(f File) bool { return f.Name == name })
	})
	r.Left = slices.DeleteFunc(r.Left, func(x Left) bool { return x.Name != name })
	if len(r.Logs) == 0 && len(r.Left) == 0 {
		return fmt.Errorf("%s: %w", filepath.Join(r.Dir, name), fs.ErrNotExist)
	}
	return nil
}

// look is one look at a directory.
type look struct {
	ctx   context.Context
	dir   string
	files []File            // regular files, by name
	links map[string]string // symbolic link: name in dir that it leads to
	subs  []string          // archive directories
	left  []Left
}

func (l *look) leave(name, why string) { l.left = append(l.left, Left{name, why}) }

// read lists one directory; sub is its name relative to the log's.
func (l *look) read(dir, sub string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	for len(l.files) < MaxFiles {
		entries, err := d.ReadDir(512)
		for _, e := range entries {
			l.entry(dir, sub, e)
		}
		if err := l.ctx.Err(); err != nil {
			return err
		}
		if len(entries) == 0 || err != nil {
			return nil
		}
	}
	l.leave(filepath.Join(sub, "..."), fmt.Sprintf("more than %d files; name a file of the log instead of the directory", MaxFiles))
	return nil
}

func (l *look) entry(dir, sub string, e fs.DirEntry) {
	path, name := filepath.Join(dir, e.Name()), filepath.Join(sub, e.Name())
	switch {
	case e.Type().IsRegular():
	case e.IsDir():
		if rotation.IsArchive(e.Name()) {
			l.subs = append(l.subs, name)
		}
		return
	case e.Type()&fs.ModeSymlink != 0:
		to, err := filepath.EvalSymlinks(path)
		switch {
		case err == nil && filepath.Dir(to) == l.dir && sub == "":
			l.links[name] = filepath.Base(to)
		case err == nil:
			l.file(path, name)
		case errors.Is(err, fs.ErrNotExist):
			l.leave(name, "a link to a file that does not exist")
		default:
			l.leave(name, err.Error())
		}
		return
	default:
		l.leave(name, "not a regular file ("+kindOf(e.Type())+")")
		return
	}
	l.file(path, name)
}

func (l *look) file(path, name string) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		l.leave(name, err.Error())
	case st.IsDir():
	case !st.Mode().IsRegular():
		l.leave(name, "not a regular file ("+kindOf(st.Mode())+")")
	default:
		l.files = append(l.files, File{Name: name, Size: st.Size(), ModTime: st.ModTime(), born: fsys.BirthPath(path), Packed: formatAt(path)})
	}
}

// formatAt is format of the file at path, "" where it cannot be read.
func formatAt(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	return format(f)
}

func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}

// archives reads the directories beside the logs that may hold old generations, and
// those in them.
func (l *look) archives(dir, _ string, depth int) error {
	for ; depth > 0 && len(l.subs) > 0; depth-- {
		subs := l.subs
		l.subs = nil
		for _, sub := range subs {
			if err := l.read(filepath.Join(dir, sub), sub); err != nil {
				if l.ctx.Err() != nil {
					return err
				}
				l.leave(sub, err.Error())
			}
		}
	}
	return nil
}

// topic makes a legal name of a topic from that of a file.
func topic(name string) string {
	plain, _ := rotation.Unpacked(name)
	stem := strings.Trim(strings.TrimSuffix(plain, filepath.Ext(plain)), ".-_*")
	stem = strings.TrimSuffix(strings.TrimSuffix(stem, "_rCURRENT"), ".0")
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, strings.ReplaceAll(stem, "*", ""))
	if clean = strings.Trim(clean, ".-_"); clean == "" {
		return "app_log"
	}
	return clean + "_log"
}
