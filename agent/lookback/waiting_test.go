package lookback

import (
	"errors"
	"io"
	"strings"
	"testing"

	"logctl/agent/ship"
	"logctl/internal/kafka"
)

// TestWhyNamesWait: a coordinator that announces an address where it cannot be reached is
// named, and everything else that a retry may heal is waited for in one word.
func TestWhyNamesWait(t *testing.T) {
	announced := &kafka.AnnouncedError{ID: 1, Address: "kafka-1.internal:9092", Err: io.EOF}
	for _, tt := range []struct {
		phase Phase
		delay error
		want  string
	}{
		{Claiming, nil, "has not answered"},
		{Claiming, io.EOF, "has not answered"},
		{Claiming, announced, "advertised.listeners"},
		{Fencing, announced, "last run"},
	} {
		err := waiting(tt.phase, tt.delay)
		if !errors.Is(err, ship.ErrWait) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, %v: %v, want %q", tt.phase, tt.delay, err, tt.want)
		}
	}
}
