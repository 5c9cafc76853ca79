package tui

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
)

func TestStreamFollowsUntilOneMovesUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.stream()
		s := c.root.stream
		c.wants(t, "LIVE", "kept 60/60")
		c.key("k")
		sel := s.win.sel
		c.feed(500)
		c.wants(t, "SCROLLED +501 newer")
		if s.win.sel != sel {
			t.Errorf("the selection moved from %d to %d", sel, s.win.sel)
		}
		c.key("G")
		c.wants(t, "LIVE")
		if s.win.sel != 560 {
			t.Errorf("following selects %d", s.win.sel)
		}
	})
}

func TestFreezeKeepsTheViewAndCountsOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.stream()
		c.key("space")
		before := c.root.stream.win.rows[0]
		for range 30 {
			c.feed(500)
		}
		if c.root.stream.win.rows[0] != before {
			t.Error("the frozen view moved")
		}
		c.wants(t, "FROZEN +15.0k new", "/15.1k")
		c.key("space")
		c.wants(t, "LIVE", "kept 10.0k/15.1k", "dropped from view 5.1k")
	})
}

// A lost broker shows at once, although records that were on their way still come.
func TestStreamSaysThatTheBrokerIsLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.stream()
		c.wants(t, "LIVE")
		s := c.root.stream
		s.sess.noticed(streamNotice{text: "broker 1 is lost", trouble: true, lost: true})
		c.feed(5)
		c.wants(t, "STALLED", "Kafka does not answer since 18:31:06")
		c.clock = c.clock.Add(3 * time.Second)
		c.feed(5)
		c.wants(t, "LIVE")
		s.sess.noticed(streamNotice{text: "broker 1 is lost", trouble: true, lost: true})
		s.look()
		c.root.frame.stale = true
		c.wants(t, "STALLED")
		s.sess.noticed(streamNotice{text: "broker 1 is back", back: true})
		s.look()
		c.root.frame.stale = true
		c.wants(t, "LIVE")
	})
}

func TestStreamFilterAndSearch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.stream()
		c.key("/")
		c.text("(")
		c.key("enter")
		c.wants(t, "missing closing )")
		c.key("backspace")
		c.text(`"level":"error"`)
		c.key("enter")
		c.wants(t, "matched 16/60")
		c.feed(30)
		c.wants(t, "matched 24/90")
		c.key("/", "ctrl+u", "enter")
		c.key("\\")
		c.text(`"n":7,`)
		c.key("enter")
		if r := c.root.stream.selected(); r == nil || !strings.Contains(string(r.value), `"n":7,`) {
			t.Fatalf("search selected %v", r)
		}
		first := c.root.stream.sel
		c.key("N")
		second := c.root.stream.sel
		c.key("n")
		if second >= first || c.root.stream.sel != first {
			t.Errorf("n and N: %d %d %d", first, second, c.root.stream.sel)
		}
		c.key("n")
		c.wants(t, "No further hit")
	})
}

func TestDetailStaysOnItsRecord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.stream()
		c.key("k", "enter")
		c.wants(t, `"msg": "upstream timed out"`, "header", "host = web-01", "producer; here 7.0ms later")
		s := c.root.stream
		seq := s.detailSeq
		for range 30 {
			c.feed(500)
		}
		if s.detailSeq != seq || s.selected() == nil {
			t.Errorf("the detail went from %d to %d", seq, s.detailSeq)
		}
		c.key("v", "v")
		c.wants(t, "00000000  ")
		c.key("esc", "G", "enter", "[")
		if s.detailSeq != s.sess.ring.counts().Seen-1 {
			t.Errorf("[ selects %d", s.detailSeq)
		}
	})
}

func TestPrettyJSONKeepsTheOrderOfKeys(t *testing.T) {
	got, ok := prettyJSON([]byte(`{"z":1,"a":{"y":2,"b":12345678901234567890},"z":3}`))
	if !ok || strings.Index(got, `"z"`) > strings.Index(got, `"a"`) || !strings.Contains(got, "12345678901234567890") || strings.Count(got, `"z"`) != 2 {
		t.Errorf("%v %s", ok, got)
	}
	if _, ok := prettyJSON([]byte(`{"a":`)); ok {
		t.Error("half an object is JSON")
	}
}

func TestRecordJSON(t *testing.T) {
	for _, c := range []struct {
		name string
		rec  rec
		want string
	}{
		{"text", rec{topic: "t", partition: 1, offset: 2, time: day, key: []byte("k"), value: []byte("a<b\x1b")},
			`{"topic":"t","partition":1,"offset":2,"time":"2026-03-04T18:31:04Z","key":"k","value":"a<b\u001b"}`},
		{"null and bytes", rec{topic: "t", value: []byte{0xff}, headers: []recHeader{{"h", nil}}},
			`{"topic":"t","partition":0,"offset":0,"key":null,"value_b64":"/w==","headers":[{"name":"h","value":null}]}`},
	} {
		got := recordJSON(&c.rec)
		if got != c.want || !json.Valid([]byte(got)) {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestCopyAndSave(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.stream()
		c.key("k", "y")
		if !strings.Contains(c.clip, "upstream timed out") {
			t.Errorf("copied %q", c.clip)
		}
		c.key("Y")
		if !json.Valid([]byte(c.clip)) {
			t.Errorf("copied %q", c.clip)
		}
		file := filepath.Join(t.TempDir(), "out.jsonl")
		c.key("s", "ctrl+u")
		c.text(file)
		c.key("enter")
		data, err := os.ReadFile(file)
		if err != nil || strings.Count(string(data), "\n") != 60 {
			t.Fatalf("%v, %d lines", err, strings.Count(string(data), "\n"))
		}
		c.wants(t, "Saved 60 records")
		c.key("s", "ctrl+u")
		c.text(file)
		c.key("enter")
		c.wants(t, "Not saved", "exists")
	})
}

func TestSeekAndPartitions(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.stream()
		c.key("o")
		c.text("bad")
		c.key("enter")
		c.wants(t, "not understood")
		c.key("ctrl+u")
		c.text("-100")
		c.key("enter")
		if got := c.streams.asked[len(c.streams.asked)-1]; got.from != "-100" {
			t.Errorf("asked for %+v", got)
		}
		c.feed(3)
		c.wants(t, "kept 3/3", "from -100")
		c.clock = c.clock.Add(time.Second)
		c.feed(3)
		c.key("p", "space", "enter")
		if got := c.streams.asked[len(c.streams.asked)-1]; got.partitions != "1,2" {
			t.Errorf("asked for %+v", got)
		}
	})
}

func TestColumnsAndTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{StateDir: t.TempDir()})
		c.stream()
		c.wants(t, "TIME UTC", "18:31:04.059")
		c.key("t")
		c.wants(t, "2026-03-04 18:31:04.059")
		c.key("t")
		c.wants(t, "7.0ms")
		c.key("c", "space", "j", "space", "enter")
		if s := c.screen(); strings.Contains(s, "TIME") {
			t.Error("the time is still shown")
		}
		if err := c.root.env.prefs.save(); err != nil {
			t.Fatal(err)
		}
		p := loadPrefs(filepath.Dir(c.root.env.prefs.file)).get()
		if len(p.Hidden["stream"]) != 3 || p.Time != timeAge {
			t.Errorf("remembered %+v", p)
		}
	})
}

func TestHiddenStreamCostsNoTicks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.stream()
		gen := c.root.stream.gen
		c.key("1")
		if _, cmd := c.root.Update(streamTick{gen}); cmd != nil {
			t.Error("a hidden stream waits for the next tick")
		}
		c.key("4")
		if c.root.stream.gen == gen || c.root.stream.stop == nil {
			t.Error("the stream does not go on when it is shown again")
		}
		c.wants(t, "LIVE")
	})
}

func TestStaleTicksAreDropped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.stream()
		if _, cmd := c.root.Update(streamTick{c.root.stream.gen - 1}); cmd != nil {
			t.Error("a tick of another generation started a second chain")
		}
		var m tea.Msg = foundMsg{gen: -1, seq: 1, ok: true}
		sel := c.root.stream.sel
		c.send(m)
		if c.root.stream.sel != sel {
			t.Error("a late answer of a search was used")
		}
	})
}

func TestMergeByTimeKeepsTheOrderOfAPartition(t *testing.T) {
	at := func(p int32, off int64, ms int) *rec {
		return &rec{partition: p, offset: off, time: day.Add(time.Duration(ms) * time.Millisecond)}
	}
	list := []*rec{at(0, 1, 10), at(0, 2, 30), at(0, 3, 20), at(1, 1, 5), at(1, 2, 15), at(1, 3, 40)}
	mergeByTime(list)
	last := map[int32]int64{}
	for i, r := range list {
		if r.offset <= last[r.partition] {
			t.Fatalf("record %d of partition %d is out of order", i, r.partition)
		}
		last[r.partition] = r.offset
	}
	if list[0].partition != 1 || list[1].partition != 0 || list[2].partition != 1 {
		t.Errorf("not merged: %+v", offsets(list))
	}
}

func TestLevel(t *testing.T) {
	for text, want := range map[string]byte{
		`{"level":"error","msg":"x"}`: 'E', `{"level": "WARNING"}`: 'W', "ts=1 level=info msg=x": 'I', "2026-01-01 ERROR x": 'E', "TERROR": ' ',
		"[错误] 交易失败": 'E', "plain": ' ', "": ' ', "level=panic": 'F',
		"12:00 INFO retry after ERROR 7": 'I', "12:00 WARN then FATAL": 'W',
	} {
		if got := level([]byte(text)); got != want {
			t.Errorf("level of %q: %c, want %c", text, got, want)
		}
	}
}

func TestAnotherStreamTakesThePlaceOfTheOneBefore(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.stream()
		c.key(":")
		c.text("stream trade")
		c.key("enter")
		c.wants(t, "trade", "from newest")
		for range 3 {
			c.key("esc")
			if s, ok := c.root.top().(*streamScreen); ok {
				t.Fatalf("Esc goes back to the stream of %s, which is closed", s.query.topic)
			}
		}
		if len(c.root.stack) != 1 {
			t.Errorf("%d screens are left", len(c.root.stack))
		}
	})
}

func TestEscOnAStreamClearsItsFilter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.stream()
		c.key("/")
		c.text("no such value")
		c.key("enter")
		c.wants(t, "matched 0/")
		c.key("esc")
		s, ok := c.root.top().(*streamScreen)
		if !ok || s.filter != nil || s.ring().flt != nil {
			t.Fatalf("the filter is still there (on the stream: %v)", ok)
		}
		c.key("esc")
		if _, ok := c.root.top().(*streamScreen); ok {
			t.Error("the second Esc does not leave the stream")
		}
	})
}

func TestStreamThatCannotBeOpenedIsAnEvent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		keep, j := &keeper{stop: cancel}, &journal{}
		port := &fakeStreams{err: errors.New("topic \"app_log\" does not exist")}
		s := openSession(ctx, keep, port, streamQuery{topic: "app_log", from: "newest"}, j, time.Now)
		synctest.Wait()
		since := time.Now()
		if i := s.snapshot(); !i.bad || !i.since.Equal(since) {
			t.Errorf("%q since %v", i.state, i.since)
		}
		time.Sleep(3 * retryPause) // of the bubble
		port.fail(errors.New("no broker answers"))
		time.Sleep(3 * retryPause)
		if i := s.snapshot(); i.state != "no broker answers" || !i.since.Equal(since) {
			t.Errorf("%q since %v, in trouble since %v", i.state, i.since, since)
		}
		list, _ := j.all()
		if len(list) != 2 || !list[0].bad || list[1].text != "app_log: no broker answers" {
			t.Errorf("want one event for each reason: %v", list)
		}
		s.close()
		if !keep.wait(time.Second) {
			t.Error("the session does not end")
		}
	})
}

func TestAStreamGoesOnWhereItWas(t *testing.T) {
	s := &session{query: streamQuery{from: "oldest"}}
	if got := s.resumeAt("oldest"); got != "oldest" {
		t.Errorf("nothing was read: %q", got)
	}
	s.info.parts = []partRow{{partStat: partStat{id: 0, next: 7}}, {partStat: partStat{id: 1, next: -1}}, {partStat: partStat{id: 2, next: 0}}}
	if got := s.resumeAt("oldest"); got != "oldest,0=7,2=0" { // partition 1 from its beginning, as it was asked for
		t.Errorf("got %q", got)
	}
}
