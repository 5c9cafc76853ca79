package agent

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"logctl/etcdcfg"
)

func TestReconcile(t *testing.T) {
	a1 := etcdcfg.Entry{Path: "/a", Topic: "t1"}
	a2 := etcdcfg.Entry{Path: "/a", Topic: "t2"}
	b1 := etcdcfg.Entry{Path: "/b", Topic: "t1"}
	b2 := etcdcfg.Entry{Path: "/b", Topic: "t2"}
	filtered := a1
	filtered.ExcludeLines = []string{"x"}
	off := a1
	off.Disabled = true
	for _, tc := range []struct {
		name    string
		running []etcdcfg.Entry
		wanted  []etcdcfg.Entry
		stop    []string
		start   []etcdcfg.Entry
	}{
		{"first list", nil, []etcdcfg.Entry{a1, b1}, nil, []etcdcfg.Entry{a1, b1}},
		{"same list", []etcdcfg.Entry{a1, b1}, []etcdcfg.Entry{a1, b1}, nil, nil},
		{"other order", []etcdcfg.Entry{a1, b1}, []etcdcfg.Entry{b1, a1}, nil, nil},
		{"one gone", []etcdcfg.Entry{a1, b1}, []etcdcfg.Entry{b1}, []string{a1.Key()}, nil},
		{"all gone", []etcdcfg.Entry{a1, b1}, nil, []string{a1.Key(), b1.Key()}, nil},
		{"topic of a path changed", []etcdcfg.Entry{a1, b1}, []etcdcfg.Entry{a2, b1}, []string{a1.Key()}, []etcdcfg.Entry{a2}},
		{"two topics swapped", []etcdcfg.Entry{a1, b2}, []etcdcfg.Entry{a2, b1}, []string{a1.Key(), b2.Key()}, []etcdcfg.Entry{a2, b1}},
		{"one path, two topics", []etcdcfg.Entry{a1}, []etcdcfg.Entry{a1, a2}, nil, []etcdcfg.Entry{a2}},
		{"a field changed", []etcdcfg.Entry{a1}, []etcdcfg.Entry{filtered}, []string{a1.Key()}, []etcdcfg.Entry{filtered}},
		{"disabled", []etcdcfg.Entry{a1}, []etcdcfg.Entry{off}, []string{a1.Key()}, nil},
		{"twice in the list", nil, []etcdcfg.Entry{a1, filtered}, nil, []etcdcfg.Entry{a1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			running := map[string]etcdcfg.Entry{}
			for _, e := range tc.running {
				running[e.Key()] = e
			}
			p := reconcile(running, tc.wanted)
			if diff := cmp.Diff(tc.stop, p.stop); diff != "" {
				t.Error(diff)
			}
			same := cmp.Comparer(func(a, b etcdcfg.Entry) bool { return a.Equal(b) })
			if diff := cmp.Diff(tc.start, p.start, same); diff != "" {
				t.Error(diff)
			}
		})
	}
}
