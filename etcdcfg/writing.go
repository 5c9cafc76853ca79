package etcdcfg

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// writing is what an announcer has written under one lease. Only what changed is written
// again.
type writing struct {
	a       *Announcer
	lease   clientv3.LeaseID
	written map[string][]byte // by what follows the id
	stays   []byte            // the member, as written
	alone   bool              // only the presence itself may be written
}

// write brings what stands in etcd up to what is to stand there. It returns the revision at
// which the presence itself was written, 0 when it was not, and whether anything was.
func (w *writing) write(ctx context.Context) (presence int64, changed bool, err error) {
	keys, member := w.a.current()
	if keys == nil {
		return 0, false, nil
	}
	for _, part := range slices.Sorted(maps.Keys(keys)) { // the presence first
		if bytes.Equal(w.written[part], keys[part]) && w.written[part] != nil || w.alone && part != "" {
			continue
		}
		rev, err := w.put(ctx, part, keys[part], clientv3.WithLease(w.lease))
		if err != nil {
			if part != "" && isDenied(err) {
				w.refused(err)
				continue
			}
			return 0, false, err
		}
		w.written[part] = append([]byte{}, keys[part]...)
		if changed = true; part == "" {
			presence = rev
		}
	}
	for part := range w.written {
		if _, wanted := keys[part]; !wanted && strings.HasPrefix(part, partTasks) {
			call, cancel := context.WithTimeout(ctx, w.a.timeout)
			err := w.a.remove(call, part)
			cancel()
			if err != nil {
				return 0, false, err
			}
			delete(w.written, part)
		}
	}
	if !w.alone && !bytes.Equal(w.stays, member) {
		if _, err := w.put(ctx, partMember, member); err == nil {
			w.stays = member
		} else if isDenied(err) {
			w.refused(err)
		} else {
			return 0, false, err
		}
	}
	return presence, changed, nil
}

// refused goes on with the presence alone, as roles made for earlier versions allow.
func (w *writing) refused(err error) {
	w.alone = true
	w.a.log.Warn("etcd lets this agent write its presence only: should it be lost, or have a twin, nobody is told, and more tasks than fit into one key are not shown",
		"agent", w.a.id, "reason", Explain(denied(err, "readwrite", prefixName(AgentsPrefix+w.a.id+"/"))))
}

// put writes one key and returns the revision of that.
func (w *writing) put(ctx context.Context, part string, text []byte, opts ...clientv3.OpOption) (int64, error) {
	call, cancel := context.WithTimeout(ctx, w.a.timeout)
	defer cancel()
	key := AgentsPrefix + w.a.id + part
	resp, err := w.a.client.Put(call, key, string(text), opts...)
	if err != nil {
		return 0, denied(err, "readwrite", keyName(key))
	}
	return resp.Header.Revision, nil
}
