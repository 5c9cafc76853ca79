package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func runRace(t *testing.T, kind raceKind, seed uint64, in string) (why, trace string) {
	dir := filepath.Join(in, "race")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	r := newRacer(failing{t}, kind, seed, dir)
	defer func() {
		_ = r.set.Close()
		_ = r.w.Close()
		_ = os.RemoveAll(dir)
		switch p := recover().(type) {
		case nil:
		case modelFailure:
			why = string(p)
			trace = strings.Join(r.trace, "\n") + "\nread: " + r.ranges() + "\nlog:\n" + strings.ReplaceAll(r.log.String(), dir+"/", "")
		default:
			panic(p)
		}
	}()
	r.run()
	return "", ""
}

// TestRaceSeeds repeats races that failed once.
func TestRaceSeeds(t *testing.T) {
	for _, c := range []struct {
		kind raceKind
		seed uint64
		what string
	}{
		{raceStops, 7349, "names change until the first scan ends: a file found by its identity waits for its place"},
		{raceStops, 101726, "a copy that goes on for a file is older than its own creation"},
		{raceEach, 1796033224219471868, "a copy is being made of what nobody looked at yet"},
		{raceEach, 1796033224219471690, "the same, and it is counted"},
		{raceEach, 617773, "a copy is found when its original was truncated and moved away"},
		{racePacks, 1000303, "a compressed file has more bytes than the plain one"},
		{racePacks, 1000883, "the number of a file that was kept open is that of a saved one"},
		{racePacksEach, 240, "what is saved goes on already when its compressed file is found"},
		{racePacksEach, 514, "a file that was kept open was compressed, and that one was found first"},
		{racePacks, 910529, "the compressed file that a saved one became is renamed while it is opened"},
		{racePacks, 912241, "the same, of one that nothing was read of"},
		{racePacks, 1000829, "files that were kept open and compressed, and empty ones between them"},
		{raceDead, 16, "the descriptor of an empty file dies"},
		{raceDead, 197, "a size that was seen while the descriptor was dead is that of what came after a truncation"},
		{raceDead, 892, "the descriptor of a file dies that was truncated before it was moved away"},
		{raceInodes, 272, "a file is replaced by a copy of itself during the first look"},
		{raceInodes, 618, "the copy of a file that replaced another one is no copy of that one"},
		{raceInodes, 612, "a short file whose lines end like those of another one"},
		{raceInodes, 110, "a file that replaced another one is copied while the first look is taken"},
		{raceLong, 56, "more than a head came, was copied and truncated between two looks, while another file is followed"},
		{raceLong, 869, "the same"},
		{raceInodes, 376, "a file is replaced by a copy of itself twice, before anything is written to the first"},
	} {
		if why, _ := runRace(t, c.kind, c.seed, t.TempDir()); why != "" {
			t.Errorf("%s, seed %d (%s): %s", c.kind, c.seed, c.what, why)
		}
	}
}

// TestRaces repeats a failure by LOGCTL_RACE_SEED and LOGCTL_RACE_KIND, and runs as many
// cases of each kind as LOGCTL_RACE_CASES says.
func TestRaces(t *testing.T) {
	kinds := []raceKind{
		racePlain, raceGone, racePacks, raceStops, raceEach, racePacksEach, raceSpace, raceClock, raceInodes, raceDead, raceLong, raceFamilies,
	}
	cases, first := casesOf("RACE", 300, 100)
	if v := os.Getenv("LOGCTL_RACE_KIND"); v != "" {
		kinds = []raceKind{raceKind(v)}
	}
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			if kind == raceGone && runtime.GOOS != "linux" {
				t.Skip("only Linux tells what this process has open")
			}
			races(t, kind, first, cases)
		})
	}
}

func races(t *testing.T, kind raceKind, first uint64, cases int) {
	dir, failed, shortest := t.TempDir(), 0, ""
	for i := range cases {
		seed := first + uint64(i)
		why, trace := runRace(t, kind, seed, dir)
		if why == "" {
			continue
		}
		t.Logf("seed %d: %s", seed, why)
		if failed++; failed == 1 || len(trace) < len(shortest) {
			shortest = fmt.Sprintf("seed %d, repeat with LOGCTL_RACE_KIND=%s LOGCTL_RACE_SEED=%[1]d: %[3]s\n%s", seed, kind, why, trace)
		}
	}
	if failed > 0 {
		t.Errorf("%d of %d cases failed; the shortest one:\n%s", failed, cases, shortest)
	}
}
