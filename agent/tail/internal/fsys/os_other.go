//go:build !linux

package fsys

import "os"

// SeekData is not available here: leading holes are read as the NULs they are.
func SeekData(*os.File, int64) (int64, bool) { return 0, false }

// Birth is not known here.
func Birth(*os.File) int64 { return 0 }

// NameOf cannot be told here.
func NameOf(*os.File) (name string, ok bool) { return "", false }

func BirthPath(string) int64 { return 0 }
