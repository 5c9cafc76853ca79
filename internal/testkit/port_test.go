package testkit

import (
	"net"
	"testing"
	"time"
)

// TestRestartsWaitForTheirPort: a port that somebody else was given meanwhile is waited for.
func TestRestartsWaitForTheirPort(t *testing.T) {
	k, e := Kafka(t, Embedded()), Etcd(t, EmbeddedEtcd())
	for _, c := range []struct {
		name, addr  string
		stop, start func()
	}{
		{"kafka", k.Addr(), k.Stop, func() { k.Start(t) }},
		{"etcd", e.Endpoints()[0], func() { e.Stop(t) }, func() { e.Restart(t) }},
	} {
		c.stop()
		other, err := net.Listen("tcp", c.addr)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		freed := make(chan error, 1)
		time.AfterFunc(200*time.Millisecond, func() { freed <- other.Close() })
		c.start()
		if err := <-freed; err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	k.Create(t, "t", 1)
}
