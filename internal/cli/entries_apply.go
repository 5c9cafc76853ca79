package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"logctl/etcdcfg"
	"logctl/internal/safe"
)

func newEntriesApplyCmd(a *app) *cobra.Command {
	var edit editFlags
	var file string
	var fix bool
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Replace the whole list by a file",
		Long: `apply makes the list what a file says, whose bytes are kept. A file with a mistake in it
changes nothing. --dry-run prints what would change; with --if-revision it is only done
when nobody has edited since. It also repairs a list that is bad.

--fix corrects what can only mean one thing: Windows paths whose backslashes are not
doubled, and trailing commas.`,
		Example: `  logctl entries apply -f entries.json --dry-run
  logctl entries apply -f entries.json -m 'new nginx logs' --wait 10s
  generate-entries | logctl entries apply -f -`,
		Args:              usageArgs(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return &usageError{errors.New("apply: name the file with -f; - is stdin")}
			}
			raw, err := a.readFile(file)
			if err != nil {
				return err
			}
			if _, err := etcdcfg.Parse(raw); err != nil {
				fixed, ok := etcdcfg.Repair(raw)
				if !ok {
					return inFile(file, err)
				}
				if !fix {
					return errors.Join(inFile(file, err), fmt.Errorf("apply --fix takes it as:\n%s", bytes.TrimSpace(fixed)))
				}
				safe.Fprintf(a.Err, "%s is taken as:\n%s\n", displayName(file), safe.Lines(string(bytes.TrimSpace(fixed)), ""))
				raw = fixed
			}
			return a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error {
				base, err := d.Load(ctx, d.key)
				if err != nil {
					return err
				}
				return a.save(ctx, d, &edit, base, raw)
			})
		},
	}
	edit.add(cmd)
	cmd.Flags().BoolVar(&fix, "fix", false, "correct backslashes of Windows paths and trailing commas first")
	cmd.Flags().StringVarP(&file, "file", "f", "", "file with the list; - is stdin")
	return cmd
}

// readFile reads a file of the command line, stdin for "-".
func (a *app) readFile(name string) ([]byte, error) {
	var data []byte
	var err error
	if name == "-" {
		data, err = io.ReadAll(io.LimitReader(a.In, 4*etcdcfg.MaxListBytes))
	} else {
		data, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, &usageError{fmt.Errorf("read the list: %w", err)}
	}
	return data, nil
}

// listFileError is a bad list in a file.
type listFileError struct {
	file string
	list *etcdcfg.ListError
}

// Error writes each problem as FILE:LINE:COLUMN, as compilers do.
func (e *listFileError) Error() string {
	text := ""
	for i, p := range e.list.Problems {
		if i > 0 {
			text += "\n"
		}
		text += fileProblem(e.file, p)
	}
	return text
}

func (e *listFileError) Unwrap() error { return e.list }

// inFile puts the name of the file before each problem of a list.
func inFile(file string, err error) error {
	var list *etcdcfg.ListError
	if !errors.As(err, &list) {
		return err
	}
	return &listFileError{file: displayName(file), list: list}
}

func displayName(file string) string {
	if file == "-" {
		return "<stdin>"
	}
	return file
}

func fileProblem(file string, p etcdcfg.Problem) string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", file, p.Text())
	}
	return fmt.Sprintf("%s:%d:%d: %s", file, p.Line, p.Column, p.Text())
}
