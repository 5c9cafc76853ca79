package spell

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"nginx_log", "nginx_error", "app_log", "Orders", "orders-v2", "trade"}
	tests := []struct {
		name string
		want []string
	}{
		{"nginx_lgo", []string{"nginx_log"}},
		{"orders", []string{"Orders", "orders-v2"}},
		{"nginx", []string{"nginx_error", "nginx_log"}},
		{"log", []string{"app_log", "nginx_log"}},
		{"completely-else", []string{}},
		{"", []string{}},
		{"TRADE", []string{"trade"}},
		{"traed", []string{"trade"}}, // neighbours swapped are one mistake
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, Nearest(tt.name, names, 3)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}
