package verify

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"logctl/consumer"
	"logctl/internal/kafka"
)

// Source says which topics are read, and from when on.
type Source struct {
	Kafka   kafka.Config
	Topics  []string
	Since   time.Time // zero: from the beginning
	Content bool
	// Progress is told, about once a second, how many records of how many were read, as far
	// as offsets tell. May be nil.
	Progress func(done, all int64)
}

// Cut says of a topic that what it holds does not begin with what was written to it
// first: retention, or Source.Since.
type Cut map[string]bool

// Read reads the topics to their present ends.
func Read(ctx context.Context, src Source) (*Ledger, Cut, error) {
	from := consumer.Oldest()
	if !src.Since.IsZero() {
		from = consumer.FromTime(src.Since)
	}
	r, err := consumer.Open(ctx, consumer.Config{
		Kafka: src.Kafka, Topics: src.Topics, From: from, Isolation: consumer.ReadUncommitted, Reuse: true, Linger: -1,
	})
	if err != nil {
		return nil, nil, err
	}
	l := NewLedger(src.Content)
	tell := time.Now()
	var names namer
	for {
		records, err := r.Next(ctx)
		for i := range records {
			l.take(&records[i], &names)
		}
		if src.Progress != nil && time.Since(tell) > time.Second {
			tell = time.Now()
			src.Progress(progress(r.Partitions()))
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, errors.Join(err, r.Close())
		}
	}
	cut := Cut{}
	for _, p := range r.Partitions() {
		cut[p.Topic] = cut[p.Topic] || p.Start > 0
	}
	return l, cut, r.Close()
}

func progress(parts []consumer.PartitionStat) (done, all int64) {
	for _, p := range parts {
		done += max(0, p.Next-p.Start)
		all += max(0, p.StopAt-p.Start)
	}
	return done, all
}

// namer keeps the texts of headers that repeat from record to record.
type namer struct{ host, path, file string }

func same(have *string, b []byte) string {
	if *have != string(b) {
		*have = string(b)
	}
	return *have
}

// take adds a record of a reader, if it has an address.
func (l *Ledger) take(r *consumer.Record, names *namer) {
	rec := Record{Pos: -1, Partition: r.Partition, At: r.Time, Value: r.Value}
	rec.Topic = r.Topic
	for i := range r.Headers {
		h := &r.Headers[i]
		switch h.Key {
		case "host", "host.name":
			rec.Host = same(&names.host, h.Value)
		case "path", "log.file.path":
			rec.Path = same(&names.path, h.Value)
		case "file":
			if rec.File == "" { // a label may have the name too
				rec.File = same(&names.file, h.Value)
			}
		case "pos":
			rec.Pos = number(h.Value)
		case "part":
			rec.Part = true
		case "log.record.uid", "ce_id": // host/file/pos
			rest, pos, _ := cutLast(h.Value)
			host, file, ok := cutLast(rest)
			if ok {
				rec.Host, rec.File, rec.Pos = same(&names.host, host), same(&names.file, file), number(pos)
			}
		}
	}
	if rec.File == "" || rec.Pos < 0 {
		l.Unaddressed++
		return
	}
	l.Add(&rec)
}

func cutLast(b []byte) (before, after []byte, ok bool) {
	i := bytes.LastIndexByte(b, '/')
	if i < 0 {
		return nil, b, false
	}
	return b[:i], b[i+1:], true
}

// number reads a decimal position; -1 when it is none.
func number(b []byte) int64 {
	if len(b) > 18 {
		n, err := strconv.ParseInt(string(b), 10, 64)
		if err != nil {
			return -1
		}
		return n
	}
	n := int64(0)
	for _, c := range b {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int64(c-'0')
	}
	if len(b) == 0 {
		return -1
	}
	return n
}
