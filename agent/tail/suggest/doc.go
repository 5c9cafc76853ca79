// Package suggest looks at a directory of logs and says which of its files are
// generations of one log, how their writer names them, and which collect entry
// follows that log.
//
// It uses the same grammar as the follower (agent/tail/internal/rotation) and the
// same rule for names that prove nothing: files whose lives overlap, from creation
// to last change, were written side by side and are two logs. It reads the first
// bytes of files whose names say nothing else, and changes nothing. Look may be
// called from any goroutine.
package suggest
