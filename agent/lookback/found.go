package lookback

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/IBM/sarama"
	"github.com/cespare/xxhash/v2"

	"logctl/agent/positions"
)

// found is what was met of our own records in a partition or a topic.
type found struct {
	all     bool // every record counts, not only the last of each file
	records int
	bytes   int64
	files   map[string]*foundFile // by short name
}

type foundFile struct {
	positions.StoredFile
	value []byte // of Last, in the memory of the answer at hand; nil: Sum is right
}

// batch takes the records of a batch.
func (f *found) batch(b *sarama.RecordBatch) {
	for _, rec := range b.Records {
		at, ok := addressOf(rec.Headers)
		if !ok {
			continue // of a life with other headers
		}
		f.records++
		f.bytes += int64(len(rec.Value))
		file := f.files[at.file]
		if file == nil {
			file = &foundFile{StoredFile: positions.StoredFile{Path: at.path, Last: positions.StoredRecord{Pos: -1}}}
			f.files[at.file] = file
		}
		file.take(at, rec.Value, f.all)
	}
}

// take takes one record of the file.
func (f *foundFile) take(at address, value []byte, all bool) {
	n := int64(len(value))
	switch {
	case at.pos > f.Last.Pos:
		f.Last = positions.StoredRecord{Pos: at.pos, Len: n}
		f.value = value
	case at.pos == f.Last.Pos && at.part:
		// Ship split it: the parts stand one behind the other.
		f.Last.Len += n
		f.value, f.Last.Sum = nil, 0
	}
	if !all {
		return
	}
	if i := len(f.All) - 1; i >= 0 && f.All[i].Pos == at.pos && at.part {
		f.All[i].Len += n
		return
	}
	f.All = append(f.All, positions.StoredRecord{Pos: at.pos, Len: n})
}

// finish lets go of the memory of an answer.
func (f *found) finish() {
	for _, file := range f.files {
		if file.value != nil {
			file.Last.Sum, file.value = xxhash.Sum64(file.value), nil
		}
		file.Path = strings.Clone(file.Path)
	}
}

// merge adds what was found in another partition.
func (f *found) merge(o *found) {
	f.records += o.records
	f.bytes += o.bytes
	for name, file := range o.files {
		if have := f.files[name]; have != nil {
			have.StoredFile = have.Merge(file.StoredFile)
			continue
		}
		f.files[name] = file
	}
}

// stored is what was found, as the registry keeps it.
func (f *found) stored() map[string]positions.StoredFile {
	out := make(map[string]positions.StoredFile, len(f.files))
	for name, file := range f.files {
		slices.SortFunc(file.All, func(a, b positions.StoredRecord) int { return int(min(max(a.Pos-b.Pos, -1), 1)) })
		out[strings.Clone(name)] = file.StoredFile
	}
	return out
}

// address is where a record's line comes from.
type address struct {
	path, file string
	pos        int64
	part       bool // one of several records of one line
}

// addressOf reads the headers that any setting of headers makes. Labels stand behind
// them and before pos.
func addressOf(headers []*sarama.RecordHeader) (address, bool) {
	at := address{pos: -1}
	for _, h := range headers {
		switch string(h.Key) {
		case "path", "log.file.path":
			if at.path == "" {
				at.path = string(h.Value)
			}
		case "file":
			if at.file == "" {
				at.file = string(h.Value)
			}
		case "log.record.uid", "ce_id": // host/file/pos
			rest, pos, ok := cutLast(h.Value)
			if _, file, named := cutLast(rest); ok && named {
				if n, err := strconv.ParseInt(string(pos), 10, 64); err == nil {
					at.file, at.pos = string(file), n
				}
			}
		case "pos":
			if n, err := strconv.ParseInt(string(h.Value), 10, 64); err == nil {
				at.pos = n
			}
		case "part":
			at.part = true
		}
	}
	return at, at.file != "" && at.pos >= 0
}

func cutLast(b []byte) (before, after []byte, ok bool) {
	i := bytes.LastIndexByte(b, '/')
	if i < 0 {
		return nil, b, false
	}
	return b[:i], b[i+1:], true
}
