package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"golang.org/x/text/encoding/simplifiedchinese"

	"logctl/consumer"
	"logctl/internal/testkit"
)

// TestLines is group D: what a line is. Values must arrive exactly as written.
func TestLines(t *testing.T) {
	runAll(t, []scenario{
		{name: "halves", cases: "D01", done: "a line is written in three pieces", run: halves},
		{name: "halves_over_a_restart", cases: "D02", done: "half a line, restart, the other half", run: halvesOverRestart},
		{name: "empty_lines", cases: "D03 D04", done: "empty lines between others, a file of newlines only", run: emptyLines},
		{name: "carriage_returns", cases: "D05", done: "CRLF, with the pair split at 4, 8, 64 and 256 KiB and by the writer", run: carriageReturns},
		{name: "long_lines", cases: "D06", done: "lines of 70 kB to 5 MB between short ones, on a topic with the default limit; parts are put together again", run: longLines},
		{name: "long_lines_truncated", cases: "D06", done: "long_lines = truncate", run: func(w *world) { longCut(w, "truncate") }},
		{name: "long_lines_skipped", cases: "D06", done: "long_lines = skip", run: func(w *world) { longCut(w, "skip") }},
		{name: "long_line_over_a_restart", cases: "D06 E04", done: "a 5 MB line, the agent stopped and started in the middle of shipping it", run: longOverRestart},
		{name: "giant_line", cases: "D07", done: "one line of 64 MiB (1 GiB in the long form): memory stays flat", run: giantLine, alone: true},
		{name: "at_the_limit_of_the_topic", cases: "D08", done: "lines around a topic's max.message.bytes of 100,000", run: topicLimit},
		{name: "byte_order_marks_and_utf16", cases: "D09", done: "UTF-16 with and without mark, CRLF in it", run: utf16Files},
		{name: "gbk", cases: "D09", done: "20,000 lines of Chinese text in GBK, longer than any buffer", run: gbkFile},
		{name: "binary", cases: "D10", done: "random bytes with NUL and invalid UTF-8", run: binaryLines},
		{name: "behind_two_gigabytes", cases: "D11", done: "lines behind a hole of 3 GiB; the header pos tells their place", run: behindTwoGB},
	})
}

// shipLines is the common part: one file, one partition, an agent.
func (w *world) shipLines(more entry, env ...string) (path, topic string, agent *process) {
	w.t.Helper()
	path, topic = w.path("app.log"), w.kafka.Topic(w.t, 1)
	e := collect(path, topic)
	for k, v := range more {
		e[k] = v
	}
	w.put(e)
	return path, topic, w.startAgent(append([]string{quickScan}, env...)...)
}

func halves(w *world) {
	path, topic, agent := w.shipLines(nil)
	every(300*time.Millisecond, 4, func(i int) {
		appendTo(w.t, path, []byte([]string{"first\nhal", "f a li", "ne\nlast", "\n"}[i]))
	})
	w.exactly(topic, "first", "half a line", "last")
	agent.stop()
}

func halvesOverRestart(w *world) {
	path, topic, agent := w.shipLines(nil)
	appendTo(w.t, path, []byte("first\npartial "))
	w.awaitLanded(1, topic)
	agent.stop()
	appendTo(w.t, path, []byte("line"))
	agent = w.startAgent(quickScan)
	w.awaitApplied()
	agent.stop()
	appendTo(w.t, path, []byte(" once\nlast\n"))
	agent = w.startAgent(quickScan)
	w.exactly(topic, "first", "partial line once", "last")
	agent.stop()
}

func emptyLines(w *world) {
	path, topic, agent := w.shipLines(nil)
	appendTo(w.t, path, []byte("\n\n\n"))
	w.awaitLanded(3, topic)
	agent.stop()
	agent = w.startAgent(quickScan)
	appendTo(w.t, path, []byte("a\n\n\nb\n\r\nc\n"))
	w.exactly(topic, "", "", "", "a", "", "", "b", "", "c")
	agent.stop()
}

func carriageReturns(w *world) {
	path, topic, agent := w.shipLines(nil)
	var text []byte
	var want []string
	for _, at := range []int{4 << 10, 8 << 10, 64 << 10, 256 << 10, 512 << 10} {
		for len(text) < at-1000 {
			line := fmt.Sprintf("line %d %s", len(want), strings.Repeat("x", len(text)%97))
			text = append(append(text, line...), "\r\n"...)
			want = append(want, line)
		}
		line := strings.Repeat("y", at-1-len(text)) // the CR is the last byte before the edge
		text = append(append(text, line...), "\r\n"...)
		want = append(want, line)
	}
	appendTo(w.t, path, text)
	w.awaitLanded(len(want), topic)
	every(300*time.Millisecond, 2, func(i int) { appendTo(w.t, path, []byte([]string{"by the writer\r", "\nin\rside\r\r\n"}[i])) })
	w.exactly(topic, append(want, "by the writer", "in\rside\r")...)
	agent.stop()
}

// joined puts the parts of split lines together again and checks their numbering:
// "1/?", "2/?", "3/3", or "1/3", "2/3", "3/3", where a part that was split once more
// is "2.1/3", "2.2/3".
func (w *world) joined(records []consumer.Record) []string {
	w.t.Helper()
	var out []string
	var parts []byte
	number, last := 0, false // of the line that is being put together
	end := func() {
		if number != 0 && !last {
			w.t.Errorf("a line ends at part %d without a last one", number)
		}
		if number != 0 {
			out = append(out, string(parts))
		}
		parts, number, last = nil, 0, false
	}
	for _, r := range records {
		part := header(r, "part")
		if part == "" {
			end()
			out = append(out, string(r.Value))
			continue
		}
		n, of, ok := strings.Cut(part, "/")
		whole, again, _ := strings.Cut(n, ".")
		i, err := strconv.Atoi(whole)
		if i == 1 && (again == "" || again == "1") {
			end()
		}
		if !ok || err != nil || i != number+1 && (again == "" || i != number) {
			w.t.Errorf("part %q after part %d", part, number)
		}
		number, last = i, of == whole
		parts = append(parts, r.Value...)
	}
	end()
	return out
}

func header(r consumer.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// longText is a line of n bytes that no other line is like.
func longText(n, seed int) string {
	random := rand.New(rand.NewPCG(uint64(seed), 7))
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(random.Uint32()%26)
	}
	return string(b)
}

// longMix is short and long lines in turn.
func longMix(sizes ...int) []string {
	var out []string
	for i, n := range sizes {
		out = append(out, fmt.Sprintf("short %d", i), longText(n, i))
	}
	return append(out, "the end")
}

// joinedExactly reads until the last line is there and compares whole lines.
func (w *world) joinedExactly(topic string, want []string) {
	w.t.Helper()
	var records []consumer.Record
	for wanted := len(want); ; wanted = len(records) + 1 {
		records = w.values(wanted, topic)
		if len(records) < wanted || len(records) > 0 && string(records[len(records)-1].Value) == want[len(want)-1] {
			break
		}
	}
	w.compare(w.joined(records), want)
}

func longLines(w *world) {
	path, topic, agent := w.shipLines(nil)
	want := longMix(70_000, 500_000, 1<<20-100, 1<<20-1, 1<<20, 1<<20+1, 2<<20, 5_000_000)
	appendTo(w.t, path, []byte(strings.Join(want, "\n")+"\n"))
	w.joinedExactly(topic, want)
	agent.stop()
}

func longCut(w *world, policy string) {
	path, topic, agent := w.shipLines(nil, "LOGCTL_AGENT_LONG_LINES="+policy, "LOGCTL_AGENT_MAX_LINE=64KiB")
	written := longMix(1000, 64<<10, 64<<10+1, 300_000)
	var want []string
	for _, s := range written {
		switch {
		case len(s) <= 64<<10:
			want = append(want, s)
		case policy == "truncate":
			want = append(want, s[:64<<10])
		}
	}
	appendTo(w.t, path, []byte(strings.Join(written, "\n")+"\n"))
	w.exactly(topic, want...)
	agent.stop()
}

func longOverRestart(w *world) {
	path, topic, agent := w.shipLines(nil, "LOGCTL_AGENT_MAX_LINE=64KiB", "LOGCTL_AGENT_MAX_BUFFER=1MiB")
	want := longMix(3_000_000, 2_000_000)
	text := strings.Join(want, "\n") + "\n"
	half := 2_000_000
	appendTo(w.t, path, []byte(text[:half]))
	w.awaitLanded(10, topic)
	agent.stop()
	agent = w.startAgent(quickScan, "LOGCTL_AGENT_MAX_LINE=64KiB", "LOGCTL_AGENT_MAX_BUFFER=1MiB")
	appendTo(w.t, path, []byte(text[half:]))
	w.joinedExactly(topic, want)
	agent.stop()
}

// giantLine writes the line while the agent follows and looks at the agent's largest
// memory afterwards. The race detector takes several times the memory.
func giantLine(w *world) {
	path, topic, agent := w.shipLines(nil)
	mib := 64
	if torture() {
		mib = 1024
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	w.must(err)
	block := []byte(longText(1<<20, 1))
	for range mib {
		if _, err := f.Write(block); err != nil {
			w.t.Fatal(err)
		}
	}
	_, err = f.WriteString("\nthe end\n")
	w.must(err)
	w.must(f.Close())
	records := w.values(mib+1, topic)
	bytesSeen := 0
	for _, r := range records {
		bytesSeen += len(r.Value)
	}
	if want := mib<<20 + len("the end"); bytesSeen != want {
		w.t.Errorf("%d bytes arrived, want %d", bytesSeen, want)
	}
	lines := w.joined(records)
	if len(lines) != 2 || lines[1] != "the end" || !sameBlocks(lines[0], block) {
		w.t.Errorf("%d lines, want the giant and its neighbour intact", len(lines))
	}
	limit := 256 << 10 // kB
	if testkit.Race {
		limit *= 4
	}
	if peak := agent.status("VmHWM"); peak > limit {
		w.t.Errorf("the agent took %d kB, want at most %d", peak, limit)
	} else {
		w.t.Logf("the agent took %d kB", peak)
	}
	record(w.t, verdict{Written: 2, Lost: max(0, 2-len(lines))})
	agent.stop()
}

func sameBlocks(s string, block []byte) bool {
	for len(s) > 0 {
		n := min(len(s), len(block))
		if s[:n] != string(block[:n]) {
			return false
		}
		s = s[n:]
	}
	return true
}

func topicLimit(w *world) {
	const limit = 100_000
	path := w.path("app.log")
	topic := w.kafka.Topic(w.t, 1, "max.message.bytes", strconv.Itoa(limit))
	w.put(collect(path, topic))
	agent := w.startAgent(quickScan)
	want := longMix(limit-2000, limit-500, limit-100, limit-1, limit, limit+1, 2*limit, 5*limit)
	appendTo(w.t, path, []byte(strings.Join(want, "\n")+"\n"))
	w.joinedExactly(topic, want)
	agent.stop()
}

func utf16Files(w *world) {
	topic := w.kafka.Topic(w.t, 1)
	le, be := entry{"encoding": "utf-16le"}, entry{"encoding": "utf-16be"}
	var list []entry
	for name, enc := range map[string]entry{"le.log": le, "be.log": be} {
		e := collect(w.path(name), topic)
		e["encoding"] = enc["encoding"]
		list = append(list, e)
	}
	w.put(list...)
	var want []string
	lines := []string{"plain", "交易 完成", "", "𝄞 clef", "\u0a00\u000d\u0a0a"} // bytes of a newline inside others
	for _, mark := range []bool{true, false} {
		text := strings.Join(lines, "\r\n") + "\r\n"
		if mark {
			text = "\ufeff" + text
		}
		for name := range map[string]bool{"le.log": false, "be.log": true} {
			appendTo(w.t, w.path(name), utf16Bytes(text, name == "be.log"))
		}
		if mark {
			want = append(want, lines...)
			want = append(want, lines...)
			continue
		}
		want = append(want, lines...)
		want = append(want, lines...)
	}
	agent := w.startAgent(quickScan)
	var got []string
	for _, r := range w.values(len(want), topic) {
		got = append(got, string(r.Value))
	}
	slices.Sort(got)
	slices.Sort(want)
	w.compare(got, want)
	agent.stop()
}

func utf16Bytes(s string, big bool) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

func gbkFile(w *world) {
	path, topic, agent := w.shipLines(entry{"encoding": "gbk"})
	var want []string
	for i := range 20_000 {
		want = append(want, fmt.Sprintf("第 %d 行 日志采集%s", i, strings.Repeat("中", i%13)))
	}
	text, err := simplifiedchinese.GBK.NewEncoder().String(strings.Join(want, "\n") + "\n")
	w.must(err)
	appendTo(w.t, path, []byte(text))
	w.exactly(topic, want...)
	agent.stop()
}

func binaryLines(w *world) {
	path, topic, agent := w.shipLines(nil)
	random := rand.New(rand.NewPCG(1, 2))
	var want []string
	for i := range 2000 {
		b := make([]byte, 1+random.IntN(300))
		for k := range b {
			b[k] = byte(random.Uint32())
		}
		b = bytes.ReplaceAll(b, []byte("\n"), []byte{0})
		line := string(b) + fmt.Sprint(i) // different from all others, no CR at the end
		want = append(want, line)
	}
	want[0] = "begins without NUL" + want[0]
	appendTo(w.t, path, []byte(strings.Join(want, "\n")+"\n"))
	w.exactly(topic, want...)
	agent.stop()
}

func behindTwoGB(w *world) {
	const hole = 3 << 30
	path := w.path("app.log")
	f, err := os.Create(path)
	w.must(err)
	if err := f.Truncate(hole); err != nil {
		w.t.Skipf("the file system does not take a sparse file of 3 GiB: %v", err)
	}
	w.must(f.Close())
	appendTo(w.t, path, []byte("one\ntwo\n"))
	_, topic, agent := w.shipLines(nil)
	w.awaitLanded(2, topic)
	agent.stop()
	appendTo(w.t, path, []byte("three\n"))
	agent = w.startAgent(quickScan)
	w.exactly(topic, "one", "two", "three")
	for i, r := range w.values(3, topic) {
		if got, want := header(r, "pos"), strconv.Itoa(hole+4*i); got != want {
			w.t.Errorf("line %d: pos %s, want %s", i, got, want)
		}
	}
	agent.stop()
}
