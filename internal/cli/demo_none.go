//go:build nodemo

package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// A binary for hosts is built without the demo and its embedded servers, and, unless the
// tag console is set, without the console and the decoders that need libraries.

// demoBuilt says whether the demo and its embedded servers are in this binary.
const demoBuilt = false

// demoLine is what 'logctl --help' says first of the demo.
const demoLine = ""

func newDemoCmd(*app) *cobra.Command {
	return absent("demo", "without embedded etcd and Kafka")
}

// absent is the place of a command that this binary has not. The command stays known, so
// that whoever calls it learns which binary has it.
func absent(name, without string) *cobra.Command {
	return &cobra.Command{
		Use:                name,
		Short:              "Not in this binary: it was built for hosts, " + without,
		Hidden:             true,
		DisableFlagParsing: true,
		ValidArgsFunction:  cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			return fmt.Errorf("%s: this binary was built for hosts, %s (-tags nodemo); the archives of a release have it", name, without)
		},
	}
}
