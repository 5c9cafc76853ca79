package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"logctl/internal/safe"
)

// longestDelay is the largest age of a line that is believed, milliseconds: a century.
const longestDelay = int64(100 * 365 * 24 * time.Hour / time.Millisecond)

// parse reads a report of which a number may be none that fits: the rest of it counts.
func parse(data []byte) (r Report, err error) {
	err = json.Unmarshal(data, &r)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && strings.HasPrefix(wrong.Value, "number") {
		// Only the first such number is named: none of the others can be told from zero.
		r.doubt(safe.Field(wrong.Field), strings.TrimPrefix(wrong.Value, "number "))
		for i := range r.Tasks {
			r.Tasks[i].forgetNumbers()
		}
		err = nil
	}
	if err != nil {
		return Report{}, err
	}
	r.examine()
	return r, nil
}

// doubt notes that a field cannot be true. The first few are kept.
func (r *Report) doubt(field string, value any) {
	if len(r.Doubts) < 3 {
		r.Doubts = append(r.Doubts, fmt.Sprintf("%s %v", field, value))
	}
}

// examine looks for what cannot be true: numbers below zero or beyond 2^53, times of
// other centuries. They are made zero, and said to be unknown.
func (r *Report) examine() {
	if !safe.Number(r.Revision) {
		r.doubt("revision", r.Revision)
		r.Revision = 0
	}
	r.moment("at", &r.At)
	r.moment("started_at", &r.StartedAt)
	for i := range r.Tasks {
		t := &r.Tasks[i]
		r.moment("since", &t.Since)
		r.moment("unreadable_at", &t.UnreadableAt)
		if field, value, ok := t.absurd(); ok {
			r.doubt(field, value)
			t.forgetNumbers()
		}
		if v := t.Verified; v != nil && !v.possible() {
			r.doubt("verified of "+t.Path, v.At.Format(time.RFC3339))
			t.Verified = nil
		}
		for j := range t.TopFiles {
			f := &t.TopFiles[j]
			for _, n := range []int64{f.Size, f.Read, f.Acked, f.Skipped} {
				if !safe.Number(n) {
					r.doubt("size or position of "+f.Path, n)
					*f = File{Path: f.Path, State: f.State, Unknown: true}
					break
				}
			}
		}
	}
}

func (r *Report) moment(field string, t *time.Time) {
	if !safe.Moment(*t) {
		r.doubt(field, t.Format(time.RFC3339))
		*t = time.Time{}
	}
}

// absurd returns a number of the task that cannot be true.
func (t *Task) absurd() (field string, value any, ok bool) {
	for _, n := range []struct {
		field string
		value int64
	}{
		{"files", int64(t.Files)},
		{"lag_bytes", t.LagBytes}, {"oldest_unacked_ms", t.OldestUnackedMS}, {"deleted_open", t.DeletedOpen}, {"skipped_bytes", t.SkippedBytes},
	} {
		if !safe.Number(n.value) {
			return n.field, n.value, true
		}
	}
	if t.OldestUnackedMS > longestDelay {
		return "oldest_unacked_ms", t.OldestUnackedMS, true
	}
	for _, n := range []struct {
		field string
		value uint64
	}{
		{"lines", t.Lines},
		{"bytes", t.Bytes}, {"acked_lines", t.AckedLines}, {"acked_bytes", t.AckedBytes},
		{"split", t.Split}, {"skipped", t.Skipped}, {"unreadable", t.Unreadable},
		{"filtered", t.Rules.Filtered}, {"unparsed", t.Rules.Unparsed},
	} {
		if n.value > safe.MaxNumber {
			return n.field, n.value, true
		}
	}
	return "", nil, false
}

// possible says whether the numbers and times can be true.
func (v *Verified) possible() bool {
	return safe.Moment(v.At) && safe.Moment(v.Since) && safe.Number(int64(v.Files)) && safe.Number(v.Missing) && safe.Number(v.Bytes) &&
		safe.Number(int64(v.Altered)) && max(v.Records, v.Twice, v.Disorder) <= safe.MaxNumber
}

// forgetNumbers leaves the task without numbers.
func (t *Task) forgetNumbers() {
	*t = Task{Path: t.Path, Topic: t.Topic, State: t.State, Error: t.Error, Since: t.Since, File: t.File, Unknown: true}
}
