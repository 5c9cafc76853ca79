package config

import (
	"slices"
	"strings"

	"logctl/internal/spell"
)

// envName is the environment variable of a setting: LOGCTL_<SECTION>_<KEY>.
func envName(s setting) string {
	return "LOGCTL_" + strings.ToUpper(s.section+"_"+s.key)
}

func environment(environ []string) map[string]*string {
	out := make(map[string]*string, len(environ))
	for _, kv := range environ {
		if k, v, ok := strings.Cut(kv, "="); ok {
			out[k] = &v
		}
	}
	return out
}

// unknownEnvironment finds variables that look like settings (LOGCTL_KAFKA_…) and
// are none, so that a misspelt one is not ignored in silence. Other LOGCTL_ names
// (LOGCTL_CONFIG, LOGCTL_LOG_LEVEL, LOGCTL_TEST_…) are not settings.
func unknownEnvironment(env map[string]*string) []error {
	known := map[string]bool{}
	var names []string
	sections := map[string]bool{}
	for _, s := range settings() {
		known[envName(s)] = true
		names = append(names, envName(s))
		sections["LOGCTL_"+strings.ToUpper(s.section)+"_"] = true
	}
	var out []error
	for name := range env {
		i := strings.Index(strings.TrimPrefix(name, "LOGCTL_"), "_")
		if known[name] || !strings.HasPrefix(name, "LOGCTL_") || i < 0 || !sections[name[:len("LOGCTL_")+i+1]] {
			continue
		}
		out = append(out, &Problem{"environment " + name, "no such setting" + didYouMean(name, names)})
	}
	slices.SortFunc(out, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return out
}

// didYouMean ends a message with the known name nearest to a misspelt one, or
// with all names when none is near.
func didYouMean(name string, known []string) string {
	if near := spell.Nearest(name, known, 1); len(near) > 0 {
		return "; did you mean " + near[0] + "?"
	}
	return "; known: " + strings.Join(known, ", ")
}
