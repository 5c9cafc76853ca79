package report

import (
	"strconv"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
)

// collector turns a Report into Prometheus metrics at each scrape, so that nothing
// is kept for tasks that are gone.
type collector struct {
	snapshot func() Report

	info, kafka, revision, up         *prometheus.Desc
	lines, bytes, ackLines, ackBytes  *prometheus.Desc
	split, skipped, unreadable        *prometheus.Desc
	filtered, unparsed                *prometheus.Desc
	deleted                           *prometheus.Desc
	passed                            *prometheus.Desc
	files, lag, oldest, state, topLag *prometheus.Desc
}

func newCollector(snapshot func() Report) *collector {
	task := []string{"path", "topic"}
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("logctl_"+name, help, labels, nil)
	}
	return &collector{
		snapshot:   snapshot,
		info:       d("agent_info", "The agent; always 1.", "agent", "host", "version"),
		up:         d("agent_start_time_seconds", "Start of the agent, Unix time."),
		kafka:      d("kafka_up", "1 when the brokers are reachable."),
		revision:   d("list_revision", "etcd revision of the applied list of entries."),
		lines:      d("task_read_lines_total", "Lines read.", task...),
		bytes:      d("task_read_bytes_total", "Bytes read.", task...),
		ackLines:   d("task_acked_lines_total", "Lines acknowledged by Kafka.", task...),
		ackBytes:   d("task_acked_bytes_total", "Bytes acknowledged by Kafka.", task...),
		split:      d("task_split_lines_total", "Lines sent in parts.", task...),
		skipped:    d("task_skipped_lines_total", "Lines knowingly not sent, filters not counted.", task...),
		filtered:   d("task_filtered_records_total", "Records that the entry's filters left out.", task...),
		unparsed:   d("task_unparsed_lines_total", "Lines that are not in the entry's format, and went as they are.", task...),
		passed:     d("task_skipped_bytes", "Bytes that stood in files when the entry was first followed, and are not sent (from = end).", task...),
		unreadable: d("task_unreadable_bytes_total", "Bytes that were gone before they could be read.", task...),
		deleted:    d("task_deleted_open_bytes", "Bytes of deleted files that are kept open.", task...),
		files:      d("task_files", "Files known.", task...),
		lag:        d("task_lag_bytes", "Sizes of the files minus their acknowledged positions.", task...),
		oldest:     d("task_oldest_unacked_seconds", "Age of the oldest line read and not acknowledged.", task...),
		state:      d("task_state", "1 for the state the task is in.", "path", "topic", "state"),
		topLag:     d("file_lag_bytes", "Lag of the files with most of it.", "path", "topic", "file"),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	r := c.snapshot()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, legible(labels)...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), legible(labels)...)
	}
	gauge(c.info, 1, r.Agent, r.Host, r.Version)
	gauge(c.up, float64(r.StartedAt.UnixMilli())/1e3)
	gauge(c.revision, float64(r.Revision))
	kafkaUp := 0.0
	if r.Kafka == "ok" {
		kafkaUp = 1
	}
	gauge(c.kafka, kafkaUp)
	for i := range r.Tasks {
		t := &r.Tasks[i]
		count(c.lines, t.Lines, t.Path, t.Topic)
		count(c.bytes, t.Bytes, t.Path, t.Topic)
		count(c.ackLines, t.AckedLines, t.Path, t.Topic)
		count(c.ackBytes, t.AckedBytes, t.Path, t.Topic)
		count(c.split, t.Split, t.Path, t.Topic)
		count(c.skipped, t.Skipped, t.Path, t.Topic)
		count(c.filtered, t.Rules.Filtered, t.Path, t.Topic)
		count(c.unparsed, t.Rules.Unparsed, t.Path, t.Topic)
		count(c.unreadable, t.Unreadable, t.Path, t.Topic)
		gauge(c.files, float64(t.Files), t.Path, t.Topic)
		gauge(c.deleted, float64(t.DeletedOpen), t.Path, t.Topic)
		gauge(c.lag, float64(t.LagBytes), t.Path, t.Topic)
		gauge(c.passed, float64(t.SkippedBytes), t.Path, t.Topic)
		gauge(c.oldest, float64(t.OldestUnackedMS)/1e3, t.Path, t.Topic)
		gauge(c.state, 1, t.Path, t.Topic, string(t.State))
		named := map[string]bool{}
		for _, f := range t.TopFiles {
			if lag := f.Size - f.Acked; lag > 0 && !named[f.Path] {
				named[f.Path] = true
				gauge(c.topLag, float64(lag), t.Path, t.Topic, f.Path)
			}
		}
	}
}

// legible makes names label values, which must be UTF-8: one that is not, as a file's may
// be, is written with escapes, so that those of two files remain two.
func legible(labels []string) []string {
	for i, s := range labels {
		if !utf8.ValidString(s) {
			s = strconv.Quote(s)
			labels[i] = s[1 : len(s)-1]
		}
	}
	return labels
}
