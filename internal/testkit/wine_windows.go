package testkit

import (
	"errors"
	"testing"

	"golang.org/x/sys/windows"
)

// wine tells whether this is Wine and no Windows: only Wine's ntdll has such a function.
func wine() bool {
	return windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
}

// SkipRefused skips a test when the error is Windows' answer to a program that wants the
// name of a file which another one holds open: it has to wait and to try again. What the
// agent does so that such a program need not wait long has tests of its own.
func SkipRefused(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) || errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
		t.Skipf("Windows keeps the name of a file that is held open: %v", err)
	}
}
