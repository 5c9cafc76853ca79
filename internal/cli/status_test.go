package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"logctl/agent/report"
	"logctl/agent/state"
	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// fleet is agents that exist on paper: presences and reports.
type fleet struct {
	*bench
	t     *testing.T
	etcd  *testkit.EtcdServer
	kafka *testkit.KafkaServer
	key   string
	topic string
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	b, server, key := newBench(t)
	f := &fleet{bench: b, t: t, etcd: server, kafka: testkit.Kafka(t), key: key}
	f.topic = f.kafka.Topic(t, 1)
	b.args = append(b.args, "--kafka", strings.Join(f.kafka.Addrs(), ","))
	b.env = append(b.env, "LOGCTL_AGENT_REPORT_TOPIC="+f.topic)
	return f
}

func (f *fleet) announce(p etcdcfg.Presence) {
	f.t.Helper()
	p.CollectKey, p.Version, p.Host, p.Kafka = f.key, "v1", "host-"+p.ID, "ok"
	text, err := json.Marshal(p)
	if err != nil {
		f.t.Fatal(err)
	}
	c := f.etcd.Client(f.t)
	if _, err := c.Put(f.t.Context(), etcdcfg.AgentsPrefix+p.ID, string(text)); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _, _ = c.Delete(context.Background(), etcdcfg.AgentsPrefix+p.ID) })
}

func (f *fleet) publish(reports ...report.Report) {
	f.t.Helper()
	cfg, err := f.kafka.Config().Sarama()
	if err != nil {
		f.t.Fatal(err)
	}
	cfg.Producer.Return.Successes = true
	p, err := sarama.NewSyncProducer(f.kafka.Addrs(), cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	for _, r := range reports {
		text, err := json.Marshal(r)
		if err != nil {
			f.t.Fatal(err)
		}
		if _, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: f.topic, Key: sarama.StringEncoder(r.Agent), Value: sarama.ByteEncoder(text)}); err != nil {
			f.t.Fatal(err)
		}
	}
}

// status runs the command with JSON output.
func (f *fleet) status(code int, args ...string) statusReport {
	f.t.Helper()
	r := f.run(f.t, "", append([]string{"status", "-o", "json"}, args...)...)
	var s statusReport
	if err := json.Unmarshal([]byte(r.out), &s); err != nil || r.code != code || r.err != "" {
		f.t.Fatalf("exit %d, want %d; %v\n%s%s", r.code, code, err, r.out, r.err)
	}
	return s
}

func (s statusReport) texts() string {
	var lines []string
	for _, p := range s.Problems {
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

func TestStatusOfAHealthyFleetAndItsTroubles(t *testing.T) {
	f := newFleet(t)
	s := f.status(ExitOK)
	if !s.Healthy || s.Revision != 0 || len(s.Agents) != 0 {
		t.Fatalf("nothing configured: %+v", s)
	}
	f.ok(t, "entries", "add", "/var/log/a.log", "alpha")
	f.ok(t, "entries", "add", "/var/log/b.log", "beta", "--paused")
	if s := f.status(ExitFailure); s.texts() != fmt.Sprintf("no agent is on duty for %q: start one with 'logctl agent'", f.key) {
		t.Fatal(s.texts())
	}

	now := time.Now().UTC().Truncate(time.Millisecond)
	started := now.Add(-time.Hour)
	revision := f.status(ExitFailure).Revision
	one, two := f.key+"-1", f.key+"-2"
	shipping := []etcdcfg.TaskState{{Path: "/var/log/a.log", Topic: "alpha", State: string(state.Shipping)}}
	f.announce(etcdcfg.Presence{ID: one, Started: started, Revision: revision, Tasks: shipping})
	task := func(lines uint64) report.Task {
		return report.Task{Path: "/var/log/a.log", Topic: "alpha", State: state.Shipping, AckedLines: lines, AckedBytes: lines * 100, LagBytes: 2048, OldestUnackedMS: 150}
	}
	of := func(agent string, at time.Time, tasks ...report.Task) report.Report {
		return report.Report{Agent: agent, At: at, StartedAt: started, Revision: revision, Kafka: "ok", Tasks: tasks}
	}
	f.publish(
		report.Report{Agent: one, At: now.Add(-20 * time.Second), StartedAt: started.Add(-time.Hour), Tasks: []report.Task{task(9e9)}}, // before a restart
		of(one, now.Add(-15*time.Second)), of(one, now.Add(-12*time.Second), task(7000)), // before the entry was removed and added again
		of(one, now.Add(-10*time.Second), task(1000)), of(one, now.Add(-5*time.Second), task(1100)), of(one, now, task(2000)),
		of("gone", now, task(5)),
	)
	s = f.status(ExitOK)
	want := rates{LinesPerSecond: 100, BytesPerSecond: 10000, LagBytes: 2048, DelayMS: 150}
	if len(s.Agents) != 1 || s.Agents[0].Rates == nil || *s.Agents[0].Rates != want || !*s.Agents[0].OnDuty || len(s.Entries) != 2 || *s.Entries[0].Rates != want {
		t.Fatalf("%+v", s)
	}
	text := f.ok(t, "status")
	for _, part := range []string{
		f.key + "  revision ", "2 entries  1 agent  etcd ok  kafka ok\n", "PATH            TOPIC  AGENTS  STATE     LINES/S  BYTES/S  LAG      OLDEST\n",
		"/var/log/a.log  alpha  1       shipping  100      9.8 KiB  2.0 KiB  150ms\n", "/var/log/b.log  beta   0       paused    -        -        -        -\n",
		"\nall is well\n",
	} {
		if !strings.Contains(text, part) {
			t.Fatalf("%q is not in\n%s", part, text)
		}
	}
	if got := f.status(ExitFailure, "--max-lag", "1KiB", "--max-delay", "100ms").texts(); got != one+": /var/log/a.log -> alpha: the oldest line waits for 150ms\n"+one+": /var/log/a.log -> alpha: behind by 2.0 KiB" {
		t.Fatal(got)
	}

	// Bytes that were gone are no state, and told all the same; an alarm for an hour.
	gone := task(2100)
	gone.Unreadable, gone.UnreadableAt = 3<<20, now
	f.publish(of(one, now.Add(time.Second), gone))
	s = f.status(ExitOK)
	if len(s.Warnings) != 1 || s.Warnings[0].Since != now || s.Entries[0].Rates.Unreadable != 3<<20 {
		t.Fatalf("%+v", s)
	}
	if text = f.ok(t, "status"); !strings.Contains(text, "\n1 warning:\n  "+one+": /var/log/a.log -> alpha: 3.0 MiB were gone before they could be read") || !strings.HasSuffix(text, "\nall works now\n") {
		t.Fatal(text)
	}
	if r := f.run(t, "", "status", "-o", "check"); r.code != nagiosWarning || !strings.HasPrefix(r.out, "LOGCTL WARNING - 1 warning: "+one) {
		t.Fatalf("%+v", r)
	}
	gone.UnreadableAt = now.Add(-2 * time.Hour)
	f.publish(of(one, now.Add(2*time.Second), gone))
	if r := f.run(t, "", "status", "-o", "check"); r.code != ExitOK || !strings.HasPrefix(r.out, "LOGCTL OK") {
		t.Fatalf("%+v", r)
	}

	// Everything that can be wrong with the second agent.
	f.announce(etcdcfg.Presence{ID: two, Started: started, Revision: revision - 1, Tasks: []etcdcfg.TaskState{
		{Path: "/var/log/a.log", Topic: "alpha", State: string(state.PermissionDenied), Error: "open /var/log/a.log: permission denied"},
		{Path: "/var/log/c.log", Topic: "gamma", State: string(state.WaitingForFile)},
	}})
	got := f.status(ExitFailure).texts()
	equal(t, got, strings.Join([]string{
		fmt.Sprintf("%s: applies revision %d of the list, which is at %d", two, revision-1, revision),
		fmt.Sprintf("%s: no report in %q in the last 30s", two, f.topic),
		two + ": /var/log/a.log -> alpha: permission denied: open /var/log/a.log: permission denied",
	}, "\n"))
	if r := f.run(t, "", "status"); r.code != ExitFailure || !strings.Contains(r.out, "2       1 permission denied, 1 shipping  ") || !strings.Contains(r.out, "\n3 problems:\n  "+two) {
		t.Fatalf("%+v", r)
	}
}

// A presence does not tell what is idle or behind from what ships; reports do.
func TestStatusTakesTheStateOfWellTasksFromReports(t *testing.T) {
	f := newFleet(t)
	f.ok(t, "entries", "add", "/a", "t")
	now := time.Now().UTC().Truncate(time.Millisecond)
	for i, code := range []state.Code{state.Idle, state.Behind, state.Shipping} {
		id := fmt.Sprintf("%s-%d", f.key, i)
		f.announce(etcdcfg.Presence{ID: id, Started: now, Revision: 1 << 40, Tasks: []etcdcfg.TaskState{{Path: "/a", Topic: "t", State: string(state.Shipping)}}})
		f.publish(report.Report{Agent: id, At: now, StartedAt: now, Tasks: []report.Task{{Path: "/a", Topic: "t", State: code}}})
	}
	s := f.status(ExitOK)
	if len(s.Entries) != 1 || s.Entries[0].Agents != 3 || !maps.Equal(s.Entries[0].States, map[string]int{"idle": 1, "behind": 1, "shipping": 1}) {
		t.Fatalf("%+v", s.Entries)
	}
}

// Without reports ([agent] report_topic is empty) an agent that sends none is well.
func TestStatusWithReportsSwitchedOff(t *testing.T) {
	f := newFleet(t)
	f.env = append(f.env, "LOGCTL_AGENT_REPORT_TOPIC=")
	f.ok(t, "entries", "add", "/a", "t")
	f.announce(etcdcfg.Presence{ID: f.key + "-1", Started: time.Now().Add(-time.Hour), Revision: 1 << 40})
	if s := f.status(ExitOK); !s.Kafka.OK || s.Agents[0].Rates != nil {
		t.Fatalf("%+v", s)
	}
	f.args = append(f.args, "--kafka", "127.0.0.1:1")
	if s := f.status(ExitFailure); s.Kafka.OK {
		t.Fatalf("%+v", s)
	}
}

func TestStatusOfABadListSaysWhere(t *testing.T) {
	f := newFleet(t)
	f.announce(etcdcfg.Presence{ID: f.key + "-1", ListError: "line 1: bad", Started: time.Now()})
	if _, err := f.etcd.Client(t).Put(t.Context(), f.key, "[{]"); err != nil {
		t.Fatal(err)
	}
	if got := f.status(ExitFailure).texts(); !strings.Contains(got, "is bad, agents keep to the last good one: line 1, column 3:") || strings.Contains(got, "\n") {
		t.Fatal(got)
	}
}

// TestStatusWithOneServerAway shows what the other one knows.
func TestStatusWithOneServerAway(t *testing.T) {
	f := newFleet(t)
	f.ok(t, "entries", "add", "/a", "t")
	now := time.Now().UTC()
	id := f.key + "-1"
	f.announce(etcdcfg.Presence{ID: id, Started: now, Revision: 1 << 40, Tasks: []etcdcfg.TaskState{{Path: "/a", Topic: "t", State: string(state.Idle)}}})
	f.publish(report.Report{Agent: id, At: now, StartedAt: now, Tasks: []report.Task{{Path: "/a", Topic: "t", State: state.TopicMissing, LagBytes: 7}}})

	noKafka := &fleet{bench: &bench{args: append(append([]string{}, f.args[:4]...), "--kafka", "127.0.0.1:1"), env: f.env}, t: t}
	start := time.Now()
	s := noKafka.status(ExitFailure)
	if s.Kafka.OK || !s.Etcd.OK || len(s.Problems) != 1 || !strings.Contains(s.Problems[0].What, "rates are not known") || len(s.Agents) != 1 || s.Entries[0].States["idle"] != 1 {
		t.Fatalf("%+v", s)
	}
	noEtcd := &fleet{bench: &bench{args: append([]string{"--etcd", "127.0.0.1:1"}, f.args[2:]...), env: f.env}, t: t}
	s = noEtcd.status(ExitFailure)
	if s.Etcd.OK || !s.Kafka.OK || len(s.Agents) != 1 || s.Agents[0].OnDuty != nil || s.Entries[0].Rates.LagBytes != 7 ||
		!strings.Contains(s.texts(), "connection refused: is it running, and is [etcd] address right? (who is on duty is taken from the reports)") ||
		!strings.Contains(s.texts(), id+": /a -> t: topic missing") {
		t.Fatalf("%+v", s)
	}
	if r := noEtcd.run(t, "", "status"); r.code != ExitFailure || !strings.Contains(r.out, "revision unknown") || !strings.Contains(r.out, "etcd AWAY  kafka ok") {
		t.Fatalf("%+v", r)
	}
	if took := time.Since(start); took > testkit.Hang {
		t.Fatalf("took %v", took)
	}
}

func TestStatusWatchPrintsObjectsUntilStopped(t *testing.T) {
	f := newFleet(t)
	out := &testkit.Buffer{}
	a := newApp(Streams{In: strings.NewReader(""), Out: out, Err: out, Environ: f.env})
	root := newRootCmd(a)
	root.SetArgs(append([]string{"status", "--watch", "-o", "json", "--interval", "10ms"}, f.args...))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan int, 1)
	go func() { done <- a.exitCode(root, root.ExecuteContext(ctx)) }()
	testkit.Eventually(t, "three lines", func() bool { return strings.Count(out.String(), "\n") >= 3 })
	cancel()
	if code := <-done; code != ExitOK {
		t.Fatalf("exit %d", code)
	}
	for line := range strings.Lines(out.String()) {
		var s statusReport
		if err := json.Unmarshal([]byte(line), &s); err != nil || !s.Healthy {
			t.Fatalf("%v: %s", err, line)
		}
	}
}

func TestStatusRefusesBadFlags(t *testing.T) {
	b := &bench{env: []string{"HOME=" + t.TempDir()}}
	b.fails(t, ExitUsage, `--max-lag: "x" is not a size such as 64MiB`, "status", "--max-lag", "x")
	b.fails(t, ExitUsage, "must be positive", "status", "--interval", "-1s")
	b.fails(t, ExitUsage, `-o: "xml" is not table or json`, "status", "-o", "xml")
}

func TestNumbersForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1 << 20: "1.0 MiB", 1<<20 - 1: "1.0 MiB", 5 << 30: "5.0 GiB", 3 << 40: "3.0 TiB"} {
		if got := shortBytes(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0", 0.25: "0.2", 9.99: "10", 950: "950", 9500: "9.5k", 999_960: "1.0M", 1.4e6: "1.4M"} {
		if got := shortNumber(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
	for d, want := range map[time.Duration]string{-time.Second: "0s", 150 * time.Millisecond: "150ms", 42 * time.Second: "42s", 61 * time.Second: "1m01s", 3*time.Hour + 5*time.Minute: "3h05m", 72 * time.Hour: "3d"} {
		if got := shortDuration(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
