package positions

import (
	"maps"
	"slices"
)

// StoredRecord is a record that Kafka has, by its place in its file.
type StoredRecord struct {
	Pos int64  `json:"pos"` // value of its header, bytes
	Len int64  `json:"len"` // of its value, bytes; of all parts together where ship split it
	Sum uint64 `json:"sum"` // XXH64 of the value; only of StoredFile.Last
}

// StoredFile is what Kafka is known to have of a file generation beyond the saved
// position.
type StoredFile struct {
	Path string         `json:"path,omitempty"` // watched name, for messages
	Last StoredRecord   `json:"last"`           // the one with the highest Pos
	All  []StoredRecord `json:"all,omitempty"`  // every one, by Pos, where a file's records may lie in several partitions
}

// Merge adds what another look found of the same file.
func (f StoredFile) Merge(o StoredFile) StoredFile {
	if o.Last.Pos > f.Last.Pos || o.Last.Pos == f.Last.Pos && o.Last.Len > f.Last.Len {
		f.Last = o.Last
	}
	if f.Path == "" {
		f.Path = o.Path
	}
	all := slices.Concat(f.All, o.All)
	slices.SortFunc(all, func(a, b StoredRecord) int {
		if a.Pos != b.Pos {
			return int(min(max(a.Pos-b.Pos, -1), 1))
		}
		return int(min(max(b.Len-a.Len, -1), 1))
	})
	f.All = slices.CompactFunc(all, func(a, b StoredRecord) bool { return a.Pos == b.Pos })
	return f
}

// Stored is StoredFile by topic and short name of the file.
type Stored map[string]map[string]StoredFile

func (s Stored) add(topic, file string, f StoredFile) {
	if s[topic] == nil {
		s[topic] = map[string]StoredFile{}
	}
	if old, ok := s[topic][file]; ok {
		f = old.Merge(f)
	}
	s[topic][file] = f
}

func (s Stored) clone() Stored {
	out := Stored{}
	for topic, files := range s {
		out[topic] = maps.Clone(files)
	}
	return out
}

// Stored is what a look back of this run, or one before it, found of a file in any of
// the topics.
func (r *Registry) Stored(file string, topics ...string) (f StoredFile, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.life.moved[file] {
		return f, false
	}
	for _, topic := range topics {
		found, here := r.life.stored[topic][file]
		switch {
		case here && ok:
			f = f.Merge(found)
		case here:
			f, ok = found, true
		}
	}
	return f, ok
}
