//go:build nodemo

package cli

import (
	"errors"

	"github.com/spf13/cobra"
)

// demoBuilt says whether the demo and its embedded servers are in this binary.
const demoBuilt = false

// newDemoCmd is the demo's place in a binary without it. The command stays known, so
// that whoever calls it learns why it does nothing.
func newDemoCmd(*app) *cobra.Command {
	return &cobra.Command{
		Use:                "demo",
		Short:              "Not in this binary: it was built for servers, without embedded etcd and Kafka",
		Hidden:             true,
		DisableFlagParsing: true,
		ValidArgsFunction:  cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("demo: this binary was built without it (-tags nodemo); the archives of a release have it, or 'go run . demo'")
		},
	}
}
