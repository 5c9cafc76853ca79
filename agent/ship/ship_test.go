package ship

import (
	"fmt"
	"testing"

	"logctl/internal/testkit"
)

func TestShip(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(codec, func(t *testing.T) {
			r := start(t, testkit.Kafka(t), func(c *Config) { c.Compression = codec })
			topic := r.k.Topic(t, 3)
			want := map[string]int{}
			for round := range 20 {
				for f := range 10 {
					key := fmt.Sprintf("file%d", f)
					r.send(r.bundle(topic, key, numbered(key, round*100, round*100+100)...))
					want[key] += 100
				}
			}
			r.drain()
			r.check(topic, want)
			if got := r.acked.Load(); got != 20000 {
				t.Errorf("acknowledged %d of 20000 spans", got)
			}
			t.Logf("%+v", r.Stats())
		})
	}
}
