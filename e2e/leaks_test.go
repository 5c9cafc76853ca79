package e2e

import (
	"fmt"
	"strings"

	"logctl/internal/testkit"
)

// nothingLeaks adds and removes entries again and again, also while the lines of the last
// round are not acknowledged: nothing is left behind, and nothing is sent twice.
func nothingLeaks(w *world) {
	cycles := 100
	if torture() {
		cycles = 1000
	}
	l := newLedger()
	stay, come := w.writer(l, "stay.log"), w.writer(l, "come/come.log")
	topic := w.kafka.Topic(w.t, 1)
	agent := w.startAgent(quickScan, listen)
	set := func(list ...entry) {
		w.put(list...)
		got, err := w.store.Get(w.t.Context(), w.key)
		w.must(err)
		testkit.Eventually(w.t, "the list is applied", func() bool {
			return w.sum(agent, "logctl_list_revision") >= float64(got.Kvs[0].ModRevision)
		})
	}
	measure := func() (goroutines, descriptors int) {
		set(collect(stay.path, topic))
		head, _, _ := strings.Cut(w.get(agent, "/debug/pprof/goroutine?debug=1"), "\n")
		if _, err := fmt.Sscanf(head, "goroutine profile: total %d", &goroutines); err != nil {
			w.t.Fatalf("%q: %v", head, err)
		}
		return goroutines, len(agent.descriptors())
	}
	cycle := func() {
		come.lines(2)
		set(collect(stay.path, topic), collect(come.path, topic), collect(w.path("come/*.none"), topic))
		stay.lines(1)
		set(collect(stay.path, topic))
	}
	for range 10 {
		cycle()
	}
	g0, d0 := measure()
	for range cycles {
		cycle()
	}
	g1, d1 := 0, 0
	settled := func() bool { g1, d1 = measure(); return g1 <= g0+3 && d1 <= d0+3 }
	testkit.Eventually(w.t, fmt.Sprintf("goroutines and descriptors as after ten cycles (%d, %d)", g0, d0), settled)
	w.t.Logf("goroutines %d then %d, descriptors %d then %d, after %d cycles", g0, g1, d0, d1, cycles)
	set(collect(stay.path, topic), collect(come.path, topic))
	w.clean(newCounter(l), topic)
	agent.stop()
}
