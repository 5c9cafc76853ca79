package cli

import "github.com/spf13/cobra"

// addCommands hangs every command under the root.
func addCommands(root *cobra.Command, a *app) {
	root.AddCommand(
		newAgentCmd(a),
		newTUICmd(a),
		newTailTopicCmd(a),
		newEntriesCmd(a),
		newStatusCmd(a),
		newAgentsCmd(a),
		newPositionsCmd(a),
		newVerifyCmd(a),
		newDoctorCmd(a),
		newDemoCmd(a),
		newServiceCmd(a),
		newVersionCmd(a),
	)
}
