//go:build !linux

package cli

// limits of other systems are not looked at.
func limits() []limit { return nil }

func diskFree(string) (int64, bool) { return 0, false }
