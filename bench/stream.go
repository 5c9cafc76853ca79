package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// A stamped line begins with the nanoseconds at which it was written.
const stampDigits = 19

func appendStamped(buf []byte, now time.Time, n int) []byte {
	begin := len(buf)
	buf = strconv.AppendInt(buf, now.UnixNano(), 10)
	buf = fmt.Appendf(buf, " %09d GET /api/v1/orders ", n)
	for len(buf)-begin < lineBytes-1 {
		buf = append(buf, 'x')
	}
	return append(buf, '\n')
}

// stamp reads when a stamped line was written.
func stamp(value []byte) (time.Time, error) {
	if len(value) < stampDigits {
		return time.Time{}, errors.New("not a stamped line")
	}
	n, err := strconv.ParseInt(string(value[:stampDigits]), 10, 64)
	return time.Unix(0, n), err
}

// stream writes rate stamped lines a second to files in turn, each line with one write
// call, until ctx ends. It returns how many.
func stream(ctx context.Context, rate int, files ...*os.File) (int, error) {
	ticker := time.NewTicker(max(time.Second/time.Duration(rate), time.Millisecond))
	defer ticker.Stop()
	began := time.Now()
	var line []byte
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return n, nil
		case now := <-ticker.C:
			// A late tick is made up for, so that the rate is kept.
			for due := int(now.Sub(began).Seconds() * float64(rate)); n < due; n++ {
				line = appendStamped(line[:0], time.Now(), n)
				if _, err := files[n%len(files)].Write(line); err != nil {
					return n, err
				}
			}
		}
	}
}

// create makes an empty file to append to.
func create(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
}

// fillFiles makes count files of the given lines in dir, named so that *.log matches.
func fillFiles(dir string, count, lines int) error {
	for i := range count {
		var text bytes.Buffer
		writeLines(&text, lines, fmt.Sprintf("file-%05d ", i))
		if err := os.WriteFile(fmt.Sprintf("%s/%05d.log", dir, i), text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await polls until the topic holds at least n records.
func (l *lab) await(ctx context.Context, p *process, topic string, n int64, within, every time.Duration) error {
	deadline := time.Now().Add(within)
	for {
		got, err := l.ends(topic)
		if err != nil {
			return err
		}
		if got >= n {
			return nil
		}
		select {
		case <-p.ended:
			return p.failure()
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d of %d records after %v", got, n, within)
		}
		if err := pause(ctx, every); err != nil {
			return err
		}
	}
}
