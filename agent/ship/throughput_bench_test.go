package ship

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"logctl/internal/testkit"
)

// BenchmarkThroughput ships 150-byte lines of a few files to three partitions of
// the embedded broker, or of the real one that testkit.KafkaEnv names. With the
// embedded one most of the time is the broker's. An operation is one line.
func BenchmarkThroughput(b *testing.B) {
	for _, codec := range []string{"none", "lz4"} {
		for _, headers := range []bool{false, true} {
			b.Run(fmt.Sprintf("codec=%s/headers=%v", codec, headers), func(b *testing.B) {
				k := testkit.Kafka(b)
				p, err := New(Config{Kafka: k.Config(), Compression: codec})
				if err != nil {
					b.Fatal(err)
				}
				ctx, cancel := context.WithCancel(b.Context())
				ended := make(chan error, 1)
				go func() { ended <- p.Run(ctx) }()
				topic := k.Topic(b, 3)
				sample := lines(1760, 149, headers)
				for i := range sample.Data {
					if sample.Data[i] != '\n' {
						sample.Data[i] = "0123456789abcdef ghijklmnopqrstuvwxyz:/-"[(i*i/7+i)%40]
					}
				}
				b.SetBytes(150)
				b.ReportAllocs()
				b.ResetTimer()
				var wg sync.WaitGroup
				for f := range 6 {
					wg.Go(func() {
						for n := f * 1760; n < b.N; n += 6 * 1760 {
							bundle := *sample
							bundle.Topic, bundle.Key, bundle.Time = topic, fmt.Sprint("file", f), time.Now()
							bundle.Done = func(Result) {}
							if err := p.Send(ctx, &bundle); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				if err := p.Drain(ctx); err != nil {
					b.Error(err)
				}
				b.StopTimer()
				cancel()
				if err := <-ended; err != nil {
					b.Error(err)
				}
			})
		}
	}
}

// BenchmarkLatency is the time from Send to Done of a single line, one at a
// time, on an idle producer.
func BenchmarkLatency(b *testing.B) {
	k := testkit.Kafka(b)
	p, err := New(Config{Kafka: k.Config()})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	topic := k.Topic(b, 1)
	done := make(chan struct{})
	var worst time.Duration
	for b.Loop() {
		bundle := lines(1, 149, true)
		bundle.Topic = topic
		bundle.Done = func(Result) { done <- struct{}{} }
		begin := time.Now()
		if err := p.Send(ctx, bundle); err != nil {
			b.Fatal(err)
		}
		<-done
		worst = max(worst, time.Since(begin))
	}
	b.ReportMetric(float64(worst.Microseconds()), "worst-µs")
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
}

// BenchmarkTrickle sends a line every millisecond and measures each from Send
// to Done.
func BenchmarkTrickle(b *testing.B) {
	k := testkit.Kafka(b)
	p, err := New(Config{Kafka: k.Config()})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	topic := k.Topic(b, 3)
	took := make([]time.Duration, b.N)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	b.ResetTimer()
	for i := range b.N {
		<-tick.C
		bundle := lines(1, 149, true)
		bundle.Topic = topic
		begin := time.Now()
		bundle.Done = func(Result) { took[i] = time.Since(begin) }
		if err := p.Send(ctx, bundle); err != nil {
			b.Fatal(err)
		}
	}
	if err := p.Drain(ctx); err != nil {
		b.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[b.N/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[b.N*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64(p.Stats().Requests), "requests")
}
