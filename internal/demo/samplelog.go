package demo

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// lineFunc appends one line without its newline to buf. trouble makes errors likely.
type lineFunc func(buf []byte, random *rand.Rand, now time.Time, trouble bool) []byte

// sampleLog is one log file that rotates. Only lines may be read by other goroutines.
type sampleLog struct {
	path, topic string
	share       float64 // of the writer's rate
	line        lineFunc
	rotateBytes int64
	keep        int

	file  *os.File
	size  int64
	owed  float64 // lines due but not written yet
	half  []byte  // the rest of a line that was begun
	buf   []byte
	lines atomic.Int64 // whole lines written, over all generations
}

// write writes the lines due now, want more than before. Now and then the last one is
// left unfinished until the next call, as programs do.
func (l *sampleLog) write(random *rand.Rand, now time.Time, want float64, trouble bool) error {
	if err := l.open(); err != nil {
		return err
	}
	l.owed += want
	n := int64(l.owed)
	l.owed -= float64(n)
	l.buf, l.half = append(l.buf[:0], l.half...), l.half[:0]
	whole := n
	if len(l.buf) > 0 {
		whole++
	}
	for range n {
		l.buf = l.line(l.buf, random, now, trouble)
		l.buf = append(l.buf, '\n')
	}
	if n > 0 && random.IntN(20) == 0 {
		cut := len(l.buf) - 1 - random.IntN(20)
		l.half = append(l.half, l.buf[cut:]...)
		l.buf = l.buf[:cut]
		whole--
	}
	if len(l.buf) == 0 {
		return nil
	}
	if _, err := l.file.Write(l.buf); err != nil {
		return fmt.Errorf("write sample log: %w", err)
	}
	l.size += int64(len(l.buf))
	l.lines.Add(whole)
	if l.size >= l.rotateBytes && len(l.half) == 0 {
		return l.rotate()
	}
	return nil
}

func (l *sampleLog) open() error {
	if l.file != nil {
		return nil
	}
	file, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("open sample log: %w", err)
	}
	l.file, l.size = file, 0
	return nil
}

// rotate renames the log to .1, .1 to .2 and so on; the oldest goes. The next write
// begins a new file.
func (l *sampleLog) rotate() error {
	if err := l.finish(); err != nil {
		return err
	}
	for i := l.keep; i > 0; i-- {
		err := os.Rename(l.generation(i-1), l.generation(i))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("rotate sample log: %w", err)
		}
	}
	return nil
}

// generation is the path of the log after i rotations.
func (l *sampleLog) generation(i int) string {
	if i == 0 {
		return l.path
	}
	return l.path + "." + strconv.Itoa(i)
}

// finish ends a begun line and closes the file.
func (l *sampleLog) finish() error {
	if l.file == nil {
		return nil
	}
	var err error
	if len(l.half) > 0 {
		if _, err = l.file.Write(l.half); err == nil {
			l.lines.Add(1)
		}
		l.half = l.half[:0]
	}
	err = errors.Join(err, l.file.Close())
	l.file = nil
	if err != nil {
		return fmt.Errorf("close sample log: %w", err)
	}
	return nil
}

func (l *sampleLog) remove() error {
	var errs []error
	for i := 0; i <= l.keep; i++ {
		if err := os.Remove(l.generation(i)); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove sample log: %w", err))
		}
	}
	return errors.Join(errs...)
}
