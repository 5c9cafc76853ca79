package kafka

import "github.com/rcrowley/go-metrics"

// sarama falls back to the default registry where it is given none, and a meter
// there starts a goroutine that never ends. This is go-metrics' own switch for
// meters that do nothing; nothing else in this program uses the library.
func init() { metrics.UseNilMetrics = true }

// noMetrics is a registry that keeps nothing: sarama's meters cost a
// goroutine and a histogram update per request, and nobody reads them.
type noMetrics struct{}

func (noMetrics) Each(func(string, any))            {}
func (noMetrics) Get(string) any                    { return nil }
func (noMetrics) GetAll() map[string]map[string]any { return nil }
func (noMetrics) Register(string, any) error        { return nil }
func (noMetrics) RunHealthchecks()                  {}
func (noMetrics) Unregister(string)                 {}
func (noMetrics) UnregisterAll()                    {}

// GetOrRegister is given a constructor and answers with a metric of its type
// that does nothing.
func (noMetrics) GetOrRegister(_ string, metric any) any {
	switch metric.(type) {
	case func() metrics.Meter, metrics.Meter:
		return metrics.NilMeter{}
	case func() metrics.Counter, metrics.Counter:
		return metrics.NilCounter{}
	case func() metrics.Histogram, metrics.Histogram:
		return metrics.NilHistogram{}
	}
	return metric
}
