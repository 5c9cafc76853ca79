package config

import (
	"regexp"
	"runtime"
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
			if runtime.GOOS == "windows" { // where LocalAppData is LOCALAPPDATA
				k = strings.ToUpper(k)
			}
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
	for name, value := range env {
		i := strings.Index(strings.TrimPrefix(name, "LOGCTL_"), "_")
		if known[name] || !strings.HasPrefix(name, "LOGCTL_") || i < 0 || !sections[name[:len("LOGCTL_")+i+1]] || isServiceLink(name, *value) {
			continue
		}
		out = append(out, &Problem{"environment " + name, "no such setting" + didYouMean(name, names)})
	}
	slices.SortFunc(out, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return out
}

// isServiceLink recognises what Kubernetes puts into every container of a namespace that
// has a Service with a name like logctl-agent: LOGCTL_AGENT_PORT=tcp://10.0.0.1:9217,
// LOGCTL_AGENT_SERVICE_HOST, LOGCTL_AGENT_PORT_9217_TCP_ADDR and so on.
func isServiceLink(name, value string) bool {
	if strings.HasSuffix(name, "_PORT") && strings.Contains(value, "://") {
		return true
	}
	link := regexp.MustCompile(`_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?$`)
	return link.MatchString(name)
}

// didYouMean ends a message with the known name nearest to a misspelt one, or
// with all names when none is near.
func didYouMean(name string, known []string) string {
	if near := spell.Nearest(name, known, 1); len(near) > 0 {
		return "; did you mean " + near[0] + "?"
	}
	return "; known: " + strings.Join(known, ", ")
}
