package etcdcfg

import (
	"fmt"
	"slices"
	"strings"
)

// What Windows does not call a file. A path with one of these opens something else than
// its text says, or nothing: Win32 takes dots and spaces off the end of a name, sends the
// names of devices to these, in every directory, and takes what follows a colon for a
// stream of the file. Source: Microsoft, "Naming Files, Paths, and Namespaces".

// deviceNames are those that a digit does not end.
func deviceNames() []string { return []string{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} }

// windowsPath reports what Windows would make of a path that begins with a drive or two
// backslashes.
func (c *checker) windowsPath(p string) {
	rest := strings.ReplaceAll(p, "/", `\`)
	switch {
	case strings.HasPrefix(rest, `\\.\`):
		c.add("path", "name a file", "%q is a device", p)
		return
	case strings.HasPrefix(rest, `\\?\`):
		rest = rest[4:]
	}
	if len(rest) > 1 && rest[1] == ':' {
		rest = rest[2:]
	}
	for name := range strings.SplitSeq(rest, `\`) {
		if message, hint := windowsName(name); message != "" {
			c.add("path", hint, "%s in %q", message, p)
			return
		}
	}
}

// windowsName says what is wrong with one component of a path or glob; "" nothing.
func windowsName(name string) (message, hint string) {
	meta := strings.ContainsAny(name, "*?[{")
	switch {
	case name == "" || name == "." || name == "..":
		return "", ""
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
		return fmt.Sprintf("Windows drops the dot or space at the end of %q", name), "remove it"
	case strings.ContainsRune(name, ':') && !strings.ContainsRune(name, '['):
		return fmt.Sprintf("%q names a stream of a file", name), "write the file's name without the colon and what follows"
	case strings.ContainsAny(name, `<>"|`):
		return fmt.Sprintf(`%q has one of < > " |, which no name on Windows has`, name), "remove it"
	case !meta && isDevice(name):
		return fmt.Sprintf("%q is a device on Windows, with any extension and in any directory", name), "give the file another name"
	}
	return "", ""
}

// isDevice tells whether Win32 takes a name for that of a device.
func isDevice(name string) bool {
	base, _, _ := strings.Cut(name, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	if slices.Contains(deviceNames(), base) {
		return true
	}
	port, ok := strings.CutPrefix(base, "COM")
	if !ok {
		port, ok = strings.CutPrefix(base, "LPT")
	}
	return ok && slices.Contains([]string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³"}, port)
}
