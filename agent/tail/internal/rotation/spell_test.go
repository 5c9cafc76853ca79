package rotation_test

import (
	"testing"

	"logctl/agent/tail/internal/rotation"
)

func TestSpelled(t *testing.T) {
	for _, c := range []struct{ base, name, want, text string }{
		{"s4.log", "S4.LOG.1", "s4.log.1", ".1"},
		{"s4.log", "S4.LOG", "s4.log", ""},
		{"App.Log", "app.log.OLD", "App.Log.OLD", ".OLD"},
		{"app.log", "APP-2026-01-31T18-29-40.123.LOG", "app-2026-01-31T18-29-40.123.log", "-2026-01-31T18-29-40.123"},
		{"app.log", "APP.3.LOG.GZ", "app.3.log.GZ", ".3"},
		{"App_rCURRENT.log", "APP_R00001.LOG", "App_r00001.log", "_r00001"},
		{"Ärger.log", "äRGER.LOG.2", "Ärger.log.2", ".2"},
		{"app.log", "web.log.1", "web.log.1", ""},
		{"web1.log", "WEB12.LOG", "web12.log", ""},
		{"a\xff.log", "A\xff.LOG.1", "a\xff.LOG.1", ""}, // what is no text is compared as it is
		{"", "a", "a", ""},
	} {
		got := rotation.Spelled(c.base, c.name)
		tag, ok := rotation.Of(c.base, got)
		if got != c.want || tag.Text != c.text || ok != (c.text != "") {
			t.Errorf("%s beside %s: %q with the tag %q, want %q with %q", c.name, c.base, got, tag.Text, c.want, c.text)
		}
	}
}
