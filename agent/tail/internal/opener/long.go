package opener

import "strings"

// longest is the length from which a Windows path is given to the system in the form that
// has no limit. Directories have the lower one: 248 with the terminating NUL.
const longest = 247

// Long returns a Windows path in the form \\?\, which may be longer than 260 characters.
// Only absolute paths that are long are changed: the form takes names as they are written.
func Long(path string) string {
	if len(path) < longest {
		return path
	}
	long := strings.ReplaceAll(path, "/", `\`)
	switch {
	case strings.HasPrefix(long, `\\?\`), strings.HasPrefix(long, `\\.\`):
	case strings.HasPrefix(long, `\\`):
		return `\\?\UNC\` + long[2:]
	case len(long) > 2 && long[1] == ':' && long[2] == '\\':
		return `\\?\` + long
	}
	return path
}
