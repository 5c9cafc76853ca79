package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"logctl/internal/config"
	"logctl/internal/safe"
)

// printJSON prints a value as indented JSON.
func (a *app) printJSON(v any) error { return a.encodeJSON(v, "  ") }

// encodeJSON prints a value as JSON, on one line when indent is empty.
func (a *app) encodeJSON(v any, indent string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(v); err != nil {
		return err
	}
	return a.writeJSON(b.Bytes())
}

// writeJSON writes JSON text. On a terminal the characters that it would obey, or that
// reorder what is read, are written as escapes, which mean the same.
func (a *app) writeJSON(text []byte) error {
	if isTerminal(a.Out) {
		text = safe.AppendJSON(nil, text)
	}
	return a.write(text)
}

// writeData writes bytes that somebody asked for as they are; only a terminal gets the
// control characters in them made visible.
func (a *app) writeData(data []byte) error {
	if isTerminal(a.Out) {
		data = safe.Append(nil, data, true)
	}
	return a.write(data)
}

// write is the only way of bytes to stdout past package safe.
func (a *app) write(data []byte) error {
	_, err := a.Out.Write(data)
	return err
}

// printConfig prints the settings in effect.
func (a *app) printConfig(c *config.Config) error {
	var b bytes.Buffer
	if err := c.Print(&b); err != nil {
		return err
	}
	return a.writeData(b.Bytes())
}

// jsonLog writes log records in JSON to a terminal.
type jsonLog struct{ w io.Writer }

func (l jsonLog) Write(record []byte) (int, error) {
	if _, err := l.w.Write(safe.AppendJSON(nil, record)); err != nil {
		return 0, err
	}
	return len(record), nil
}

// confirm shows a diff and asks whether to go on; anything but yes is an error. Where
// nobody can be asked, --yes is needed.
func (a *app) confirm(ctx context.Context, diff, question string) error {
	if err := safe.Print(a.Err, safe.Block(diff)); err != nil {
		return err
	}
	if !isTerminal(a.In) {
		return &usageError{errors.New("nothing was written: nobody can be asked here; look at the change above and give --yes")}
	}
	if _, err := safe.Fprintf(a.Err, "%s [y/N] ", question); err != nil {
		return err
	}
	answer := make(chan string, 1)
	go func() { // a terminal's read cannot be cut; the process ends with it
		line, _ := bufio.NewReader(a.In).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case text := <-answer:
		if text == "y" || text == "yes" {
			return nil
		}
		return errors.New("nothing was written")
	}
}
