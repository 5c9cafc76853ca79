//go:build nodemo && !console

package decode

import (
	"strings"
	"testing"
)

// A binary for hosts says of decoders that it has not which one has them.
func TestHostSaysWhatItHasNot(t *testing.T) {
	for _, name := range []string{"msgpack", "protobuf"} {
		if _, err := New(t.Context(), name, Schemas{}, Bounds{}); err == nil || !strings.Contains(err.Error(), "the archives of a release have it") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if names := strings.Join(Names(), " "); strings.Contains(names, "msgpack") || strings.Contains(names, "protobuf") {
		t.Errorf("it offers %s", names)
	}
	for _, name := range []string{"json", "hex", "base64", "gzip"} {
		if _, err := New(t.Context(), name, Schemas{}, Bounds{}); err != nil {
			t.Error(err)
		}
	}
}
