package agent

import (
	"net/url"
	"slices"
	"time"

	"logctl/agent/ship"
)

// Names of record headers. A line's address is (host, file, pos): it names the line for
// ever, also when its file is renamed, and a consumer can drop a repeat by it.
const (
	headerHost = "host" // of the agent
	headerPath = "path" // watched name under which the generation was first seen
	headerFile = "file" // tail.FileID.Short of the generation
	headerPos  = "pos"  // byte position of the line in the generation, decimal

	setOTel        = "otel"
	setCloudEvents = "cloudevents"
)

// address is which headers tell where a line comes from.
type address struct {
	names []string
	host  string
}

// has tells whether a header or a set is asked for.
func (a *address) has(name string) bool { return slices.Contains(a.names, name) }

// complete tells whether a record says of which generation and from where in it its
// line is, which is what looking back after a crash needs.
func (a *address) complete() bool {
	return a.has(headerFile) && a.has(headerPos) || a.has(setOTel) || a.has(setCloudEvents)
}

// sourceHeaders are the record headers of one file.
type sourceHeaders struct {
	fixed  []ship.Header   // the same for every record
	pos    bool            // the header pos
	places []ship.Header   // further ones that end in the position
	stamp  bool            // the header ce_time
	sets   [][]ship.Header // further headers of lines that say which stream they are of
}

// of makes the headers of a file generation: the asked ones in the order of the
// setting, then the entry's labels by name.
func (a *address) of(path, file string, labels map[string]string, order []string) sourceHeaders {
	path = pathText(path)
	var out sourceHeaders
	add := func(key, value string) {
		out.fixed = append(out.fixed, ship.Header{Key: []byte(key), Value: []byte(value)})
	}
	place := func(key, prefix string) {
		out.places = append(out.places, ship.Header{Key: []byte(key), Value: []byte(prefix)})
	}
	for _, name := range a.names {
		switch name {
		case headerHost:
			add(headerHost, a.host)
		case headerPath:
			add(headerPath, path)
		case headerFile:
			add(headerFile, file)
		case headerPos:
			out.pos = true
		case setOTel:
			// https://opentelemetry.io/docs/specs/semconv/general/logs/
			add("log.file.path", path)
			add("host.name", a.host)
			place("log.file.record_offset", "")
			place("log.record.uid", a.host+"/"+file+"/")
		case setCloudEvents:
			// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
			add("ce_specversion", "1.0")
			add("ce_type", "logctl.line")
			add("ce_source", (&url.URL{Scheme: "file", Host: a.host, Path: path}).String())
			place("ce_id", a.host+"/"+file+"/")
			out.stamp = true
		}
	}
	for _, k := range order {
		add(k, labels[k])
	}
	return out
}

// onto gives a bundle the headers.
func (h *sourceHeaders) onto(b *ship.Bundle) {
	b.Headers, b.PosHeader, b.Places, b.Sets = h.fixed, h.pos, h.places, h.sets
}

// stamped gives a bundle the time of its reading as a header, where that is asked for.
func (h *sourceHeaders) stamped(b *ship.Bundle) {
	if h.stamp {
		at := b.Time.UTC().AppendFormat(nil, time.RFC3339Nano)
		b.Headers = append(slices.Clip(h.fixed), ship.Header{Key: []byte("ce_time"), Value: at})
	}
}
