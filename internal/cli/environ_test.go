package cli

import "testing"

// TestLookEnv: on Windows the case of a variable's name does not matter.
func TestLookEnv(t *testing.T) {
	env := []string{"HOME=/first", "LOCALAPPDATA=C:\\Users\\u", "HOME=/last", "odd"}
	for _, c := range []struct {
		name string
		fold bool
		want string
	}{
		{"HOME", false, "/last"}, {"home", false, ""}, {"LocalAppData", false, ""},
		{"LocalAppData", true, `C:\Users\u`}, {"odd", true, ""},
	} {
		if got := lookEnv(env, c.name, c.fold); got != c.want {
			t.Errorf("%s, fold %v: %q, want %q", c.name, c.fold, got, c.want)
		}
	}
}
