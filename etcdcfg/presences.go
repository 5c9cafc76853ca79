package etcdcfg

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// presencesInterval is the least time between two deliveries of WatchPresences,
// and presencesPage how many presences are read in one request.
const (
	presencesInterval = 200 * time.Millisecond
	presencesPage     = 250
)

// Presences returns the agents on duty, sorted by id, and the revision of the
// store at which they were read.
func (s *Store) Presences(ctx context.Context) ([]Presence, int64, error) {
	found, revision, err := s.presences(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("load presences: %w", err)
	}
	return sortedPresences(found), revision, nil
}

// presences reads all presences in pages, at one revision.
func (s *Store) presences(ctx context.Context) (map[string]Presence, int64, error) {
	found := make(map[string]Presence)
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
			p := readPresence(kv)
			found[p.ID] = p
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
	id := strings.TrimPrefix(string(kv.Key), AgentsPrefix)
	var p Presence
	if err := json.Unmarshal(kv.Value, &p); err != nil {
		p = Presence{ListError: fmt.Sprintf("its presence cannot be read: %v", err)}
	}
	p.ID = id
	return p
}

func sortedPresences(m map[string]Presence) []Presence {
	return slices.SortedFunc(maps.Values(m), func(a, b Presence) int { return strings.Compare(a.ID, b.ID) })
}

// WatchPresences follows the agents on duty until ctx ends, and returns nil then.
// It calls onPresences with all of them, sorted by id, at first and after changes,
// at most five times a second. The slice is the receiver's to keep and the
// Presences in it are not to be changed. For onState, and for who calls, see Watch.
func (s *Store) WatchPresences(ctx context.Context, onPresences func([]Presence), onState func(error)) error {
	box := newMailbox[map[string]Presence](presencesInterval)
	var agents map[string]Presence
	f := &feed{
		store: s,
		key:   AgentsPrefix,
		opts:  []clientv3.OpOption{clientv3.WithPrefix()},
		load: func(ctx context.Context) (revision int64, err error) {
			found, revision, err := s.presences(ctx)
			if err == nil {
				agents = found
			}
			return revision, err
		},
		event: func(ev *clientv3.Event, _ int64) {
			if ev.Type == clientv3.EventTypePut {
				p := readPresence(ev.Kv)
				agents[p.ID] = p
			} else {
				delete(agents, strings.TrimPrefix(string(ev.Kv.Key), AgentsPrefix))
			}
		},
		done:  func() { box.post(maps.Clone(agents)) },
		state: box.postState,
	}
	runFeed(ctx, f, box, func(m map[string]Presence) { onPresences(sortedPresences(m)) }, onState)
	return nil
}
