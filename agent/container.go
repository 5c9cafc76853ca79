package agent

import (
	"path"
	"strings"

	"logctl/agent/ship"
	"logctl/agent/transform"
	"logctl/etcdcfg"
)

// headerStream says which output of a container a line is of: stdout or stderr.
const headerStream = "stream"

// streamSets are the further headers of records, by transform.Source.
func streamSets() [][]ship.Header {
	set := func(s transform.Source) []ship.Header {
		return []ship.Header{{Key: []byte(headerStream), Value: []byte(s.String())}}
	}
	return [][]ship.Header{set(transform.Stdout), set(transform.Stderr)}
}

// containerOf tells what the path of a container's log says of the container, as names
// and values in the terms of OpenTelemetry, in a fixed order:
// https://opentelemetry.io/docs/specs/semconv/resource/k8s/
//
//	/var/log/pods/NAMESPACE_POD_UID/CONTAINER/RESTARTS.log      of kubelet
//	/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log          links to them
//	/var/lib/docker/containers/ID/ID-json.log                   of Docker
//
// Other paths say nothing. Of static pods the uid is a hash of their manifest.
func containerOf(file string) [][2]string {
	dir, base := path.Split(strings.ReplaceAll(file, `\`, "/"))
	dir = path.Clean(dir)
	parent := path.Base(dir)
	if id, ok := strings.CutSuffix(base, "-json.log"); ok && isContainerID(id) && parent == id {
		return [][2]string{{"container.id", id}}
	}
	name, ok := strings.CutSuffix(base, ".log")
	if !ok {
		return nil
	}
	if parent == "containers" {
		return linkOf(name)
	}
	pod := strings.Split(path.Base(path.Dir(dir)), "_")
	if len(pod) != 3 || path.Base(path.Dir(path.Dir(dir))) != "pods" || !isNumber(name) || pod[0] == "" || pod[1] == "" || pod[2] == "" {
		return nil
	}
	return [][2]string{
		{"k8s.namespace.name", pod[0]}, {"k8s.pod.name", pod[1]}, {"k8s.pod.uid", pod[2]},
		{"k8s.container.name", parent}, {"k8s.container.restart_count", name},
	}
}

// linkOf reads the name of a link in /var/log/containers.
func linkOf(name string) [][2]string {
	parts := strings.Split(name, "_")
	if len(parts) != 3 {
		return nil
	}
	i := strings.LastIndexByte(parts[2], '-')
	if i <= 0 || !isContainerID(parts[2][i+1:]) {
		return nil
	}
	return [][2]string{
		{"k8s.namespace.name", parts[1]}, {"k8s.pod.name", parts[0]},
		{"k8s.container.name", parts[2][:i]}, {"container.id", parts[2][i+1:]},
	}
}

func isContainerID(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// describe adds what the path of a container's log says, where the entry's lines are
// those of containers. A label of the entry with the same name wins.
func (h *sourceHeaders) describe(e *etcdcfg.Entry, file string) {
	if e.Format == "" || e.Format == etcdcfg.FormatRaw {
		return
	}
	h.sets = streamSets()
	for _, kv := range containerOf(file) {
		if _, ok := e.Labels[kv[0]]; !ok {
			h.fixed = append(h.fixed, ship.Header{Key: []byte(kv[0]), Value: []byte(pathText(kv[1]))})
		}
	}
}

// mark gives a span what its event has of its own. Neighbours share a mark.
func mark(b *ship.Bundle, span *ship.Span, e *transform.Out) {
	if e.Source == transform.NoSource && e.Millis == 0 {
		return
	}
	m := ship.Mark{Time: e.Millis, Set: uint8(e.Source)}
	if n := len(b.Marks); n == 0 || b.Marks[n-1] != m {
		const most = 1<<16 - 1
		if n == most {
			return // a chunk has not so many lines of containers: each is 40 bytes long
		}
		b.Marks = append(b.Marks, m)
	}
	span.Mark = uint16(len(b.Marks))
}
