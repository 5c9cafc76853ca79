package transform

import (
	"runtime"
	"testing"

	"logctl/internal/testkit"
)

// Entries with the same expressions share what was compiled, and what nobody uses goes.
func TestExpressionsAreShared(t *testing.T) {
	x := &Expressions{}
	spec := Spec{Join: Join{Start: "^a+"}, Include: []string{"^a+", "b"}, Exclude: []string{"b"}}
	one, err1 := x.Compile(spec)
	two, err2 := x.Compile(spec)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if one.include[0] != two.include[0] || two.include[1] != one.exclude[0] || len(x.known) != 2 {
		t.Errorf("not shared: %v", x.known)
	}
	if _, err := x.Compile(Spec{Join: Join{Start: "("}}); err == nil {
		t.Error("a bad expression was compiled")
	}
	runtime.KeepAlive(one)
	runtime.KeepAlive(two)
	testkit.Eventually(t, "unused expressions are forgotten", func() bool {
		runtime.GC()
		x.mu.Lock()
		defer x.mu.Unlock()
		return len(x.known) == 0
	})
}
