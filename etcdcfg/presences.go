package etcdcfg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"logctl/internal/safe"
)

// presencesInterval is the least time between two deliveries of WatchPresences,
// and presencesPage how many presences are read in one request.
const (
	presencesInterval = 200 * time.Millisecond
	presencesPage     = 250
)

// Presences returns the agents that are there or should be, sorted by id, and the
// revision of the store at which they were read. See Presence.Duty.
func (s *Store) Presences(ctx context.Context) ([]Presence, int64, error) {
	found, revision, err := s.roster(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("load presences: %w", err)
	}
	return found.presences(), revision, nil
}

// OnDuty are the agents of a list that are there.
func OnDuty(list []Presence) []Presence {
	return slices.DeleteFunc(slices.Clone(list), func(p Presence) bool { return p.Duty != DutyOn })
}

// roster reads all that stands for agents in pages, at one revision.
func (s *Store) roster(ctx context.Context) (roster, int64, error) {
	found := roster{}
	from, revision := AgentsPrefix, int64(0)
	for {
		got, err := s.get(ctx, from, clientv3.WithRange(clientv3.GetPrefixRangeEnd(AgentsPrefix)),
			clientv3.WithLimit(presencesPage), clientv3.WithRev(revision))
		if err != nil {
			return nil, 0, err
		}
		if revision == 0 {
			revision = got.Header.Revision
		}
		for _, kv := range got.Kvs {
			found.set(kv)
		}
		if !got.More || len(got.Kvs) == 0 {
			return found, revision, nil
		}
		from = string(got.Kvs[len(got.Kvs)-1].Key) + "\x00"
	}
}

// readPresence reads a presence. One that cannot be read is shown by what its key
// says, with the reason, rather than left out.
func readPresence(kv *mvccpb.KeyValue) Presence {
	id, _ := splitAgentKey(string(kv.Key))
	var p Presence
	err := json.Unmarshal(kv.Value, &p)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && strings.HasPrefix(wrong.Value, "number") { // the rest of it counts
		p.doubt(safe.Field(wrong.Field), strings.TrimPrefix(wrong.Value, "number "))
		err = nil
	}
	if err != nil {
		p = Presence{ListError: fmt.Sprintf("its presence cannot be read: %v", err)}
	}
	p.ID = id
	p.examine()
	return p
}

// doubt notes that a field cannot be true. The first few are kept.
func (p *Presence) doubt(field string, value any) {
	if len(p.Doubts) < 3 {
		p.Doubts = append(p.Doubts, fmt.Sprintf("%s %v", field, value))
	}
}

// examine looks for what cannot be true: numbers below zero or beyond 2^53, times of
// other centuries. They are made zero.
func (p *Presence) examine() {
	pid := int64(p.PID)
	p.number("pid", &pid)
	p.PID = int(pid)
	p.number("revision", &p.Revision)
	p.moment("started", &p.Started)
	p.examineTasks(p.Tasks)
}

func (p *Presence) examineTasks(tasks []TaskState) {
	for i := range tasks {
		t := &tasks[i]
		p.number("lag", &t.Lag)
		p.moment("since", &t.Since)
		p.moment("oldest", &t.Oldest)
	}
}

func (p *Presence) number(field string, n *int64) {
	if !safe.Number(*n) {
		p.doubt(field, *n)
		*n = 0
	}
}

func (p *Presence) moment(field string, t *time.Time) {
	if !safe.Moment(*t) {
		p.doubt(field, t.Format(time.RFC3339))
		*t = time.Time{}
	}
}

// WatchPresences follows the agents that are there or should be until ctx ends, and returns nil then.
// It calls onPresences with all of them, sorted by id, at first and after changes,
// at most five times a second. The slice is the receiver's to keep and the
// Presences in it are not to be changed. For onState, and for who calls, see Watch.
func (s *Store) WatchPresences(ctx context.Context, onPresences func([]Presence), onState func(error)) error {
	box := newMailbox[roster](presencesInterval)
	var agents roster
	f := &feed{
		store: s,
		key:   AgentsPrefix,
		opts:  []clientv3.OpOption{clientv3.WithPrefix()},
		load: func(ctx context.Context) (revision int64, err error) {
			found, revision, err := s.roster(ctx)
			if err == nil {
				agents = found
			}
			return revision, err
		},
		event: func(ev *clientv3.Event, _ int64) {
			if ev.Type == clientv3.EventTypePut {
				agents.set(ev.Kv)
			} else {
				agents.remove(string(ev.Kv.Key))
			}
		},
		done:  func() { box.post(maps.Clone(agents)) },
		state: box.postState,
	}
	runFeed(ctx, f, box, func(r roster) { onPresences(r.presences()) }, onState)
	return nil
}
