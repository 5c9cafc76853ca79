package decode

import (
	"net"
	"strings"
	"testing"
	"time"
)

// A registry that takes connections and never answers costs its patience once in a
// while, not once for every schema.
func TestSilentRegistryIsLeftAlone(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	r, err := newRegistry(Schemas{Registry: "http://" + l.Addr().String()}, Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	r.client.Timeout = 200 * time.Millisecond
	began := time.Now()
	for id := range 50 {
		if _, err := r.schema(t.Context(), schemaRef{kind: confluentID, id: uint64(id)}); err == nil || !strings.Contains(err.Error(), "the registry cannot be asked") {
			t.Fatalf("schema %d: %v", id, err)
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("50 schemas took %v", took)
	}
	r.until = time.Now() // the while is over
	if _, err := r.schema(t.Context(), schemaRef{kind: confluentID, id: 1}); err == nil || !r.until.After(time.Now()) {
		t.Errorf("it is not asked again: %v", err)
	}
}
