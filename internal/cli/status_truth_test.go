package cli

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"logctl/agent/report"
	"logctl/agent/state"
	"logctl/etcdcfg"
	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

// only returns the lines of a text that have one of the parts.
func only(text string, parts ...string) string {
	var out []string
	for line := range strings.Lines(text) {
		for _, part := range parts {
			if strings.Contains(line, part) {
				out = append(out, strings.Join(strings.Fields(line), " "))
				break
			}
		}
	}
	return strings.Join(out, "\n")
}

// TestStatusSaysWhoIsMissing: the first line counts those that are there and those that should be.
func TestStatusSaysWhoIsMissing(t *testing.T) {
	f := newFleet(t)
	f.ok(t, "entries", "add", "/a", "t")
	now := time.Now().UTC()
	lost, awaited := f.key+"-1", f.key+"-2"
	f.lose(lost)
	f.publish(report.Report{Agent: lost, At: now.Add(-20 * time.Second), StartedAt: now.Add(-time.Hour), CollectKey: f.key})
	r := f.run(t, "", "status")
	since := now.Add(-20 * time.Second).Local().Format("15:04")
	if got, want := only(r.out, "etcd ok"), " 1 entry 0 of 1 agent; "+lost+" lost since "+since+" etcd ok kafka ok"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	f.ok(t, "agents", "expect", awaited)
	r = f.run(t, "", "status")
	if got, want := only(r.out, "etcd ok"), " 1 entry 0 of 2 agents etcd ok kafka ok"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestStatusWarns: what flows slowly is not "all is well".
func TestStatusWarns(t *testing.T) {
	f := newFleet(t)
	f.ok(t, "entries", "add", "/a", "t")
	id := f.key + "-1"
	f.announce(etcdcfg.Presence{ID: id, Started: time.Now(), Revision: 1 << 40, Tasks: []etcdcfg.TaskState{{Path: "/a", Topic: "t", State: string(state.Throttled), Error: "a quota is used up"}}})
	out := f.ok(t, "status")
	if got, want := out[strings.LastIndex(out, "\n\n")+2:], "1 warning:\n  "+id+": /a -> t: throttled: a quota is used up\nall works now\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if check := f.run(t, "", "status", "-o", "check"); check.code != nagiosWarning || !strings.HasPrefix(check.out, "LOGCTL WARNING - 1 warning: "+id+": /a -> t: throttled") {
		t.Errorf("exit %d: %s", check.code, check.out)
	}
}

// TestStatusWithoutFreshReports: what waits comes from the presence, and no rate is shown.
func TestStatusWithoutFreshReports(t *testing.T) {
	f := newFleet(t)
	f.ok(t, "entries", "add", "/a", "t")
	now := time.Now().UTC()
	id := f.key + "-1"
	task := etcdcfg.TaskState{Path: "/a", Topic: "t", State: string(state.BrokerNotReached), Lag: 5 << 20, Oldest: now.Add(-time.Minute)}
	f.announce(etcdcfg.Presence{ID: id, Started: now, Revision: 1 << 40, Tasks: []etcdcfg.TaskState{task}})
	s := f.status(ExitFailure)
	if r := s.Entries[0].Rates; r == nil || r.LagBytes != 5<<20 || !r.Silent || r.DelayMS < 60_000 {
		t.Errorf("rates %+v", r)
	}
	equal(t, only(f.run(t, "", "status").out, "/a  "), "/a t 1 broker not reachable - - 5.0 MiB 1m00s")
	// A report that is old by now says less.
	old := report.Report{Agent: id, At: now.Add(-20 * time.Second), StartedAt: now.Add(-time.Hour), CollectKey: f.key,
		Tasks: []report.Task{{Path: "/a", Topic: "t", State: state.Shipping, LagBytes: 7}}}
	f.publish(old)
	if r := f.status(ExitFailure).Entries[0].Rates; r == nil || r.LagBytes != 5<<20 || !r.Silent {
		t.Errorf("rates %+v", r)
	}
}

// TestStatusOfAPresenceThatCannotBeWritten: an etcd that takes no writes keeps what was announced
// before, and the reports say how it is.
func TestStatusOfAPresenceThatCannotBeWritten(t *testing.T) {
	f := newFleet(t)
	id, now := f.oneShips(t)
	f.publish(report.Report{Agent: id, At: now, StartedAt: now, CollectKey: f.key, Etcd: "its storage quota is used up",
		Tasks: []report.Task{{Path: "/a", Topic: "t", State: state.PermissionDenied, Error: "/a: permission denied"}}})
	s := f.status(ExitFailure)
	equal(t, s.texts(), id+": what it announces in etcd is old: its storage quota is used up\n"+id+": /a -> t: permission denied: /a: permission denied")
	if st := s.Entries[0].States; len(st) != 1 || st[string(state.PermissionDenied)] != 1 {
		t.Errorf("states %v", st)
	}
}

// TestStatusTellsWhatIsSkipped: what from = end left out is not said to be sent.
func TestStatusTellsWhatIsSkipped(t *testing.T) {
	f := newFleet(t)
	id, now := f.oneShips(t)
	f.publish(report.Report{Agent: id, At: now, StartedAt: now, CollectKey: f.key,
		Tasks: []report.Task{{Path: "/a", Topic: "t", State: state.Idle, NotPlain: report.NotPlain{SkippedBytes: 3 << 20}}}})
	if out := f.ok(t, "status"); !strings.Contains(out, id+": /a -> t: 3.0 MiB skipped (from = end)") {
		t.Error(out)
	}
}

// TestStatusByAnotherClock: where the clock of this host is off, agents that report are not
// said to be silent: that of the brokers counts, and the difference is said.
func TestStatusByAnotherClock(t *testing.T) {
	if os.Getenv(testkit.KafkaEnv) == "" {
		t.Skip("the embedded broker does not stamp records")
	}
	f := newFleet(t)
	f.topic = f.kafka.Topic(t, 1, "message.timestamp.type", "LogAppendTime")
	f.ok(t, "entries", "add", "/a", "t")
	started := time.Now().Add(-time.Hour).UTC()
	id := f.key + "-1"
	f.announce(etcdcfg.Presence{ID: id, Started: started, Revision: 1 << 40, Tasks: []etcdcfg.TaskState{{Path: "/a", Topic: "t", State: string(state.Shipping)}}})
	admin := kafka.NewAdmin(f.kafka.Config())
	defer func() { _ = admin.Close() }()
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			f.publish(report.Report{Agent: id, At: time.Now().UTC(), StartedAt: started, CollectKey: f.key, Tasks: []report.Task{{Path: "/a", Topic: "t", State: state.Idle}}})
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	defer func() { close(stop); <-ended }()
	for _, off := range []time.Duration{2 * time.Hour, -2 * time.Hour, 0} {
		d := &statusDesk{
			store: etcdcfg.NewStore(f.etcd.Client(t), "test"), admin: admin, kafka: f.kafka.Config(), key: f.key, topic: f.topic,
			flags: &statusFlags{window: 30 * time.Second}, now: func() time.Time { return time.Now().Add(off) },
		}
		s := d.gather(t.Context())
		if len(s.Problems) > 0 {
			t.Errorf("off by %v: problems %v", off, s.texts())
		}
		if off == 0 {
			if len(s.Warnings) > 0 {
				t.Errorf("warnings %v", s.Warnings)
			}
			continue
		}
		way := map[bool]string{true: "ahead of", false: "behind"}[off > 0]
		if len(s.Warnings) != 1 || s.Warnings[0].State != state.ClockDiffers || !strings.Contains(s.Warnings[0].What, way+" the broker's") {
			t.Errorf("off by %v: warnings %v", off, s.Warnings)
		}
	}
}

// TestClocksMayDiffer: the clock of this host is doubted when no report is of now, or one is
// of the future; and when it is off, that is said and is no problem by itself.
func TestClocksMayDiffer(t *testing.T) {
	now := time.Now()
	at := func(ages ...time.Duration) map[string]*reported {
		out := map[string]*reported{}
		for i, age := range ages {
			out[string(rune('a'+i))] = &reported{newest: report.Report{At: now.Add(-age)}}
		}
		return out
	}
	for _, c := range []struct {
		reports map[string]*reported
		want    bool
	}{
		{at(), true}, {at(time.Hour), true}, {at(time.Hour, time.Second), false}, {at(time.Second, -time.Minute), true}, {at(-2 * time.Second), false},
	} {
		if got := clocksMayDiffer(c.reports, now); got != c.want {
			t.Errorf("%v: %v", c.reports, got)
		}
	}
	d := &statusDesk{key: "k", flags: &statusFlags{}}
	s := d.judge(&facts{at: now, clock: 2 * time.Hour, list: etcdcfg.Snapshot{ModRevision: 1}})
	if !s.Healthy || len(s.Warnings) != 1 || !strings.Contains(s.Warnings[0].What, "2h0m0s ahead of the broker's") {
		t.Errorf("problems %v, warnings %v", s.Problems, s.Warnings)
	}
}

// oneShips has an entry and an agent on duty that ships it, by its presence, from now on.
func (f *fleet) oneShips(t *testing.T) (id string, now time.Time) {
	t.Helper()
	f.ok(t, "entries", "add", "/a", "t")
	id, now = f.key+"-1", time.Now().UTC()
	f.announce(etcdcfg.Presence{ID: id, Started: now, Revision: 1 << 40, Tasks: []etcdcfg.TaskState{{Path: "/a", Topic: "t", State: string(state.Shipping)}}})
	return id, now
}

// TestKafkaThatAnswersIsNotAway: a broker whose disk failed answers, and has no reports.
func TestKafkaThatAnswersIsNotAway(t *testing.T) {
	d := &statusDesk{key: "k", topic: "logctl-reports"}
	for _, tt := range []struct {
		answers bool
		want    string
	}{{true, "NO REPORTS"}, {false, "AWAY"}} {
		s := d.judge(&facts{kafkaErr: errors.New("read reports: the partition has no leader now"), answers: tt.answers})
		if got := s.Kafka.word(); got != tt.want || s.Healthy {
			t.Errorf("answers %v: kafka %s, want %s; healthy %v", tt.answers, got, tt.want, s.Healthy)
		}
	}
}
