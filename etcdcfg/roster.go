package etcdcfg

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"

	"logctl/internal/safe"
)

// What stands under AgentsPrefix for one agent:
//
//	ID                     the Presence, under the agent's lease
//	ID/+tasks/0003         tasks that did not fit into it, under the lease
//	ID/+instance/HEX       the process that announces itself, under the lease: two of
//	                       them are two agents with one id
//	ID/+member             who the agent is, without a lease: what stays when an agent
//	                       goes without goodbye, and is removed by a goodbye
//	ID/+expected           that the agent must be there, without a lease
const (
	partTasks    = "/+tasks/"
	partInstance = "/+instance/"
	partMember   = "/+member"
	partExpected = "/+expected"
)

// Duty is whether an agent that is known is there.
type Duty string

// The zero Duty is that of an agent that announces itself.
const (
	DutyOn      Duty = ""
	DutyLost    Duty = "lost"       // it went without goodbye
	DutyAwaited Duty = "never came" // it is expected, and not known to have been there
)

// remains is what stays of an agent without a lease.
type remains struct {
	Host       string    `json:"host,omitempty"`
	Version    string    `json:"version,omitempty"`
	Started    time.Time `json:"started,omitzero"`
	CollectKey string    `json:"collect_key,omitempty"`
}

// expected says who wants an agent to be there, and since when.
type expected struct {
	Who        string    `json:"who"`
	When       time.Time `json:"when"`
	CollectKey string    `json:"collect_key,omitempty"`
}

// seat gathers what stands in etcd for one agent.
type seat struct {
	main      *Presence
	parts     map[string][]TaskState
	instances map[string]string // what each says of itself
	member    *remains
	expected  *expected
}

func (s *seat) empty() bool {
	return s.main == nil && s.member == nil && s.expected == nil && len(s.parts) == 0 && len(s.instances) == 0
}

// roster is the seats of all agents, by id.
type roster map[string]*seat

// splitAgentKey is the id and the part in a key under AgentsPrefix.
func splitAgentKey(key string) (id, part string) {
	id = strings.TrimPrefix(key, AgentsPrefix)
	if i := strings.Index(id, "/+"); i > 0 {
		return id[:i], id[i:]
	}
	return id, ""
}

// set takes one key in. What cannot be read is shown with the reason rather than left out.
func (r roster) set(kv *mvccpb.KeyValue) {
	id, part := splitAgentKey(string(kv.Key))
	s := r[id]
	if s == nil {
		s = &seat{}
		r[id] = s
	} else {
		c := *s // seats are shared with deliveries
		s = &c
		r[id] = s
	}
	switch {
	case part == "":
		p := readPresence(kv)
		s.main = &p
	case strings.HasPrefix(part, partTasks):
		var tasks []TaskState
		if json.Unmarshal(kv.Value, &tasks) == nil {
			s.parts = maps.Clone(s.parts)
			if s.parts == nil {
				s.parts = map[string][]TaskState{}
			}
			s.parts[part] = tasks
		}
	case strings.HasPrefix(part, partInstance):
		s.instances = maps.Clone(s.instances)
		if s.instances == nil {
			s.instances = map[string]string{}
		}
		s.instances[part] = string(kv.Value)
	case part == partMember:
		s.member = &remains{}
		_ = json.Unmarshal(kv.Value, s.member) // that there is one says enough
		if !safe.Moment(s.member.Started) {
			s.member.Started = time.Time{}
		}
	case part == partExpected:
		s.expected = &expected{}
		_ = json.Unmarshal(kv.Value, s.expected)
	}
}

// remove takes one key out.
func (r roster) remove(key string) {
	id, part := splitAgentKey(key)
	old := r[id]
	if old == nil {
		return
	}
	s := *old
	switch {
	case part == "":
		s.main = nil
	case strings.HasPrefix(part, partTasks):
		s.parts = maps.Clone(s.parts)
		delete(s.parts, part)
	case strings.HasPrefix(part, partInstance):
		s.instances = maps.Clone(s.instances)
		delete(s.instances, part)
	case part == partMember:
		s.member = nil
	case part == partExpected:
		s.expected = nil
	}
	if s.empty() {
		delete(r, id)
		return
	}
	r[id] = &s
}

// presences are the agents that are there or should be, sorted by id.
func (r roster) presences() []Presence {
	out := make([]Presence, 0, len(r))
	for id, s := range r {
		p, ok := s.presence(id)
		if ok {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Presence) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func (s *seat) presence(id string) (Presence, bool) {
	switch {
	case s.main != nil:
		p := *s.main
		p.Expected = s.expected != nil
		if len(s.parts) > 0 {
			p.Tasks = slices.Clone(p.Tasks)
			for _, part := range slices.Sorted(maps.Keys(s.parts)) {
				more := slices.Clone(s.parts[part])
				p.Doubts = slices.Clip(p.Doubts) // shared with other deliveries
				p.examineTasks(more)
				p.Tasks = append(p.Tasks, more...)
			}
		}
		if len(s.instances) > 1 {
			p.Instances = slices.Sorted(maps.Values(s.instances))
		}
		return p, true
	case s.member != nil:
		m := s.member
		return Presence{ID: id, Host: m.Host, Version: m.Version, Started: m.Started, CollectKey: m.CollectKey, Duty: DutyLost, Expected: s.expected != nil, Tasks: []TaskState{}}, true
	case s.expected != nil:
		return Presence{ID: id, CollectKey: s.expected.CollectKey, Duty: DutyAwaited, Expected: true, Tasks: []TaskState{}}, true
	}
	return Presence{}, false // tasks or an instance whose lease is about to end
}

// Bounds of what an announcer writes into one key. etcd takes 1.5 MB in a request.
const (
	mainBytes  = 64 << 10
	partOf     = 200 // tasks in one key, when they do not fit into the presence
	reasonMost = 600 // bytes of a reason
)

// shorten cuts a reason that a presence would be too large with.
func shorten(text string) string {
	if len(text) <= reasonMost {
		return text
	}
	return strings.ToValidUTF8(text[:reasonMost], "") + " ..."
}

// encode makes the keys of a presence, by what follows the id. The place of a task is
// always the same as long as the list is, so that a change of one rewrites one key.
func encodePresence(p Presence) (map[string][]byte, error) {
	if p.Tasks == nil {
		p.Tasks = []TaskState{}
	}
	p.Tasks = slices.Clone(p.Tasks)
	for i := range p.Tasks {
		p.Tasks[i].Error = shorten(p.Tasks[i].Error)
	}
	p.ListError = shorten(p.ListError)
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("presence: %w", err)
	}
	out := map[string][]byte{}
	if len(text) <= mainBytes {
		out[""] = text
		return out, nil
	}
	tasks := p.Tasks
	p.Tasks = []TaskState{}
	if out[""], err = json.Marshal(p); err != nil {
		return nil, fmt.Errorf("presence: %w", err)
	}
	for n := 0; len(tasks) > 0; n++ {
		some := tasks[:min(partOf, len(tasks))]
		tasks = tasks[len(some):]
		name := strconv.Itoa(n)
		if out[partTasks+strings.Repeat("0", max(0, 4-len(name)))+name], err = json.Marshal(some); err != nil {
			return nil, fmt.Errorf("presence: %w", err)
		}
	}
	return out, nil
}
