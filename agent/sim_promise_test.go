//go:build unix

package agent

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"logctl/etcdcfg"
)

// What the agent promises in seconds is measured in pretended time here: work takes none
// of it, so what passes is what the agent waits for, however busy the machine is.

// promised runs an agent in pretended time with one entry for each path of files, a name
// in the directory of logs or a glob, and its topic. The network takes 2 ms for a packet,
// and nothing else happens. The topic t has one partition, the topic big three.
func promised(t *testing.T, config func(*Config), files [][2]string, do func(s *sim)) {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "logctl-promise")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	synctest.Test(t, func(t *testing.T) {
		s := &sim{t: t, net: newSimNet(1), dir: dir, topic: "t", config: config}
		s.net.pace = 2 * time.Millisecond
		l, err := s.net.listen("tcp", simEtcA)
		s.must(err)
		s.etcd = newSimEtcd(l)
		s.kafka, err = kfake.NewCluster(kfake.NumBrokers(3), kfake.Ports(9001, 9002, 9003), kfake.ListenFn(s.net.listen), kfake.SeedTopics(1, s.topic), kfake.SeedTopics(3, "big"))
		s.must(err)
		s.must(os.MkdirAll(filepath.Join(dir, "logs"), 0o755))
		var list []map[string]string
		for _, f := range files {
			list = append(list, map[string]string{"path": s.file(f[0]), "topic": f[1], "from": etcdcfg.FromBeginning})
		}
		raw, err := json.Marshal(list)
		s.must(err)
		s.etcd.mu.Lock()
		s.etcd.kvs[simKey] = newKey(simKey, raw)
		s.etcd.mu.Unlock()
		do(s)
		if s.client != nil {
			s.end()
		}
		s.close()
	})
}

// file is the path of a file in the directory of logs.
func (s *sim) file(name string) string { return filepath.Join(s.dir, "logs", name) }

// grow appends to a file.
func (s *sim) grow(name string, data []byte) {
	s.t.Helper()
	f, err := os.OpenFile(s.file(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	s.must(err)
	_, err = f.Write(data)
	s.must(err)
	s.must(f.Close())
	now := time.Now()
	s.must(os.Chtimes(s.file(name), now, now))
}

// records is how many records and markers the topic t has.
func (s *sim) records() (n int64) {
	for _, p := range s.kafka.PartitionInfos(s.topic) {
		n += p.HighWatermark
	}
	return n
}

// until is how long it takes until the topic t has so many records.
func (s *sim) until(n int64) time.Duration {
	s.t.Helper()
	began := time.Now()
	for s.records() < n {
		time.Sleep(time.Millisecond)
		if time.Since(began) > 10*time.Minute {
			s.t.Fatalf("%d of %d records after %v", s.records(), n, time.Since(began))
		}
	}
	return time.Since(began)
}

// numbered is so many lines of 100 bytes, from a number on.
func numbered(from, n int) []byte {
	var out bytes.Buffer
	for i := range n {
		fmt.Fprintf(&out, "%099d\n", from+i)
	}
	return out.Bytes()
}

// TestDeadTopicsTakeNoTime: fifty entries on topics that are missing, each a glob of ten
// files of 2 MB, do not make the lines of a living topic wait.
func TestDeadTopicsTakeNoTime(t *testing.T) {
	const rounds, lines = 8, 30_000
	measure := func(dead int) (took time.Duration) {
		files := [][2]string{{"a.log", "t"}}
		for i := range dead {
			files = append(files, [2]string{"dead*.txt", fmt.Sprintf("missing-%d", i)})
		}
		promised(t, nil, files, func(s *sim) {
			for i := range 10 {
				s.grow(fmt.Sprintf("dead%d.txt", i), numbered(i<<20, 20_000))
			}
			s.begin()
			s.grow("a.log", numbered(0, 1))
			s.until(1)
			time.Sleep(20 * time.Second) // what dead topics do first and last is behind them
			for i := range rounds {
				s.grow("a.log", numbered(1+i*lines, lines))
				took += s.until(int64(1 + (i+1)*lines))
				time.Sleep(777 * time.Millisecond)
			}
		})
		return took
	}
	alone, beside := measure(0), measure(50)
	t.Logf("%d lines take %v alone and %v beside dead topics", rounds*lines, alone, beside)
	if beside > alone*10/9 {
		t.Errorf("%d lines take %v beside dead topics, %v alone", rounds*lines, beside, alone)
	}
}

// TestSmallLinesBesideBacklogs: a line of a small file does not wait for twenty files with
// a large backlog, however small the buffer is.
func TestSmallLinesBesideBacklogs(t *testing.T) {
	small := func(c *Config) { c.MaxBuffer, c.MaxLines = 1<<20, 3000 }
	promised(t, small, [][2]string{{"big*.log", "big"}, {"small.log", "t"}}, func(s *sim) {
		for i := range 20 {
			s.grow(fmt.Sprintf("big%d.log", i), numbered(i<<20, 20_000))
		}
		s.begin()
		for i := range 10 {
			s.grow("small.log", numbered(i, 1))
			if took := s.until(int64(i + 1)); took > 300*time.Millisecond {
				t.Errorf("line %d of the small file took %v; looks are 100 ms apart", i+1, took)
			}
		}
	})
}

// TestTinyFileDoesNotWait: five bytes are sent at the next look, although a file of that
// size has no head to be known by.
func TestTinyFileDoesNotWait(t *testing.T) {
	promised(t, nil, [][2]string{{"a.log", "t"}}, func(s *sim) {
		s.begin()
		time.Sleep(5 * time.Second)
		s.grow("a.log", []byte("tiny\n"))
		if took := s.until(1); took > 1100*time.Millisecond {
			t.Errorf("a tiny file took %v; directories are looked at once a second", took)
		}
	})
}

// TestHandOverTakesLessThanASecond stops an agent that has lines on their way, as an
// upgrade does, and starts the next one.
func TestHandOverTakesLessThanASecond(t *testing.T) {
	promised(t, nil, [][2]string{{"a.log", "t"}}, func(s *sim) {
		s.begin()
		s.grow("a.log", numbered(0, 1000))
		s.until(1000)
		s.grow("a.log", numbered(1000, 1000))
		began := time.Now()
		s.end()
		s.begin()
		s.grow("a.log", numbered(2000, 1000))
		s.until(3000)
		if took := time.Since(began); took > time.Second {
			t.Errorf("the hand-over took %v", took)
		}
	})
}

// TestStopWhileNothingAnswers: etcd and all brokers have gone silent without closing a
// connection, and lines are on their way. The agent ends within ten seconds all the same.
func TestStopWhileNothingAnswers(t *testing.T) {
	promised(t, nil, [][2]string{{"a.log", "t"}, {"missing.log", "missing"}}, func(s *sim) {
		s.begin()
		s.grow("a.log", numbered(0, 1000))
		s.until(1000)
		s.net.mute.Store(true)
		s.grow("a.log", numbered(1000, 100_000))
		s.grow("missing.log", numbered(0, 100_000))
		time.Sleep(3 * time.Second)
		began := time.Now()
		s.end()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("ended after %v, want 10 s at most", took)
		}
		s.net.mute.Store(false)
	})
}
