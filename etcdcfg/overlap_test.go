package etcdcfg

import (
	"fmt"
	"strings"
	"testing"
)

func TestAdvise(t *testing.T) {
	glob, file := Entry{Path: "/a/*.log", Topic: "t"}, Entry{Path: "/a/x.log", Topic: "t"}
	begin := file
	begin.From = FromBeginning
	end := file
	end.From = FromEnd
	for name, tc := range map[string]struct {
		before, after []Entry
		want          []string
	}{
		"overlaps from now on":     {[]Entry{glob}, []Entry{glob, file}, []string{"/a/*.log and /a/x.log both send"}},
		"overlapped before":        {[]Entry{glob, file}, []Entry{file, glob}, nil},
		"other topic":              {[]Entry{glob}, []Entry{glob, {Path: "/a/x.log", Topic: "u"}}, nil},
		"two globs, told once":     {nil, []Entry{{Path: "/a/*.log", Topic: "t"}, {Path: "/a/?*.log", Topic: "t"}}, []string{"both send"}},
		"from":                     {[]Entry{file}, []Entry{begin}, []string{"from = beginning of /a/x.log has no effect"}},
		"from back":                {[]Entry{begin}, []Entry{file}, []string{"from = end of /a/x.log has no effect"}},
		"from written out":         {[]Entry{file}, []Entry{end}, nil},
		"a new entry has its from": {nil, []Entry{begin}, nil},
	} {
		got := Advise(tc.before, tc.after)
		if len(got) != len(tc.want) {
			t.Errorf("%s: %+v", name, got)
			continue
		}
		for i := range got {
			if !strings.Contains(got[i].What, tc.want[i]) || got[i].Do == "" {
				t.Errorf("%s: %+v", name, got[i])
			}
		}
	}
}

// A list of the largest size is looked through at once: globs are compared with what they can
// match alone.
func BenchmarkOverlaps(b *testing.B) {
	var list []Entry
	for i := range MaxEntries {
		list = append(list, Entry{Path: fmt.Sprintf("/var/log/app-%d/*.log", i), Topic: "t"})
	}
	for b.Loop() {
		Overlaps(list)
	}
}
