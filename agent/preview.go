package agent

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"logctl/agent/report"
	"logctl/agent/transform"
	"logctl/etcdcfg"
)

// Bounds of a preview.
const (
	previewFiles   = 50
	previewRecords = 20
	previewBytes   = 64 << 10 // of the end of the newest file, from which records are made
)

// Preview is what an entry would match and send on this host.
type Preview = report.Preview

// PreviewFile is one file that an entry matches.
type PreviewFile = report.PreviewFile

// Allowed makes the check whether an agent with these allow_paths reads a path.
func Allowed(allowPaths []string) func(path string) error {
	return (&Config{AllowPaths: allowPaths}).allowed()
}

// PreviewEntry looks at what an entry would do here, without following anything. allowed says
// which paths may be read; nil: all.
func PreviewEntry(e etcdcfg.Entry, allowed func(path string) error) (Preview, error) {
	p := Preview{Files: []PreviewFile{}, Records: []string{}}
	rules, err := transform.Compile(ruleSpec(e))
	if err != nil {
		return p, err
	}
	paths, err := doublestar.FilepathGlob(e.Path, doublestar.WithFilesOnly())
	if err != nil {
		return p, err
	}
	if _, err := os.Lstat(e.Path); err == nil && !slices.Contains(paths, e.Path) {
		paths = append(paths, e.Path)
	}
	paths = slices.DeleteFunc(paths, func(path string) bool {
		return slices.ContainsFunc(e.Exclude, func(g string) bool { ok, err := doublestar.PathMatch(g, path); return err == nil && ok })
	})
	slices.Sort(paths)
	p.Matches = len(paths)
	var newest time.Time
	for _, path := range paths {
		f := previewFile(path, allowed)
		if f.Error == "" {
			p.Bytes += f.Size
			if f.Size > 0 && f.Modified.After(newest) {
				newest, p.Of = f.Modified, path
			}
		}
		if len(p.Files) < previewFiles || f.Error != "" && len(p.Files) < 2*previewFiles {
			p.Files = append(p.Files, f)
		}
	}
	if p.Of == "" {
		return p, nil
	}
	return p, sample(&p, rules)
}

// previewFile says whether a file could be read, and why not.
func previewFile(path string, allowed func(path string) error) PreviewFile {
	f := PreviewFile{Path: path}
	fail := func(err error) PreviewFile {
		f.Error = string(fileCode(err)) + ": " + err.Error()
		return f
	}
	names := []string{path}
	if real, err := filepath.EvalSymlinks(path); err == nil && real != path {
		names = append(names, real)
	}
	for _, name := range names {
		if allowed == nil {
			break
		}
		if err := allowed(name); err != nil {
			return fail(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return fail(err)
	}
	f.Size, f.Modified = info.Size(), info.ModTime().UTC()
	if !info.Mode().IsRegular() {
		return fail(&fs.PathError{Op: "open", Path: path, Err: errors.New("is not a regular file")})
	}
	h, err := os.Open(path)
	if err != nil {
		return fail(err)
	}
	if err := h.Close(); err != nil {
		return fail(err)
	}
	return f
}

// sample makes records of the end of the newest file.
func sample(p *Preview, rules *transform.Rules) (err error) {
	f, err := os.Open(p.Of)
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
