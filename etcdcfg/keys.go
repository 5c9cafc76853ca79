package etcdcfg

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Keys returns the collect keys that are known, sorted: those with a history, those
// that agents follow, and those that the configured key stands for.
func (s *Store) Keys(ctx context.Context) ([]string, error) {
	found := make(map[string]bool)
	history, err := s.get(ctx, HistoryPrefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return nil, fmt.Errorf("list collect keys: %w", err)
	}
	for _, kv := range history.Kvs {
		name := strings.TrimPrefix(string(kv.Key), HistoryPrefix)
		if i := strings.LastIndexByte(name, '/'); i > 0 {
			found[name[:i]] = true
		}
	}
	presences, _, err := s.Presences(ctx)
	if err != nil {
		return nil, fmt.Errorf("list collect keys: %w", err)
	}
	for _, p := range presences {
		if p.CollectKey != "" {
			found[p.CollectKey] = true
		}
	}
	if err := s.matching(ctx, found); err != nil {
		return nil, fmt.Errorf("list collect keys: %w", err)
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// matching adds the keys that the configured one stands for.
func (s *Store) matching(ctx context.Context, found map[string]bool) error {
	pattern := regexp.QuoteMeta(s.template)
	for _, p := range placeholders() {
		pattern = strings.ReplaceAll(pattern, regexp.QuoteMeta(p), ".+")
	}
	prefix, _, _ := strings.Cut(s.template, "{")
	switch {
	case s.template == "":
		return nil
	case pattern == regexp.QuoteMeta(s.template):
		found[s.template] = true
		return nil
	case prefix == "": // would list all of etcd
		return nil
	}
	match, err := regexp.Compile("^" + pattern + "$")
	if err != nil {
		return err
	}
	got, err := s.get(ctx, prefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		return err
	}
	for _, kv := range got.Kvs {
		if match.Match(kv.Key) {
			found[string(kv.Key)] = true
		}
	}
	return nil
}
