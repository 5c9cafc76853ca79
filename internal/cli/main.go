package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"logctl/consumer/tail"
	"logctl/internal/safe"

	"github.com/spf13/cobra"
)

// Exit codes of every command.
const (
	ExitOK      = 0
	ExitFailure = 1
	ExitUsage   = 2
)

// Streams are the three standard streams and the environment of a command.
type Streams struct {
	In      io.Reader
	Out     io.Writer
	Err     io.Writer
	Environ []string // as os.Environ gives it

	Service bool // a service manager started the command, and not a person

	// HoldInterrupts keeps SIGINT from ending the command until release is called;
	// see WithSignals. May be nil.
	HoldInterrupts func() (release func())
}

// usageError is wrong input of the operator: flags, arguments or settings.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// exitError ends a command with a code when all there is to say has been said.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// Main runs one command line (without the program's name) until it ends or ctx
// does, and returns the exit code. Errors are printed on s.Err, one line each.
func Main(ctx context.Context, args []string, s Streams) int {
	a := newApp(s)
	root := newRootCmd(a)
	root.SetArgs(args)
	return a.exitCode(root, root.ExecuteContext(ctx))
}

// exitCode prints what err has to say and maps it to a code.
func (a *app) exitCode(root *cobra.Command, err error) int {
	var usage *usageError
	var exit *exitError
	switch {
	case errors.As(err, &exit):
		return exit.code
	case err == nil, isClosedPipe(err):
		return ExitOK
	case errors.As(err, &usage):
		safe.Fprintf(a.Err, "%s: %s\n", root.Name(), indentLines(err))
		return ExitUsage
	case isCobraUsage(err):
		safe.Fprintf(a.Err, "%s: %s\nRun '%s --help' for usage.\n", root.Name(), indentLines(err), root.Name())
		return ExitUsage
	default:
		safe.Fprintf(a.Err, "%s: %s\n", root.Name(), indentLines(err))
		return ExitFailure
	}
}

// isClosedPipe says that whoever read our output went away. A server that did looks the
// same but for the kind of its error, and is a failure.
func isClosedPipe(err error) bool {
	var file *fs.PathError
	return errors.As(err, &file) && tail.IsClosedPipe(file.Err)
}

// isCobraUsage recognises the errors that cobra makes itself for an unknown
// command; flag and argument errors come wrapped as usageError.
func isCobraUsage(err error) bool {
	return strings.HasPrefix(err.Error(), "unknown command") || strings.HasPrefix(err.Error(), "required flag")
}

// indentLines keeps the lines of joined errors apart from the next message, and the
// control characters of what they quote away from the terminal.
func indentLines(err error) safe.Text {
	return safe.Lines(err.Error(), "  ")
}

// usageArgs is one of cobra's checks with its errors marked as wrong usage.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &usageError{fmt.Errorf("%s: %w; see '%s --help'", cmd.Name(), err, cmd.CommandPath())}
		}
		return nil
	}
}
