package agent

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"logctl/agent/ship"
)

func TestHeadersTellTheAddressOfALine(t *testing.T) {
	labels := map[string]string{"env": "prod"}
	for name, c := range map[string]struct {
		names    []string
		complete bool
		want     []string
	}{
		"none":      {nil, false, []string{"env=prod"}},
		"some":      {[]string{"host", "path", "pos"}, false, []string{"host=web-07", "path=/日 志.log", "env=prod", "pos"}},
		"the usual": {[]string{"host", "path", "file", "pos"}, true, []string{"host=web-07", "path=/日 志.log", "file=1-2", "env=prod", "pos"}},
		"OpenTelemetry": {[]string{"otel"}, true, []string{
			"log.file.path=/日 志.log", "host.name=web-07", "env=prod", "log.file.record_offset=<pos>", "log.record.uid=web-07/1-2/<pos>"}},
		"CloudEvents": {[]string{"cloudevents"}, true, []string{
			"ce_specversion=1.0", "ce_type=logctl.line", "ce_source=file://web-07/%E6%97%A5%20%E5%BF%97.log", "env=prod", "ce_time=2026-11-30T01:02:03Z", "ce_id=web-07/1-2/<pos>"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := address{names: c.names, host: "web-07"}
			if a.complete() != c.complete {
				t.Errorf("complete: %v", a.complete())
			}
			h := a.of("/日 志.log", "1-2", labels, []string{"env"})
			b := ship.Bundle{Time: time.Date(2026, 11, 30, 1, 2, 3, 0, time.UTC)}
			h.onto(&b)
			h.stamped(&b)
			var got []string
			for _, f := range b.Headers {
				got = append(got, fmt.Sprintf("%s=%s", f.Key, f.Value))
			}
			for _, f := range b.Places {
				got = append(got, fmt.Sprintf("%s=%s<pos>", f.Key, f.Value))
			}
			if b.PosHeader {
				got = append(got, "pos")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
