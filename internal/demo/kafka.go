package demo

import (
	"context"
	"runtime"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// segmentBytes is the size of the broker's files. Retention removes whole ones only.
const segmentBytes = 16 << 20

// retain is how long a record stays: what the broker knows about each batch is in memory.
const retain = 30 * time.Minute

// inMemory is how much of each partition stays where it is kept in memory, bytes.
const inMemory = 8 << 20

// onDisk tells whether records live in files. The broker renames files that it has open,
// which Windows refuses: there they live in memory, of which there is less.
const onDisk = runtime.GOOS != "windows"

// startKafka starts one broker in dir on a free loopback port with the topics of opts.
// Records live in files, so that memory does not grow with what was sent.
func startKafka(dir string, opts Options) (*kfake.Cluster, error) {
	storage := []kfake.Opt{kfake.NumBrokers(1)}
	if onDisk {
		storage = append(storage, kfake.DataDir(dir))
	} else {
		opts.RetainBytes = min(opts.RetainBytes, inMemory)
	}
	return kfake.NewCluster(append(storage,
		kfake.DefaultNumPartitions(opts.Partitions),
		kfake.SeedTopics(int32(opts.Partitions), opts.Topics...),
		kfake.BrokerConfigs(map[string]string{
			"log.retention.bytes": strconv.FormatInt(opts.RetainBytes, 10),
			"log.retention.ms":    strconv.FormatInt(retain.Milliseconds(), 10),
			"log.segment.bytes":   strconv.FormatInt(min(segmentBytes, opts.RetainBytes), 10),
		}),
	)...)
}

// applyRetention drops what is beyond the retention limits once in a while: the broker
// itself looks only at topics with limits of their own, and only once an hour.
func applyRetention(ctx context.Context, cluster *kfake.Cluster) {
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			cluster.ApplyRetention()
		}
	}
}
