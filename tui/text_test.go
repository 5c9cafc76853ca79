package tui

import (
	"math"
	"testing"
	"time"
)

func TestHumanNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.3: "<1", 7: "7", 950: "950", 999.6: "1.0k", 31_200: "31.2k", 999_960: "1.0M", 188_446_744: "188M", math.NaN(): "-", -5: "-5"} {
		if got := humanCount(v); got != want {
			t.Errorf("humanCount(%v) = %q, want %q", v, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KB", 1.2 * 1024 * 1024: "1.2 MB", 300 * 1024: "300 KB"} {
		if got := humanBytes(v); got != want {
			t.Errorf("humanBytes(%v) = %q, want %q", v, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 3 * time.Second: "3s", 4 * time.Minute: "4m", 2*time.Hour + 10*time.Minute: "2h10m", 12*time.Hour + time.Minute: "12h", 75 * time.Hour: "3d",
	} {
		if got := humanAge(d); got != want {
			t.Errorf("humanAge(%v) = %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{400 * time.Microsecond: "0.4ms", 12 * time.Millisecond: "12ms", 1300 * time.Millisecond: "1.3s", 3 * time.Minute: "3m"} {
		if got := humanLatency(d); got != want {
			t.Errorf("humanLatency(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestFitPathKeepsTheEnd(t *testing.T) {
	for _, c := range []struct {
		in   string
		w    int
		want string
	}{
		{"/var/log/app/access.log", 12, "…/access.log"},
		{"/a", 5, "/a   "},
		{"/data/日志/交易.log", 9, "…交易.log"},
		{"/data/日志/交易.log", 8, "…易.log "},
	} {
		if got := fitPath(c.in, c.w); got != c.want {
			t.Errorf("fitPath(%q, %d) = %q, want %q", c.in, c.w, got, c.want)
		}
	}
}

func TestSparkline(t *testing.T) {
	gap := math.NaN()
	for _, c := range []struct {
		in   []float64
		w    int
		want string
	}{
		{[]float64{0, 0, 0}, 3, "▁▁▁"},
		{[]float64{0, 1, 7}, 3, "▁▂█"},
		{[]float64{gap, gap, 5}, 3, "  █"},
		{[]float64{5, gap, 5}, 3, "█ █"},
		{[]float64{1, 3, 8, 8}, 2, "▂█"},
		{[]float64{8}, 4, "   █"},
	} {
		if got := sparkline(c.in, c.w); got != c.want {
			t.Errorf("sparkline(%v, %d) = %q, want %q", c.in, c.w, got, c.want)
		}
	}
}

func TestMeter(t *testing.T) {
	var m meter
	if !math.IsNaN(m.rate(day)) {
		t.Error("a rate is known before anything was counted")
	}
	for i := range 10 {
		m.add(100, day.Add(time.Duration(i)*time.Second))
	}
	now := day.Add(10 * time.Second)
	if got := m.rate(now); got != 100 {
		t.Errorf("rate %v", got)
	}
	if got := m.rate(now.Add(20 * time.Second)); got != 0 {
		t.Errorf("rate after silence %v", got)
	}
	s := m.series(60, now.Add(20*time.Second))
	if !math.IsNaN(s[0]) || s[59] != 0 || s[30] != 100 {
		t.Errorf("series %v", s)
	}
	if got := m.rate(now.Add(time.Hour)); got != 0 {
		t.Errorf("rate after an hour %v", got)
	}
}

func TestStampNamesTheDayOfWhatIsNotOfToday(t *testing.T) {
	now := time.Date(2026, 3, 4, 3, 10, 0, 0, time.FixedZone("CST", 8*3600))
	for _, c := range []struct {
		at   time.Time
		want string
	}{
		{now, "03:10:00"},
		{now.Add(-4 * time.Hour), "03-03 23:10"},
		{now.Add(-4 * time.Hour).UTC(), "03-03 23:10"},
		{now.Add(-2 * time.Hour).UTC(), "01:10:00"}, // another day in UTC
		{now.AddDate(-1, 0, 0), "2025-03-04 03:10"},
	} {
		if got := stamp(c.at, now); got != c.want {
			t.Errorf("%v: %q, want %q", c.at, got, c.want)
		}
	}
}

func TestTroubleOfYesterdayIsNotOfToday(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.wants(t, "permission denied since 18:27:04")
		fl := c.root.env.feed.fleet
		fl.setLink(&fl.kafka, "no broker answers", c.clock)
		c.clock = c.clock.Add(24 * time.Hour)
		c.fresh()
		c.wants(t, "permission denied since 03-04 18:27", "kafka ✗ lost 03-04 18:31")
	})
}
