//go:build !windows

package cli

import "context"

func newServiceManager() (serviceManager, error) { return nil, &usageError{errNoServices} }

func runService(context.Context, string, func(context.Context, Streams) int, Streams) error {
	return &usageError{errNoServices}
}

// consoleDrain is how long the agent in a terminal waits for acknowledgements when it ends;
// 0: as usual. Nothing ends it meanwhile.
const consoleDrain = 0
