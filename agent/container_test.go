package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"logctl/agent/ship"
	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

func TestContainerOf(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for path, want := range map[string]string{
		"/var/log/pods/shop_web-7d9f_0b6c-11/app/3.log":             "k8s.namespace.name=shop k8s.pod.name=web-7d9f k8s.pod.uid=0b6c-11 k8s.container.name=app k8s.container.restart_count=3",
		"/var/log/containers/web-7d9f_shop_app-x-" + id + ".log":    "k8s.namespace.name=shop k8s.pod.name=web-7d9f k8s.container.name=app-x container.id=" + id,
		"/var/lib/docker/containers/" + id + "/" + id + "-json.log": "container.id=" + id,
		`C:\var\log\pods\a_b_c\d\0.log`:                             "k8s.namespace.name=a k8s.pod.name=b k8s.pod.uid=c k8s.container.name=d k8s.container.restart_count=0",
		"/var/log/pods/shop_web/app/3.log":                          "",
		"/var/log/pods/shop_web_1/app/current.log":                  "",
		"/var/log/containers/app.log":                               "",
		"/var/log/containers/a_b_c-short.log":                       "",
		"/var/lib/docker/containers/x/" + id + "-json.log":          "",
		"/var/log/nginx/access.log":                                 "",
		"/pods/__/x/0.log":                                          "",
	} {
		var got []string
		for _, kv := range containerOf(path) {
			got = append(got, kv[0]+"="+kv[1])
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s:\n%s", path, diff)
		}
	}
}

// TestContainerLines ships lines of a runtime: text without the envelope, in whole, with
// stream, time and what the path says; a label of the entry wins.
func TestContainerLines(t *testing.T) {
	b := newBench(t)
	e := b.entry("pods/shop_web_u1/app/0.log", "t1")
	e.Format = etcdcfg.FormatCRI
	e.Labels = map[string]string{"k8s.pod.name": "mine"}
	if err := os.MkdirAll(filepath.Dir(e.Path), 0o700); err != nil {
		t.Fatal(err)
	}
	b.apply([]etcdcfg.Entry{e}, 1)
	b.write("pods/shop_web_u1/app/0.log", strings.Join([]string{
		"2026-11-30T06:54:20.5Z stdout F one", "2026-11-30T06:54:21Z stderr P two", "2026-11-30T06:54:22Z stdout F three", "2026-11-30T06:54:23Z stderr F  and a half", "odd\n",
	}, "\n"))
	b.expect("t1", "one", "two and a half", "three", "odd")
	b.send.mu.Lock()
	got := b.send.own["t1"]
	b.send.mu.Unlock()
	want := []string{"500 stdout app mine", "1000 stderr app mine", "2000 stdout app mine"}
	if diff := cmp.Diff(want, got[:3]); diff != "" {
		t.Error(diff)
	}
	testkit.Eventually(t, "all is acknowledged, and the odd line is counted", func() bool {
		_, tasks, _ := b.list()
		return tasks[0].counters.ackedLines.Load() == 5 && tasks[0].status(time.Now()).Rules.Unparsed == 1
	})
}

// ownOf is the time of a span, in milliseconds behind a moment, and some of its headers.
func ownOf(b *ship.Bundle, s ship.Span) string {
	var m ship.Mark
	if s.Mark > 0 {
		m = b.Marks[s.Mark-1]
	}
	headers := b.Headers
	if m.Set > 0 {
		headers = append(headers[:len(headers):len(headers)], b.Sets[m.Set-1]...)
	}
	of := map[string]string{}
	for _, h := range headers {
		of[string(h.Key)] = string(h.Value)
	}
	return fmt.Sprint(m.Time-1796021660000, " ", of[headerStream], " ", of["k8s.container.name"], " ", of["k8s.pod.name"])
}
