package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/twmb/franz-go/pkg/kgo"
)

// numbered finds a driver's line in what a library made of it.
var numbered = regexp.MustCompile(`line (\d{8}) x{40}`)

// topicCount is what arrived in one topic, in its order.
type topicCount struct {
	seen    map[int]int // line number → times
	highest int
	late    int   // lines seen first after a higher one
	noise   int   // records that are no text
	odd     spans // lines that came again, or late, in their order
}

// spans are runs of numbers.
type spans [][2]int

func (s *spans) add(n int) {
	if k := len(*s); k > 0 && (*s)[k-1][1] == n-1 {
		(*s)[k-1][1] = n
		return
	}
	*s = append(*s, [2]int{n, n})
}

func (s spans) String() string {
	const most = 8
	var b strings.Builder
	for i, r := range s {
		if i == most {
			fmt.Fprintf(&b, " and %d more", len(s)-most)
			break
		}
		fmt.Fprintf(&b, " %d..%d", r[0], r[1])
	}
	return b.String()
}

// counter reads all topics from their beginning and counts lines while they come.
type counter struct {
	client *kgo.Client
	done   chan struct{}

	mu     sync.Mutex
	topics map[string]*topicCount
	last   time.Time // when a record came last
}

func newCounter(ctx context.Context, addr string, topics []string) (*counter, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, err
	}
	c := &counter{client: client, done: make(chan struct{}), topics: map[string]*topicCount{}, last: time.Now()}
	for _, t := range topics {
		c.topics[t] = &topicCount{seen: map[int]int{}}
	}
	go func() {
		defer close(c.done)
		for ctx.Err() == nil {
			fetches := client.PollFetches(ctx)
			if fetches.IsClientClosed() {
				return
			}
			c.add(fetches)
		}
	}()
	return c, nil
}

func (c *counter) add(fetches kgo.Fetches) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fetches.EachRecord(func(r *kgo.Record) {
		c.last = time.Now()
		t := c.topics[r.Topic]
		m := numbered.FindSubmatch(r.Value)
		if m == nil {
			if bytes.ContainsRune(r.Value, 0) || bytes.ContainsFunc(r.Value, func(x rune) bool { return x == '\uFFFD' }) {
				t.noise++
			}
			return
		}
		n, _ := strconv.Atoi(string(m[1])) // eight digits
		if t.seen[n]++; t.seen[n] == 1 && n < t.highest {
			t.late++
		}
		if t.seen[n] > 1 || n < t.highest {
			t.odd.add(n)
		}
		t.highest = max(t.highest, n)
	})
}

// quiet waits until nothing has come for a while, within the limit.
func (c *counter) quiet(ctx context.Context, since time.Time, still, limit time.Duration) {
	for ctx.Err() == nil && time.Since(since) < limit {
		c.mu.Lock()
		last := c.last
		c.mu.Unlock()
		if last.Before(since) {
			last = since
		}
		if time.Since(last) > still {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (c *counter) close() {
	c.client.Close()
	<-c.done
}

// onDisk returns the numbers of the lines that stand in the files below dir, in any
// compression that the writers use.
func onDisk(dir string) (map[int]bool, error) {
	found := map[int]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		text, err := plain(data)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		for _, m := range numbered.FindAllSubmatch(text, -1) {
			n, _ := strconv.Atoi(string(m[1]))
			found[n] = true
		}
		return nil
	})
	return found, err
}

// plain unpacks data if its first bytes say that it is packed.
func plain(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte{0x1f, 0x8b}):
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	case bytes.HasPrefix(data, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		r, err := zstd.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	case bytes.HasPrefix(data, []byte("BZh")):
		return io.ReadAll(bzip2.NewReader(bytes.NewReader(data)))
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return nil, err
		}
		var out []byte
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				return nil, err
			}
			text, err := io.ReadAll(bufio.NewReader(r))
			_ = r.Close()
			if err != nil {
				return nil, err
			}
			out = append(out, text...)
		}
		return out, nil
	}
	return data, nil
}
