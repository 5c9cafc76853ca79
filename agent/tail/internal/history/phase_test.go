package history

import "testing"

func TestPhases(t *testing.T) {
	for _, c := range []struct {
		from Phase
		e    Event
		to   Phase
	}{
		{Awaited, Drained, Passed},
		{Awaited, Grew, Awaited}, // it is read anyway
		{Awaited, Returned, Awaited},
		{Passed, Drained, Passed},
		{Passed, Grew, Late},
		{Passed, Returned, Awaited},
		{Late, Drained, Passed},
		{Late, Grew, Late},
		{Late, Returned, Awaited},
	} {
		if got := c.from.Next(c.e); got != c.to {
			t.Errorf("phase %d after event %d: %d, want %d", c.from, c.e, got, c.to)
		}
	}
}
