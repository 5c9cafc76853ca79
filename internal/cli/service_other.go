//go:build !windows

package cli

import "context"

func newServiceManager() (serviceManager, error) { return nil, &usageError{errNoServices} }

func runService(context.Context, string, func(context.Context, Streams) int, Streams) error {
	return &usageError{errNoServices}
}
