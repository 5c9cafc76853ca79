//go:build unix

package e2e

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"logctl/internal/kafka"
)

// byCompress is logrotate's default with compress and delaycompress: the file gets another
// name, and the generation before it becomes a .gz.
func byCompress(path string, n int) error {
	if err := byRename(path, n); err != nil || n == 1 {
		return err
	}
	older := fmt.Sprintf("%s.%d", path, n-1)
	from, err := os.Open(older)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.Create(older + ".gz")
	if err != nil {
		return err
	}
	zip := gzip.NewWriter(to)
	if _, err := io.Copy(zip, from); err != nil {
		return err
	}
	return errors.Join(zip.Close(), to.Close(), os.Remove(older))
}

// killMoment is when in its life an agent is killed.
type killMoment struct {
	name  string
	after string        // a line of its log; empty: the start
	most  time.Duration // a random time behind that, at most
}

// killMoments are taken in turn: half of the lives ship for a while, the others end in what
// is to make the end before them harmless.
var killMoments = []killMoment{
	{"shipping", "", 900 * time.Millisecond},
	{"fence", "transactional id taken", 20 * time.Millisecond},
	{"shipping", "looked back at", 400 * time.Millisecond},
	{"look back", "the last life is fenced", 30 * time.Millisecond},
	{"shipping", "", 500 * time.Millisecond},
	{"start", "agent runs", 60 * time.Millisecond},
}

// said waits until the process has logged a text, has ended, or has had its time.
func (p *process) said(text string, within time.Duration) bool {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(p.err.String(), text) {
		select {
		case <-p.done:
			return false
		case <-deadline.C:
			return false
		case <-tick.C:
		}
	}
	return true
}

// TestTortureOnce kills the agent a thousand times under load over 20 files that are
// rotated and compressed, a fifth of the times while it fences or looks back, and the
// leader of a partition now and then. A plain consumer sees each line once and in order.
// LOGCTL_KILLS and LOGCTL_KILLS_FOR make a piece of it: so many kills, or as many as fit.
// LOGCTL_KILLS_LOGS is a directory for the logs of all lives.
func TestTortureOnce(t *testing.T) {
	b := realBrokers(t)
	kills, end := 1000, time.Time{}
	if n, err := strconv.Atoi(os.Getenv("LOGCTL_KILLS")); err == nil {
		kills = n
	}
	if d, err := time.ParseDuration(os.Getenv("LOGCTL_KILLS_FOR")); err == nil {
		end = time.Now().Add(d)
	}
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("LOGCTL_KILLS_SEED"), 10, 64); err == nil {
		seed = n
	}
	r := rand.New(rand.NewPCG(seed, 15))
	w := newWorld(t)
	topic := w.kafka.Topic(t, 6)
	l := newLedger()
	var lanes []laneSpec
	for i := range 20 {
		lanes = append(lanes, laneSpec{fmt.Sprintf("file%d.log", i), byCompress})
	}
	w.put(w.collectAll(topic, lanes...)...)
	w.traced = os.Getenv("LOGCTL_KILLS_LOGS") != ""
	agent := w.startAgent()
	f := w.flow(l, 2, 600, lanes...)
	w.arrived(1000, topic)
	admin := kafka.NewAdmin(w.client())
	done, in := 0, map[string]int{}
	for i := 0; i < kills && (end.IsZero() || time.Now().Before(end)); i++ {
		m := killMoments[i%len(killMoments)]
		reached := m.after == "" || agent.said(m.after, 10*time.Second)
		f.during(time.Duration(r.Int64N(int64(m.most))))
		agent.kill()
		keepLog(t, agent, i)
		if done++; reached {
			in[m.name]++
		}
		switch i % 60 {
		case 20:
			b.kill(leaderOf(t, admin, topic, i))
		case 35:
			b.start(1, 2, 3)
		}
		agent = w.startAgent()
	}
	b.start(1, 2, 3)
	f.stop()
	if err := admin.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("seed %d: %d kills: %v", seed, done, in)
	w.clean(newCounter(l), topic)
	w.proved()
	w.soundPositions()
	agent.stop()
}

// keepLog writes the log of a life into the directory LOGCTL_KILLS_LOGS.
func keepLog(t *testing.T, p *process, life int) {
	t.Helper()
	if dir := os.Getenv("LOGCTL_KILLS_LOGS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("life-%04d.log", life)), []byte(p.err.String()), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// leaderOf is the broker that leads one of the topic's partitions, another one each round.
func leaderOf(t *testing.T, admin *kafka.Admin, topic string, round int) int {
	t.Helper()
	found, err := admin.Topic(t.Context(), topic)
	if err == nil {
		if id := int(found.Partitions[round%len(found.Partitions)].Leader); id >= 1 && id <= brokerCount {
			return id
		}
	}
	return round%brokerCount + 1
}

// TestCompressingRotation is byCompress without a kill: the test of the test.
func TestCompressingRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := newLedger()
	a := w.writer(l, "app.log")
	topic, agent := w.follow(a.path)
	for n := range 5 {
		w.must(write(a.path, l.lines("app.log", 300)))
		w.awaitLanded(l.written(), topic)
		if n < 4 {
			w.must(byCompress(a.path, n+1))
		}
	}
	w.clean(newCounter(l), topic)
	if _, err := os.Stat(a.path + ".3.gz"); errors.Is(err, fs.ErrNotExist) {
		t.Error("nothing was compressed")
	}
	w.proved()
	agent.stop()
}
