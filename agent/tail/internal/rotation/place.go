package rotation

import (
	"regexp"
	"strings"
)

// archives are names of directories that old generations are moved to.
var archives = []string{"archive", "archives", "archived", "backup", "backups", "history", "old", "old_logs", "oldlogs", "olddir", "rotated"}

// IsArchive tells whether a directory of that name may hold old generations of
// logs beside it: a word for it, or a date (2026-01, 20260131).
func IsArchive(dir string) bool {
	if dir == "" || len(dir) > 10 {
		return false
	}
	if isDigit(dir[0]) {
		return dateDir.MatchString(dir)
	}
	for _, w := range archives {
		if strings.EqualFold(dir, w) {
			return true
		}
	}
	return false
}

// dateDir is a year, a month or a day, with the year first, or a month or a day
// below a year.
var dateDir = regexp.MustCompile(`^(?:(?:19|20)\d\d(?:[-_.]?[01]\d(?:[-_.]?[0-3]\d)?)?|[0-3]\d)$`)

// In returns the tag of a file called name in an archive directory of the log
// called base. The full name itself may stand there.
func In(base, name string) (Tag, bool) {
	if plain, packed := Unpacked(name); plain == base {
		return Tag{Place: Same, Packed: packed}, true
	}
	return Of(base, name)
}

// date is a calendar date with the year first or last, perhaps with a time, and
// perhaps with a small number, as log4j2, logback, PostgreSQL, Tomcat and
// tracing-appender write them into the names of files that are never renamed.
var date = regexp.MustCompile(
	`(?:(?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2])(?:[-_.]?(?:0[1-9]|[12]\d|3[01]))?|(?:0[1-9]|[12]\d|3[01])[-_.](?:0[1-9]|[12]\d|3[01])[-_.](?:19|20)\d\d)` +
		`(?:[T_.-]?(?:[01]\d|2[0-3])(?:[-_.:]?[0-5]\d(?:[-_.:]?[0-5]\d(?:[.,]\d{1,9})?)?)?)?Z?`)

// Dated returns the name that the files of a log have in common whose names hold a
// date, or the seconds since 1970: app-*.log for app-2026-01-31.log and
// app-2026-01-31-2.log, app.log.* for app.log.1769817600. tag orders them.
// ok is false when there is no date in the name, or nothing but a date.
func Dated(name string) (family string, tag Tag, ok bool) {
	name, packed := Unpacked(name)
	for from := 0; from < len(name); {
		at := date.FindStringIndex(name[from:])
		if at == nil {
			break
		}
		i, j := from+at[0], from+at[1]
		if i > 0 && isDigit(name[i-1]) || j < len(name) && isDigit(name[j]) {
			from = i + 1
			continue
		}
		j += index(name[j:])
		family = name[:i] + "*" + name[j:]
		if strings.Trim(family, "*.-_") == "" {
			return "", Tag{}, false
		}
		return family, Tag{Place: Learned, Text: name[i:j], Packed: packed}, true
	}
	for _, r := range runs(name) {
		family = name[:r[0]] + "*" + name[r[1]:]
		if seconds.MatchString(name[r[0]:r[1]]) && strings.Trim(family, "*.-_") != "" {
			return family, Tag{Place: Learned, Text: name[r[0]:r[1]], Packed: packed}, true
		}
	}
	return "", Tag{}, false
}

// seconds is a time since 1970 from 2014 to 2036, as rotatelogs puts it behind a name.
var seconds = regexp.MustCompile(`^(?:1[4-9]|20)\d{8}$`)

// index returns the length of the small number that rest begins with, as in -2.log:
// what follows is an extension, or nothing.
func index(rest string) int {
	if rest == "" || strings.IndexByte(".-_", rest[0]) < 0 {
		return 0
	}
	n := digitsAt(rest[1:])
	if n == 0 || n > 5 || len(rest) > 1+n && rest[1+n] != '.' {
		return 0
	}
	return 1 + n
}
