package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"logctl/etcdcfg"
	"logctl/internal/safe"
)

// checkResult is what check prints with -o json.
type checkResult struct {
	Name     string         `json:"name"` // file, or collect key
	OK       bool           `json:"ok"`
	Entries  int            `json:"entries"`
	Problems []checkProblem `json:"problems"`
}

type checkProblem struct {
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Entry    int    `json:"entry"` // from 1; 0: the list
	Field    string `json:"field,omitempty"`
	Severity string `json:"severity"` // error or warning
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

func newEntriesCheckCmd(a *app) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check a list of entries, without any server when it is in a file",
		Long: `check says everything that is wrong with a list, one line each as FILE:LINE:COLUMN, and
exits 1 when there is an error. Fields that look misspelt are warnings. FILE - is stdin;
without FILE the list in etcd is checked.`,
		Example: `  logctl entries check entries.json
  logctl entries list -o raw | logctl entries check -
  logctl entries check --key collect_log_conf -o json`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				raw, err := a.readFile(args[0])
				if err != nil {
					return err
				}
				return a.check(displayName(args[0]), raw, output)
			}
			return a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error {
				snap, err := d.Load(ctx, d.key)
				if err != nil {
					return err
				}
				if snap.ModRevision == 0 {
					safe.Fprintf(a.Err, "%s: the key does not exist\n", d.key)
					if output == "json" {
						return a.printJSON(checkResult{Name: d.key, OK: true, Problems: []checkProblem{}})
					}
					return nil
				}
				return a.check(d.key, snap.Raw, output)
			})
		},
	}
	addOutput(cmd, &output, "table", "json")
	return cmd
}

// check prints what is wrong with a list; it is data, and goes to stdout.
func (a *app) check(name string, raw []byte, output string) error {
	entries, err := etcdcfg.Parse(raw)
	var list *etcdcfg.ListError
	if err != nil && !errors.As(err, &list) {
		return err
	}
	if err == nil && len(raw) > etcdcfg.MaxListBytes {
		list = &etcdcfg.ListError{Problems: []etcdcfg.Problem{{Entry: -1,
			Message: fmt.Sprintf("the list has %d bytes, one key takes %d", len(raw), etcdcfg.MaxListBytes)}}}
	}
	warnings := etcdcfg.Warnings(raw)
	result := checkResult{Name: name, OK: list == nil, Entries: len(entries), Problems: []checkProblem{}}
	add := func(problems []etcdcfg.Problem, severity string) error {
		for _, p := range problems {
			result.Problems = append(result.Problems, checkProblem{p.Line, p.Column, p.Entry + 1, p.Field, severity, p.Message, p.Hint})
			if output == "json" {
				continue
			}
			if severity == "warning" {
				p.Message = "warning: " + p.Message
			}
			if _, err := safe.Fprintf(a.Out, "%s\n", fileProblem(name, p)); err != nil {
				return err
			}
		}
		return nil
	}
	if list != nil {
		if err := add(list.Problems, "error"); err != nil {
			return err
		}
	}
	if err := add(warnings, "warning"); err != nil {
		return err
	}
	if output == "json" {
		if err := a.printJSON(result); err != nil {
			return err
		}
	}
	if list != nil {
		safe.Fprintf(a.Err, "%s: %s\n", name, plural(len(list.Problems), "error", "errors"))
		return &exitError{ExitFailure}
	}
	safe.Fprintf(a.Err, "%s: well, %s\n", name, plural(len(entries), "entry", "entries"))
	return nil
}
