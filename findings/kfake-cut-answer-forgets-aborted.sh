#!/usr/bin/env bash
# kfake (github.com/twmb/franz-go/pkg/kfake, of 2026-09-18), the Kafka in memory for tests, and aborted transactions.
#
# Guess: a consumer of read_committed gets no aborted record, whatever its fetch sizes are.
# Seen:  where a fetch is cut by its max_bytes, the answer has records and no list of aborted transactions: kgo hands
#        the aborted records out. Where the partition's limit cuts it, or nothing does, all is well. Of 6 aborted records of 800 kB:
#          max_bytes 52428800, max_partition_bytes 1048576: 0 aborted records
#          max_bytes 1048576, max_partition_bytes 1048576: 5 aborted records
# So:    a test of transactions on kfake needs max_bytes above what it reads; a real broker lists them in both cases.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'EOF'
package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	ctx := context.Background()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
	must(err)
	defer c.Close()
	for _, end := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
		p, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.TransactionalID(fmt.Sprint(end)), kgo.DefaultProduceTopic("t"),
			kgo.ProducerBatchCompression(kgo.NoCompression()))
		must(err)
		must(p.BeginTransaction())
		for range 6 {
			value := make([]byte, 800_000)
			if end == kgo.TryCommit {
				value = []byte("kept")
			}
			must(p.ProduceSync(ctx, &kgo.Record{Value: value}).FirstErr())
		}
		must(p.EndTransaction(ctx, end))
		p.Close()
	}
	for _, most := range []int32{50 << 20, 1 << 20} {
		r, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("t"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxBytes(most), kgo.FetchMaxPartitionBytes(1<<20))
		must(err)
		aborted := 0
		for kept := 0; kept < 6; {
			r.PollFetches(ctx).EachRecord(func(rec *kgo.Record) {
				if string(rec.Value) == "kept" {
					kept++
				} else {
					aborted++
				}
			})
		}
		r.Close()
		fmt.Printf("max_bytes %d, max_partition_bytes %d: %d aborted records\n", most, 1<<20, aborted)
	}
}
EOF
go mod init x >/dev/null 2>&1
go get github.com/twmb/franz-go@v1.22.2 github.com/twmb/franz-go/pkg/kfake@v0.0.0-20260918054303-01f206a7e32c >/dev/null 2>&1
got=$(GOFLAGS=-mod=mod timeout 120 go run .)
echo "$got"
[[ $got == "max_bytes 52428800, max_partition_bytes 1048576: 0 aborted records
max_bytes 1048576, max_partition_bytes 1048576: 5 aborted records" ]] || { echo changed; exit 1; }
