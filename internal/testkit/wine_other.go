//go:build !windows

package testkit

import "testing"

func wine() bool { return false }

// SkipRefused skips a test when the error is one that only Windows has: see there.
func SkipRefused(testing.TB, error) {}
