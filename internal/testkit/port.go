package testkit

import (
	"errors"
	"syscall"
	"testing"
)

// onItsPort starts a server again on the port it had: while nobody listened there, a
// connection of another process may have been given it, which is waited for.
func onItsPort(t testing.TB, start func() error) error {
	t.Helper()
	var err error
	Eventually(t, "the port of a stopped server is free", func() bool {
		err = start()
		return !errors.Is(err, syscall.EADDRINUSE)
	})
	return err
}
