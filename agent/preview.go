package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"logctl/agent/report"
	"logctl/agent/tail"
	"logctl/agent/tail/suggest"
	"logctl/agent/transform"
	"logctl/etcdcfg"
)

// Bounds of a preview.
const (
	previewFiles   = 50
	previewRecords = 20
	previewTime    = 5 * time.Second
	previewBytes   = 64 << 10 // of the end of the newest file, from which records are made
)

// Preview is what an entry would match and send on this host.
type Preview = report.Preview

// PreviewFile is one file that an entry matches.
type PreviewFile = report.PreviewFile

// Access says what an agent may read.
type Access struct {
	Allowed func(path string) error // of a path, links followed; nil: all
	Dir     func(dir string) bool   // whether anything below a directory, with slashes, may be; nil: of all
}

// AccessOf is the Access of an agent with these allow_paths.
func AccessOf(allowPaths []string) Access {
	c := &Config{AllowPaths: allowPaths}
	return Access{Allowed: c.allowed(), Dir: c.allowedDir()}
}

// PreviewEntry looks at what an entry would do here, without following anything. Files are
// opened and judged as the agent does it, so that a preview shows nothing that collecting
// would not send. It looks for previewTime at most, or until ctx ends: Cut is set then.
func PreviewEntry(ctx context.Context, e etcdcfg.Entry, access Access) (Preview, error) {
	p := Preview{Files: []PreviewFile{}, Records: []string{}}
	rules, err := transform.Compile(ruleSpec(e))
	if err != nil {
		return p, err
	}
	if outside(e.Path, access.Dir) {
		return p, fmt.Errorf("not allowed: it is %w", ErrNotAllowed)
	}
	limit, cancel := context.WithTimeout(ctx, previewTime)
	defer cancel()
	paths, whole, err := tail.List(limit, tail.Config{Path: e.Path, Exclude: e.Exclude, Allowed: access.Allowed, AllowedDir: access.Dir})
	if err != nil {
		return p, err
	}
	var newest time.Time
	for _, path := range paths {
		if whole = whole && limit.Err() == nil; !whole {
			break
		}
		f := previewFile(path, access.Allowed)
		if isPlain(e.Path) && f.gone {
			continue
		}
		p.Matches++
		if f.Error == "" {
			p.Bytes += f.Size
			if f.Size > 0 && f.Modified.After(newest) {
				newest, p.Of = f.Modified, path
			}
		}
		if len(p.Files) < previewFiles || f.Error != "" && len(p.Files) < 2*previewFiles {
			p.Files = append(p.Files, f.PreviewFile)
		}
	}
	p.Cut = !whole
	if p.Of == "" {
		return p, nil
	}
	return p, sample(&p, rules, access.Allowed)
}

// SuggestEntries looks which files of a directory here, or beside a file, are one log, and
// which entry follows each. What may be seen is bounded as in PreviewEntry.
func SuggestEntries(ctx context.Context, path string, access Access) (suggest.Report, error) {
	if outside(tail.EscapeGlob(path)+"/*", access.Dir) {
		return suggest.Report{}, fmt.Errorf("not allowed: it is %w", ErrNotAllowed)
	}
	limit, cancel := context.WithTimeout(ctx, previewTime)
	defer cancel()
	return suggest.LookWithin(limit, path, suggest.Access{Allowed: access.Allowed, AllowedDir: access.Dir})
}

// isPlain reports whether a path names one file, which may not be there.
func isPlain(path string) bool { return !strings.ContainsAny(filepath.ToSlash(path), `*?[{\`) }

// previewed is a file that was looked at.
type previewed struct {
	PreviewFile
	gone bool // nothing has the name
}

// previewFile says whether a file could be read, and why not.
func previewFile(path string, allowed func(path string) error) previewed {
	f := previewed{PreviewFile: PreviewFile{Path: path}}
	fail := func(err error) previewed {
		f.gone = errors.Is(err, fs.ErrNotExist) && !isLink(path)
		f.State = fileCode(err)
		code := string(f.State) + ": "
		f.Error = code + strings.TrimPrefix(err.Error(), code)
		return f
	}
	h, err := tail.OpenRegular(path, allowed)
	if err != nil {
		return fail(err)
	}
	info, err := h.Stat()
	if err := errors.Join(err, h.Close()); err != nil {
		return fail(err)
	}
	f.Size, f.Modified = info.Size(), info.ModTime().UTC()
	return f
}

func isLink(path string) bool {
	st, err := os.Lstat(path)
	return err == nil && st.Mode()&os.ModeSymlink != 0
}

// sample makes records of the end of the newest file.
func sample(p *Preview, rules *transform.Rules, allowed func(path string) error) (err error) {
	f, err := tail.OpenRegular(p.Of, allowed)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	from := max(0, info.Size()-previewBytes)
	text, err := io.ReadAll(io.NewSectionReader(f, from, info.Size()-from))
	if err != nil {
		return err
	}
	if from > 0 { // a line that is cut
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	var lines [][]byte
	for line := range bytes.Lines(text) {
		lines = append(lines, bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")))
	}
	if rules == nil {
		for _, l := range lines[max(0, len(lines)-previewRecords):] {
			p.Records = append(p.Records, string(l))
		}
		return nil
	}
	pipe, out := transform.NewPipe(rules), transform.Batch{}
	for _, l := range lines {
		pipe.Add(transform.In{Data: l}, &out)
	}
	pipe.Flush(&out)
	p.Filtered, p.Unparsed = out.Filtered, out.Unparsed
	for _, ev := range out.Events[max(0, len(out.Events)-previewRecords):] {
		p.Records = append(p.Records, string(out.Data[ev.Start:ev.End]))
	}
	return nil
}
