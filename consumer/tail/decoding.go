package tail

import (
	"context"

	"logctl/consumer"
	"logctl/consumer/decode"
)

// decodeFailures counts what could not be decoded and is shown as it came.
type decodeFailures struct {
	count int64
	told  bool
}

// decode puts the decoded forms into t.record. What cannot be decoded stays as it
// is; the first such record is told.
func (t *tailer) decode(ctx context.Context, rec *consumer.Record) {
	if t.cfg.Keys != nil && rec.Key != nil {
		if form, err := t.cfg.Keys.Decode(ctx, decode.Input{Topic: rec.Topic, Bytes: rec.Key, Key: true, Headers: rec.Headers}, t.key[:0]); err != nil {
			t.undecoded(rec, "key", err)
		} else {
			t.key, t.record.Key, t.record.KeyJSON = form.Bytes, form.Bytes, form.JSON
		}
	}
	if t.cfg.Decoder != nil && rec.Value != nil {
		if form, err := t.cfg.Decoder.Decode(ctx, decode.Input{Topic: rec.Topic, Bytes: rec.Value, Headers: rec.Headers}, t.value[:0]); err != nil {
			t.undecoded(rec, "value", err)
		} else {
			t.value, t.record.Value, t.record.ValueJSON = form.Bytes, form.Bytes, form.JSON
		}
	}
}

func (t *tailer) undecoded(rec *consumer.Record, what string, err error) {
	t.failed.count++
	if t.failed.told {
		return
	}
	t.failed.told = true
	t.say("the %s of partition %d offset %d is shown as it came: %v; more of these are counted only", what, rec.Partition, rec.Offset, err)
}
