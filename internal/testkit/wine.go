package testkit

import "testing"

// NotUnderWine skips a test that Windows passes and Wine cannot, and says why. Each reason
// was seen with Wine 8 without any of our code, or stands in its source.
func NotUnderWine(t testing.TB, why string) {
	t.Helper()
	if wine() {
		t.Skip("not under Wine: " + why)
	}
}

// What Wine 8 does otherwise than Windows, as reasons for NotUnderWine.
const (
	// A program that only calls ReadDirectoryChangesW, in a loop, missed the rename of a file
	// in 1 of 80 runs. The agent finds what it is not told of by its next scan.
	WineLosesChanges = "its ReadDirectoryChangesW loses changes now and then"
	// FILE_STANDARD_INFO says DeletePending = FALSE of a file that is deleted and held, and
	// a new file of its name goes with it.
	WineHidesDeletion = "it does not say that a file which is held was deleted"
	// MoveFileEx of a symbolic link to a file that is not there answers that there is none.
	WineMovesNoLinks = "it does not rename a symbolic link that leads nowhere"
	// Each open, stat and close is a message to its server: a hundred times the cost.
	WineIsSlow = "so many calls for files take minutes there"
)
