package safe

import "testing"

// What an older and a newer Go say of the same field is the same.
func TestFieldsOfLists(t *testing.T) {
	for path, want := range map[string]string{"tasks.lines": "tasks.lines", "tasks.0.lines": "tasks.lines", "tasks.12.top_files.3.size": "tasks.top_files.size", "pid": "pid", "": ""} {
		if got := Field(path); got != want {
			t.Errorf("%q became %q, want %q", path, got, want)
		}
	}
}
