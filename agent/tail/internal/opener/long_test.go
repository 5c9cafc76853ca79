package opener

import (
	"strings"
	"testing"
)

func TestLongPaths(t *testing.T) {
	deep := strings.Repeat(`\directory`, 30)
	for path, want := range map[string]string{
		`C:\logs\a.log`:                 `C:\logs\a.log`,
		`C:` + deep + `\a.log`:          `\\?\C:` + deep + `\a.log`,
		`c:/logs` + deep + `/a.log`:     `\\?\c:\logs` + deep + `\a.log`,
		`\\host\share` + deep:           `\\?\UNC\host\share` + deep,
		`//host/share` + deep:           `\\?\UNC\host\share` + deep,
		`\\?\C:` + deep:                 `\\?\C:` + deep,
		`\\.\pipe` + deep:               `\\.\pipe` + deep,
		`logs` + deep:                   `logs` + deep,
		"/" + strings.Repeat("d/", 200): "/" + strings.Repeat("d/", 200),
	} {
		if got := Long(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
