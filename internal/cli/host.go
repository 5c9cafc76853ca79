//go:build nodemo

package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// A binary for hosts has what a host needs: agent, status, doctor, verify, positions,
// entries, agents, service and tail-topic. Demo and console are for the machines of people.

// demoBuilt says whether the demo and its embedded servers are in this binary.
const demoBuilt = false

// overview are the commands that 'logctl --help' begins with.
const overview = `  logctl agent              the daemon: tails files, ships lines, remembers positions
  logctl status             what all agents do, and what is wrong
  logctl doctor             what stands in the way of this host's agent
  logctl tail-topic TOPIC   prints a topic's records from all partitions

This binary is for hosts: the console and the demo are in that of a release's archives.
`

func newDemoCmd(*app) *cobra.Command {
	return absent("demo", "without embedded etcd and Kafka")
}

func newTUICmd(*app) *cobra.Command {
	return absent("tui", "without the console")
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
