package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
)

// key names one result; a later one of the same key replaces it.
type key struct{ writer, mode, entry string }

// readResults returns the newest result of each key.
func readResults(path string) (map[key]result, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	all := map[key]result{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var r result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all[key{r.Writer, r.Mode, r.Entry}] = r
	}
	return all, lines.Err()
}

const head = `# Log writers, and the entry for each

What real programs do to their files, the entry to use, and what arrived. Each program ran live, with the agent frozen
for seconds (behind), ended and started again over several rotations (restart), killed several times (kill), and with
Kafka away for seconds (broker). ` + "`make writers`" + ` repeats all of it and writes this page.

A cell holds *lost / twice / out of order* of the lines written in one run; **✓** is 0 / 0 / 0. Lost counts lines that stood on
disk at the end and did not arrive. After a kill, too, twice must be 0. "Gone" counts lines that stand
nowhere: the writer lost or removed them, in the worst run.
`

// tail is what no single run shows.
const tail = `
Measured on two cores with a load of 10 to 90, in runs of the same day; the newest run of a cell counts. Most were run once. What others of
these runs showed, for loads at which a start or a rotation takes seconds:

- Generations that are compressed while the agent starts, ` + "`app.log`" + `, restart: earlier builds lost one in 2 runs of 7 with zstd and 1 of 6 with
  zip. None was lost in 18 and 13 runs since, nor in 13 each of gzip, savelog and timberjack, with an agent that had a small share of a processor (runs in
  which the harness ended the starved agent too early are left out).
- flexi_logger, ` + "`app_rCURRENT.log`" + `, restart: earlier builds left a file alone (777 lines) that was rotated before the first look, which came
  5 s late. It is read now; 15 runs since, nothing lost.
- klog writes a file of the same name anew within a second: 352 lines of the new one were not read after a kill, once; none in 5 runs since.
- ` + "`app*`" + ` over names that are compressed (logrotate, savelog, nginx's), behind or restart: one or two generations came after a younger one in 3 runs of
  29 with earlier builds, in which a reader could take the younger one before the others stood in order. None in the last run of each since.
- ` + "`**/app*`" + ` with renamecopy: earlier builds sent whole generations twice, up to 7,464 lines in a run (restart, kill, and live on a busy machine), and
  over a restart those of which the writer wrote more after the copying began. None in 5 runs since. Behind, one generation came late in 3 runs of 5.
- PostgreSQL with log_truncate_on_rotation ran on a clock 600 times faster: 60 files in a circle, one each 0.1 s. "Gone" is what was truncated
  while the agent was away. Files that were truncated since the last look are read in the order of their names, not of the circle.
- pm2-logrotate that compresses, live: 87 lines that stand in a compressed copy did not arrive in one run of six. Not understood; the module begins a
  second copy where the first takes longer than its interval, which was 1 s here and is 30 s unless set.
- pm2-logrotate with ` + "`retain`" + ` deletes what it rotates at once where the name of another application ends with that of this one
  (` + "`findings/pm2-logrotate-deletes-at-once.sh`" + `): give such applications directories of their own.
`

// writePage writes the page from all results that were kept.
func writePage(results, page string) error {
	all, err := readResults(results)
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(head)
	fmt.Fprintf(&b, "\n| writer | what it does | entry | %s | gone |\n|---|---|---|%s---|\n", strings.Join(modes, " | "), strings.Repeat("---|", len(modes)))
	for _, w := range catalog() {
		for _, e := range []struct{ kind, name string }{{"path", w.Path}, {"glob", w.Glob}} {
			row, ran := cells(all, w, e.kind)
			if !ran {
				continue
			}
			name, does := w.Version, w.Does
			if e.kind == "glob" {
				name, does = "", ""
			}
			fmt.Fprintf(&b, "| %s | %s | `%s`%s | %s |\n", name, does, e.name, w.fields(), strings.Join(row, " | "))
		}
	}
	b.WriteString(tail)
	return os.WriteFile(page, []byte(b.String()), 0o644)
}

// fields are the other fields of the entries of w, as the page shows them.
func (w writer) fields() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(w.Extra)) {
		fmt.Fprintf(&b, ", %s `%v`", name, w.Extra[name])
	}
	return b.String()
}

// cells are the results of one entry of a writer, one for each mode, and what is gone.
func cells(all map[key]result, w writer, kind string) (row []string, ran bool) {
	gone := 0
	for _, mode := range modes {
		r, ok := all[key{w.Name, mode, kind}]
		cell := "–"
		switch {
		case !ok:
		case r.Failed != "":
			cell = "failed"
		case r.clean() && r.Twice == 0:
			cell = "✓"
		default:
			cell = fmt.Sprintf("%d / %d / %d", r.Lost, r.Twice, r.Late)
		}
		if ok && r.Noise > 0 {
			cell += fmt.Sprintf(", %d noise", r.Noise)
		}
		row, ran, gone = append(row, cell), ran || ok, max(gone, r.Gone)
	}
	word := "–"
	if gone > 0 {
		word = fmt.Sprint(gone)
		if w.Own != "" {
			word += ": " + w.Own
		}
	}
	return append(row, word), ran
}
