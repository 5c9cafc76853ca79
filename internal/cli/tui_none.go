//go:build nodemo && !console

package cli

import "github.com/spf13/cobra"

// consoleLine is what 'logctl --help' says first of the console.
const consoleLine = `  logctl status             what all agents do, and what is wrong
  logctl doctor             what stands in the way of this host's agent
`

func newTUICmd(*app) *cobra.Command {
	return absent("tui", "without the console")
}
