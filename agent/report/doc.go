// Package report is what an agent lets others see: the Report it publishes to
// Kafka, and the same numbers as Prometheus metrics.
//
// Contract: a Reporter publishes a snapshot every interval, keyed by agent id, and
// never holds one back: when Kafka does not take it, it is dropped and the next one
// says it all again, because counters are cumulative. It creates the report topic
// when it is missing and it may. The Server serves /metrics, /healthz, /readyz and
// /debug/pprof on the address it is given and nothing else. Both take their numbers
// from a function, and know nothing of tasks.
package report
