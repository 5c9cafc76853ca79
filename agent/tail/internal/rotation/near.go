package rotation

import (
	"path/filepath"
	"strconv"
	"strings"
)

// counterMost is how many digits a number may have that counts files; longer ones are
// dates, times and identifiers.
const counterMost = 5

// Neighbours returns the names that a program that numbers its files and never renames
// them may have written right before or after name: one of its numbers is one less
// or one more (app.2.log: app.1.log, app.3.log), with as many digits or as few as it
// takes. The first file may have no number: app.log and app1.log, app.1.log, app-1.log
// and app_1.log, and the same with 0. The result has at most 4 names for each number
// in name, and 10 besides.
func Neighbours(name string) []string {
	var near []string
	for _, r := range runs(name) {
		digits := name[r[0]:r[1]]
		if len(digits) > counterMost {
			continue
		}
		n, err := strconv.Atoi(digits)
		if err != nil {
			continue
		}
		for _, m := range []int{n - 1, n + 1} {
			if m < 0 {
				continue
			}
			text := strconv.Itoa(m)
			if wide := strings.Repeat("0", max(0, len(digits)-len(text))) + text; wide != text {
				near = append(near, name[:r[0]]+wide+name[r[1]:])
			}
			near = append(near, name[:r[0]]+text+name[r[1]:])
		}
		if n <= 1 && r[0] > 0 {
			near = append(near, strings.TrimRight(name[:r[0]], ".-_")+name[r[1]:])
		}
	}
	ext := filepath.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	if stem == "" || isDigit(stem[len(stem)-1]) {
		return near
	}
	for _, sep := range []string{"", ".", "-", "_"} {
		near = append(near, stem+sep+"0"+ext, stem+sep+"1"+ext)
	}
	return near
}
