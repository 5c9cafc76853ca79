package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// Describe returns the tree of commands to be read by who writes manuals. Running a
// command of the tree prints nothing and has no environment.
func Describe() *cobra.Command {
	root := newRootCmd(newApp(Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}))
	root.DisableAutoGenTag = true
	return root
}
