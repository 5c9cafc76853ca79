//go:build unix

package e2e

import (
	"strings"

	"logctl/internal/testkit"
)

type badList struct {
	name string
	run  func(w *world)
}

// badLists are lists that cannot be applied, with what must be said about them.
func badLists() []badList {
	var out []badList
	for name, c := range map[string]struct {
		list string
		want []string
	}{
		"the one of the lesson": {"[\n  {\"path\": \"D:/ok.log\", \"topic\": \"a\",},\n  {\"path\": \"D:\\programs\\kafka\\nginx.log\", \"topic\": \"web_log\"},\n]",
			[]string{"line 2, column 37", "trailing comma", "line 3", "a Windows path needs"}},
		"cut short":             {`[{"path": "/a", "topic": "t"`, []string{"line 1"}},
		"of a wrong type":       {`[{"path": 7, "topic": "t"}]`, []string{"line 1", "path"}},
		"not a list":            {`{"path": "/a"}`, []string{"line 1"}},
		"empty":                 {"", []string{"empty"}},
		"with an empty path":    {"[\n{\"path\": \"\", \"topic\": \"t\"}]", []string{"line 2", "path"}},
		"with a relative path":  {"[\n{\"path\": \"logs/app.log\", \"topic\": \"t\"}]", []string{"line 2", "absolute"}},
		"with an illegal topic": {"[\n{\"path\": \"/a\", \"topic\": \"no spaces\"}]", []string{"line 2", "topic"}},
		"with a bad pattern":    {"[\n{\"path\": \"/a\", \"topic\": \"t\", \"include_lines\": [\"(\"]}]", []string{"line 2", "include_lines"}},
	} {
		out = append(out, badList{name, func(w *world) {
			l := newLedger()
			a := w.writer(l, "app.log")
			topic, agent := w.follow(a.path)
			a.lines(10)
			w.awaitLanded(10, topic)
			w.putRaw(c.list)
			var said string
			testkit.Eventually(w.t, "the presence tells of the bad list", func() bool {
				p, _ := w.presence()
				said = p.ListError
				return said != ""
			})
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					w.t.Errorf("the presence says %q, want it to name %q", said, want)
				}
				if !strings.Contains(agent.err.String(), want) {
					w.t.Errorf("the log does not say %q", want)
				}
			}
			a.lines(10)
			w.awaitLanded(20, topic)
			agent.stop()
			agent = w.startAgent(quickScan) // with the bad list in etcd: from the cached one
			a.lines(10)
			w.awaitLanded(30, topic)
			w.put(collect(a.path, topic))
			testkit.Eventually(w.t, "the presence is well again", func() bool { p, ok := w.presence(); return ok && p.ListError == "" })
			w.clean(newCounter(l), topic)
			agent.stop()
		}})
	}
	return out
}
