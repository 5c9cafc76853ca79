package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"
)

// measure runs the wanted parts and writes the results. A part that fails does not stop
// the others.
func measure(ctx context.Context, o options) (err error) {
	l, err := newLab(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	r := &results{began: time.Now()}
	for _, part := range []struct {
		name   string
		logctl bool // needs the binary
		run    func(context.Context, *results) error
	}{
		{"throughput", false, l.throughput},
		{"latency", false, l.latency},
		{"idle", true, l.idle},
		{"many", true, l.many},
		{"fairness", true, l.fairness},
		{"start", true, l.restarts},
		{"reading", true, l.reading},
		{"console", true, l.console},
		{"losses", false, l.losses},
		{"micro", true, l.micro},
	} {
		if !o.wants(part.name) || part.logctl && l.logctl == "" {
			continue
		}
		progress("%s", part.name)
		if err := part.run(ctx, r); err != nil {
			progress("%s: %v", part.name, err)
			r.fail(part.name, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	r.throughputBars()
	var text bytes.Buffer
	r.write(ctx, &text, l.options)
	if _, err := os.Stdout.Write(text.Bytes()); err != nil {
		return err
	}
	if o.out != "" {
		if err := os.WriteFile(o.out, text.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write the results: %w", err)
		}
	}
	return nil
}

// throughputBars compares logctl's medians with the others'.
func (r *results) throughputBars() {
	plain, ok := r.middle("logctl, no compression, no headers")
	spread, _ := r.middle("logctl, no compression, no headers, 3 partitions")
	defaults, okDefaults := r.middle("logctl, defaults")
	raw1, okRaw1 := r.middle("raw limit, 1 partition")
	raw3, okRaw3 := r.middle("raw limit, 3 partitions")
	kcat, okKcat := r.middle("kcat")
	fluent, okFluent := r.middle("Fluent Bit")
	best := max(plain.rate, spread.rate)
	atLeast := func(what string, a, b, limit float64) {
		r.bars = append(r.bars, bar{what: what, figure: ratio(a, b), value: a / b, want: fmt.Sprintf("≥ %.1f", limit), limit: limit})
	}
	atMost := func(what string, a, b, limit float64) {
		r.bars = append(r.bars, bar{what: what, figure: ratio(a, b), value: a / b, want: fmt.Sprintf("≤ %.1f", limit), limit: limit, atMost: true})
	}
	if ok && okRaw3 {
		atLeast("lines/s against the raw limit over 3 partitions", best, raw3.rate, 0.6)
	}
	if ok && okRaw1 {
		atLeast("lines/s against the raw limit, file order kept in 1 partition", plain.rate, raw1.rate, 0.6)
	}
	if ok && okKcat {
		atLeast("lines/s against kcat", best, kcat.rate, 1)
		atMost("CPU per GB, no compression, no headers, against kcat's", plain.cpu, kcat.cpu, 1)
	}
	if okDefaults && okKcat {
		atMost("CPU per GB, defaults (lz4, three headers), against kcat's without compression", defaults.cpu, kcat.cpu, 1.6)
	}
	if ok && okFluent {
		atLeast("lines/s against Fluent Bit", best, fluent.rate, 2.5)
	}
	if okDefaults {
		peak := max(r.most("logctl, defaults"), r.most("logctl, no compression, no headers"), r.most("logctl, no compression, no headers, 3 partitions"))
		r.bars = append(r.bars, bar{what: "peak RSS", figure: fmt.Sprintf("%.0f MB", peak), value: peak, want: "≤ 64 MB", limit: 64, atMost: true})
	}
}

// moduleVersion is the version of a module this binary was built with.
func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return ""
}
