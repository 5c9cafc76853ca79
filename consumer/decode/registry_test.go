package decode

import (
	"net"
	"strings"
	"sync/atomic"
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
	var asked atomic.Int64
	var held []net.Conn
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			held = append(held, c)
			asked.Add(1)
		}
	}()
	defer func() {
		_ = l.Close()
		<-ended
		for _, c := range held {
			_ = c.Close()
		}
	}()
	r, err := newRegistry(Schemas{Registry: "http://" + l.Addr().String()}, Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	r.client.Timeout = 200 * time.Millisecond
	for id := range 50 {
		if _, err := r.schema(t.Context(), schemaRef{kind: confluentID, id: uint64(id)}); err == nil || !strings.Contains(err.Error(), "the registry cannot be asked") {
			t.Fatalf("schema %d: %v", id, err)
		}
	}
	if asked.Load() > 3 {
		t.Errorf("asked %d times for 50 schemas", asked.Load())
	}
	r.until = time.Now() // the while is over
	if _, err := r.schema(t.Context(), schemaRef{kind: confluentID, id: 1}); err == nil || !r.until.After(time.Now()) {
		t.Errorf("it is not asked again: %v", err)
	}
}
