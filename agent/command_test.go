package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/agent/report"
	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

// TestPositionsMoveWhileTheTaskRuns rewinds what was skipped, then a file, then forgets the
// entry: each line comes as often as it was asked for.
func TestPositionsMoveWhileTheTaskRuns(t *testing.T) {
	b := newBench(t)
	b.write("a.log", "old 1\nold 2\n")
	e := b.entry("a.log", "t1")
	e.From = etcdcfg.FromEnd
	b.apply([]etcdcfg.Entry{e}, 1)
	testkit.Eventually(t, "the entry is followed", func() bool { return b.shared.registry.Known(e.Key()) && len(b.shared.registry.States(e.Key())) == 1 })
	b.write("a.log", "new 1\n")
	b.expect("t1", "new 1")
	move := func(c etcdcfg.Command, moved int) {
		t.Helper()
		changes, err := b.pauseFor(t.Context(), e.Key(), time.Minute, c)
		if err != nil || len(changes) != moved {
			t.Fatalf("%+v: %+v, %v", c, changes, err)
		}
	}
	plan, err := EditPositions(b.shared.registry, e.Key(), etcdcfg.Command{Kind: "rewind", To: "skipped", DryRun: true})
	if err != nil || len(plan) != 1 || plan[0].First != 12 || plan[0].Again != 6 {
		t.Fatalf("%+v, %v", plan, err)
	}
	move(etcdcfg.Command{Kind: "rewind", To: "skipped"}, 1)
	b.expect("t1", "new 1", "old 1", "old 2", "new 1")
	move(etcdcfg.Command{Kind: "rewind", To: "skipped"}, 0) // nothing is skipped any more
	move(etcdcfg.Command{Kind: "seek", To: "position", Pos: 8, File: e.Path}, 1)
	b.expect("t1", "new 1", "old 1", "old 2", "new 1", "old 2", "new 1")
	move(etcdcfg.Command{Kind: "forget"}, 0) // it begins at the end again
	testkit.Eventually(t, "the entry is followed anew", func() bool { return len(b.shared.registry.States(e.Key())) == 1 })
	b.write("a.log", "new 2\n")
	b.expect("t1", "new 1", "old 1", "old 2", "new 1", "old 2", "new 1", "new 2")
}

// TestCommandsThroughEtcd asks a running agent.
func TestCommandsThroughEtcd(t *testing.T) {
	t.Parallel()
	etcd, broker := testkit.Etcd(t), testkit.Kafka(t)
	key, client := etcd.Key(t), etcd.Client(t)
	topic := broker.Topic(t, 1)
	path := filepath.ToSlash(filepath.Join(t.TempDir(), "a.log"))
	testkit.NewLog(t, path).Lines(10)
	if _, err := client.Put(t.Context(), key, fmt.Sprintf(`[{"path": %q, "topic": %q, "from": "beginning"}]`, path, topic)); err != nil {
		t.Fatal(err)
	}
	a, err := New(Config{
		ID: key, Host: "h", Version: "v", DataDir: t.TempDir(), CollectKey: key,
		Etcd: etcdcfg.Config{Endpoints: etcd.Endpoints()}, Kafka: broker.Config(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	testkit.Eventually(t, "the lines arrive", func() bool { return len(broker.Read(t, topic)) == 10 })
	store := etcdcfg.NewStore(client, "ann@desk")
	ask := func(c etcdcfg.Command) (etcdcfg.Answer, []Positions) {
		t.Helper()
		limit, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		answer, err := store.Ask(limit, key, c)
		if err != nil {
			t.Fatal(err)
		}
		var out []Positions
		if answer.Error == "" {
			if err := json.Unmarshal(answer.Result, &out); err != nil {
				t.Fatal(err)
			}
		}
		return answer, out
	}
	if _, out := ask(etcdcfg.Command{Kind: "list"}); len(out) != 1 || len(out[0].Files) != 1 || out[0].Files[0].Pos == 0 {
		t.Fatalf("%+v", out)
	}
	if answer, _ := ask(etcdcfg.Command{Kind: "rewind", Path: "/other", To: "beginning"}); !strings.Contains(answer.Error, "no positions are kept") {
		t.Errorf("%+v", answer)
	}
	entry, err := etcdcfg.Format([]etcdcfg.Entry{{Path: path, Topic: "t"}})
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := store.Ask(ctx, key, etcdcfg.Command{Kind: "preview", Entry: entry}); err != nil || !strings.Contains(string(answer.Result), `"matches":1`) {
		t.Fatalf("%+v, %v", answer, err)
	}
	answer, err := store.Ask(ctx, key, etcdcfg.Command{Kind: "suggest", Path: filepath.Dir(path)})
	if err != nil || answer.Error != "" {
		t.Fatalf("%+v, %v", answer, err)
	}
	var logs report.Suggested // consoles read the shape that is written
	if err := json.Unmarshal(answer.Result, &logs); err != nil || len(logs.Logs) != 1 || logs.Logs[0].Path != path || len(logs.Logs[0].Files) != 1 || logs.Logs[0].Files[0].Size == 0 {
		t.Fatalf("%+v, %v", logs, err)
	}
	if _, out := ask(etcdcfg.Command{Kind: "rewind", Path: path, To: "beginning"}); len(out) != 1 || len(out[0].Moves) != 1 || out[0].Moves[0].Again == 0 {
		t.Fatalf("%+v", out)
	}
	testkit.Eventually(t, "the lines arrive again", func() bool { return len(broker.Read(t, topic)) == 20 })
}
