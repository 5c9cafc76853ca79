// Command writer writes the lines of one scenario as a program on Windows does: with that
// program's sharing modes, and its way to rotate. It prints how many lines it wrote, and how
// often the system refused what it wanted because another program had the file open.
//
//	writer SCENARIO DIR LINES
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/windows"
)

const (
	perFile = 100                   // lines of a file before it is rotated
	between = 4 * time.Millisecond  // two lines
	patient = 20 * time.Second      // of tries that are refused
	again   = 10 * time.Millisecond // between two of them
)

// Sharing modes: what others may do meanwhile.
const (
	shareNone   = 0
	shareRead   = windows.FILE_SHARE_READ
	shareWrite  = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE
	shareDelete = shareWrite | windows.FILE_SHARE_DELETE
)

// writer is one scenario's.
type writer struct {
	name, dir string
	lines     int
	refused   int
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: writer SCENARIO DIR LINES")
		os.Exit(2)
	}
	n, err := strconv.Atoi(os.Args[3])
	w := &writer{name: os.Args[1], dir: os.Args[2], lines: n}
	if err == nil {
		err = os.MkdirAll(w.dir, 0o755)
	}
	if err == nil {
		err = w.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "writer:", w.name+":", err)
		os.Exit(1)
	}
	fmt.Printf("%d %d\n", w.lines, w.refused)
}

func (w *writer) run() error {
	switch w.name {
	case "log4net":
		return w.holding(shareRead, w.shift)
	case "log4net-minimal":
		return w.eachLine(shareRead, w.shift)
	case "nlog":
		return w.eachLine(shareDelete, w.archive)
	case "serilog":
		return w.nextName()
	case "lumberjack":
		return w.holding(shareWrite, w.backup)
	case "iis":
		return w.preallocated()
	case "exclusive":
		return w.eachLine(shareNone, nil)
	case "replace":
		return w.holding(shareRead, w.replace)
	case "delete":
		return w.holding(shareRead, w.remove)
	case "case", "gbk", "longpath":
		return w.holding(shareRead, w.shift)
	}
	return fmt.Errorf("no such scenario")
}

func (w *writer) path(name string) string { return filepath.Join(w.dir, name) }

func (w *writer) app() string {
	if w.name == "case" {
		return w.path("S4.LOG")
	}
	return w.path("app.log")
}

func (w *writer) line(i int) string {
	if w.name == "gbk" {
		return fmt.Sprintf("%s %06d \xbd\xbb\xd2\xd7\r\n", w.name, i)
	}
	return fmt.Sprintf("%s %06d a line of some length, as programs write them\r\n", w.name, i)
}

// insist tries until it is not refused for the sake of another program.
func (w *writer) insist(do func() error) error {
	for end := time.Now().Add(patient); ; time.Sleep(again) {
		err := do()
		if !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
		if w.refused++; time.Now().After(end) {
			return err
		}
	}
}

// open opens a file to append to it, with that sharing.
func (w *writer) open(path string, share uint32) (f *os.File, err error) {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	err = w.insist(func() error {
		h, err := windows.CreateFile(p, windows.FILE_APPEND_DATA|windows.SYNCHRONIZE, share, nil, windows.OPEN_ALWAYS, windows.FILE_ATTRIBUTE_NORMAL, 0)
		if err == nil {
			f = os.NewFile(uintptr(h), path)
		}
		return err
	})
	return f, err
}

func (w *writer) rename(from, to string) error {
	return w.insist(func() error { return os.Rename(from, to) })
}

// holding keeps the file open while it writes, and closes it to rotate.
func (w *writer) holding(share uint32, rotate func(n int) error) error {
	for i := 0; i < w.lines; {
		f, err := w.open(w.app(), share)
		if err != nil {
			return err
		}
		for k := 0; k < perFile && i < w.lines; k++ {
			if _, err := f.WriteString(w.line(i)); err != nil {
				return err
			}
			i++
			time.Sleep(between)
		}
		if err := f.Close(); err != nil {
			return err
		}
		if i < w.lines {
			if err := rotate(i / perFile); err != nil {
				return err
			}
		}
	}
	return nil
}

// eachLine opens and closes the file for each line.
func (w *writer) eachLine(share uint32, rotate func(n int) error) error {
	for i := range w.lines {
		f, err := w.open(w.app(), share)
		if err != nil {
			return err
		}
		_, err = f.WriteString(w.line(i))
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
		time.Sleep(between)
		if rotate != nil && (i+1)%perFile == 0 && i+1 < w.lines {
			if err := rotate((i + 1) / perFile); err != nil {
				return err
			}
		}
	}
	return nil
}

// shift renames app.log.2 to .3, .1 to .2, and the file to .1, as log4net does.
func (w *writer) shift(n int) error {
	for k := min(n, 50); k > 1; k-- {
		if err := w.rename(w.app()+"."+strconv.Itoa(k-1), w.app()+"."+strconv.Itoa(k)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return w.rename(w.app(), w.app()+".1")
}

// archive moves the file into a directory, as NLog does with archiveFileName.
func (w *writer) archive(n int) error {
	if err := os.MkdirAll(w.path("archives"), 0o755); err != nil {
		return err
	}
	return w.rename(w.app(), filepath.Join(w.path("archives"), fmt.Sprintf("app.%d.log", n)))
}

// backup gives the file a name with the time, as lumberjack does.
func (w *writer) backup(int) error {
	return w.rename(w.app(), w.path("app-"+time.Now().UTC().Format("2006-01-02T15-04-05.000")+".log"))
}

// shipped waits until so many lines were shipped: those of a file that is replaced or
// deleted sooner may be gone. Whoever started the writer says how many were.
func (w *writer) shipped(lines int) error {
	for end := time.Now().Add(6 * patient); time.Now().Before(end); time.Sleep(again) {
		b, err := os.ReadFile(w.dir + ".shipped")
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
			return err
		}
		if n, err := strconv.Atoi(string(b)); err == nil && n >= lines {
			return nil
		}
	}
	return fmt.Errorf("%d lines were not shipped in %v", lines, 6*patient)
}

// replace moves the file over its only backup: MoveFileEx with MOVEFILE_REPLACE_EXISTING.
func (w *writer) replace(n int) error {
	if err := w.shipped(n * perFile); err != nil {
		return err
	}
	return w.rename(w.app(), w.app()+".1")
}

// remove deletes the file; the next one gets its name. Where deletion is not POSIX's, the
// name is taken until the last handle is closed.
func (w *writer) remove(n int) error {
	if err := w.shipped(n * perFile); err != nil {
		return err
	}
	if err := w.insist(func() error { return os.Remove(w.app()) }); err != nil {
		return err
	}
	return w.insist(func() error {
		if _, err := os.Stat(w.app()); err == nil {
			return windows.ERROR_ACCESS_DENIED
		}
		return nil
	})
}

// nextName begins app_001.log and so on, as Serilog does with rollOnFileSizeLimit.
func (w *writer) nextName() error {
	for i := 0; i < w.lines; {
		f, err := w.open(w.path(fmt.Sprintf("app_%03d.log", i/perFile)), shareRead)
		if err != nil {
			return err
		}
		for range min(perFile, w.lines-i) {
			if _, err := f.WriteString(w.line(i)); err != nil {
				return err
			}
			i++
			time.Sleep(between)
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

// preallocated grows each file by 64 KiB of zeros before it writes into them, flushes some
// lines at once, and cuts the rest off at the end, as HTTP.sys does.
func (w *writer) preallocated() error {
	const step = 64 << 10
	for i := 0; i < w.lines; {
		path := w.path(fmt.Sprintf("u_ex%06d.log", 260101+i/(4*perFile)))
		p, err := windows.UTF16PtrFromString(path)
		if err != nil {
			return err
		}
		h, err := windows.CreateFile(p, windows.GENERIC_WRITE, shareWrite, nil, windows.CREATE_ALWAYS, windows.FILE_ATTRIBUTE_NORMAL, 0)
		if err != nil {
			return err
		}
		f, at, size := os.NewFile(uintptr(h), path), int64(0), int64(0)
		for k := 0; k < 4*perFile && i < w.lines; {
			block := ""
			for range 25 {
				block += w.line(i)
				i++
				k++
			}
			if at+int64(len(block)) > size {
				size += step
				if err := f.Truncate(size); err != nil {
					return err
				}
			}
			if _, err := f.WriteAt([]byte(block), at); err != nil {
				return err
			}
			at += int64(len(block))
			time.Sleep(25 * between)
		}
		if err := errors.Join(f.Truncate(at), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
