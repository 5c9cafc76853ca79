package tail

import (
	"context"

	"logctl/consumer"
	"logctl/consumer/format"
)

// onlyValues returns what is wanted of each value when cfg asks for nothing else of a
// record, and nil when records are needed.
func onlyValues(cfg *Config) *consumer.Wanted {
	separator, ok := format.OnlyValues(cfg.Printer)
	if !ok || cfg.Decoder != nil || cfg.Keys != nil || cfg.Rate || cfg.Count > 0 {
		return nil
	}
	w := &consumer.Wanted{Separator: separator, Limit: outBuffer}
	if f := cfg.Filter; f != nil {
		if !f.OfValues() {
			return nil
		}
		w.Keep = func(value []byte) bool { return f.Match(nil, nil, value) }
	}
	return w
}

// copyValues prints the values of the next records and returns how many there were.
func (t *tailer) copyValues(ctx context.Context, r *consumer.Reader) (n int, err error) {
	var v consumer.Values
	t.out, v, err = r.AppendValues(ctx, t.out, *t.values)
	t.shown += int64(v.Kept)
	t.passed += int64(v.Passed)
	t.bytes += v.Bytes
	if err == nil && len(t.out) >= outBuffer {
		err = t.write()
	}
	return v.Kept + v.Passed, err
}
