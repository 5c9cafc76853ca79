package agent

import (
	"path/filepath"
	"slices"
	"strings"

	"logctl/etcdcfg"
)

// plan says how to get from what runs to what is wanted.
type plan struct {
	stop  []string        // keys of entries, sorted
	start []etcdcfg.Entry // in the order of the list
}

// reconcile compares what runs with the wanted list. An entry that is the same in
// both is left alone, wherever it stands in the list; one that changed is stopped
// and started; a disabled one does not run. When the list holds the same path and
// topic twice, the first counts.
func reconcile(running map[string]etcdcfg.Entry, wanted []etcdcfg.Entry) plan {
	var p plan
	seen := map[string]bool{}
	for _, e := range wanted {
		k := e.Key()
		if e.Disabled || seen[k] {
			continue
		}
		seen[k] = true
		now, ok := running[k]
		if ok && now.Equal(e) {
			continue
		}
		if ok {
			p.stop = append(p.stop, k)
		}
		p.start = append(p.start, e)
	}
	for k := range running {
		if !seen[k] {
			p.stop = append(p.stop, k)
		}
	}
	slices.Sort(p.stop)
	return p
}

// foreign tells whether a path is absolute on another system than this one: the entry is
// for the hosts of that system, and nothing is wrong with it.
func foreign(path string) bool { return !filepath.IsAbs(path) && etcdcfg.IsAbs(path) }

// pathOf is the path in the key of an entry.
func pathOf(key string) string {
	path, _, _ := strings.Cut(key, "\x00")
	return path
}
