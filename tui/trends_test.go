package tui

import (
	"math"
	"slices"
	"testing"
	"time"

	"logctl/agent/report"
)

// filled counts the cells that are known, and checks that all of them are near a rate.
func filled(t *testing.T, samples []float64, rate float64) int {
	t.Helper()
	n := 0
	for _, v := range samples {
		if math.IsNaN(v) {
			continue
		}
		if n++; n == 1 {
			continue // measured in part
		}
		if math.Abs(v-rate) > rate/100 {
			t.Errorf("a cell is %v, want %v: %v", v, rate, samples)
			return n
		}
	}
	return n
}

// pastReports are those of an agent that reads 100 lines a second, one in a period.
func pastReports(from, to time.Time, period time.Duration) []report.Report {
	var out []report.Report
	for at := from; !at.After(to); at = at.Add(period) {
		r := oneTask(at, uint64(at.Sub(day.Add(-2*time.Hour)).Seconds()*100))
		r.StartedAt = day.Add(-2 * time.Hour)
		out = append(out, r)
	}
	return out
}

func TestTrendsAreThereFromTheFirstSecond(t *testing.T) {
	for _, pastFirst := range []bool{true, false} {
		f := oneAgentFleet()
		past := pastReports(day.Add(-time.Hour), day, 30*time.Second)
		live := pastReports(day.Add(-3*time.Minute), day, 8*time.Second)
		if pastFirst {
			f.addPast(past)
		}
		for i := range live {
			f.addReports(live[i:i+1], nil, day)
		}
		if !pastFirst {
			f.addPast(past)
		}
		f.endPast()
		now := day.Add(time.Second)
		if v := f.build(now); filled(t, v.entries[0].spark, 100) < 55 || filled(t, v.spark, 100) < 55 {
			t.Errorf("past first %v: two minutes are %v", pastFirst, v.entries[0].spark)
		}
		f.widen(true)
		if v := f.build(now); filled(t, v.entries[0].spark, 100) < 58 || !v.hour {
			t.Errorf("past first %v: the hour is %v", pastFirst, v.entries[0].spark)
		}
	}
}

// While no report comes there is a gap; the first one after the outage tells what was read in it.
func TestTrendsSurviveAnOutage(t *testing.T) {
	f := oneAgentFleet()
	all := pastReports(day.Add(-2*time.Minute), day.Add(time.Minute), 2*time.Second)
	cut := slices.IndexFunc(all, func(r report.Report) bool { return r.At.After(day) })
	for i := range all[:cut] {
		f.addReports(all[i:i+1], nil, all[i].At)
	}
	v := f.build(day.Add(time.Minute))
	if n := filled(t, v.entries[0].spark, 100); n < 25 || n > 35 {
		t.Errorf("%d cells are known in the outage: %v", n, v.entries[0].spark)
	}
	f.addReports(all[len(all)-1:], nil, day.Add(time.Minute))
	if n := filled(t, f.build(day.Add(time.Minute)).entries[0].spark, 100); n < 55 {
		t.Errorf("%d cells are known after it", n)
	}
}

func TestTrendsOfAWrongClock(t *testing.T) {
	f := oneAgentFleet()
	all := pastReports(day.Add(-90*time.Minute), day.Add(-88*time.Minute), 2*time.Second)
	now := day
	for i := range all {
		f.addReports(all[i:i+1], nil, now)
		now = now.Add(2 * time.Second)
	}
	if n := filled(t, f.build(now).entries[0].spark, 100); n < 50 {
		t.Errorf("%d cells are known though reports keep coming", n)
	}
}

func TestTrendsAreDropped(t *testing.T) {
	f := oneAgentFleet()
	f.addPast(pastReports(day.Add(-time.Hour), day, time.Minute))
	f.build(day)
	if len(f.trends.of) != 2 {
		t.Fatalf("%d trends", len(f.trends.of))
	}
	f.build(day.Add(2 * time.Hour))
	if len(f.trends.of) != 0 {
		t.Errorf("%d trends after two hours of silence", len(f.trends.of))
	}
}
