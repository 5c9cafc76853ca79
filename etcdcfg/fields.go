package etcdcfg

import (
	"maps"
	"slices"
)

// field is a field of an entry that logctl knows.
type field struct {
	name   string
	decode func(d *decoder, e *Entry, v node)
	value  func(e *Entry) any // to be written; nil: the field is left out
	same   func(a, b *Entry) bool
}

// fields lists them in the order in which they are written into a new entry.
func fields() []field {
	return []field{
		textField("path", func(e *Entry) *string { return &e.Path }),
		textField("topic", func(e *Entry) *string { return &e.Topic }),
		textField("from", func(e *Entry) *string { return &e.From }),
		listField("exclude", func(e *Entry) *[]string { return &e.Exclude }),
		listField("rotated", func(e *Entry) *[]string { return &e.Rotated }),
		textField("encoding", func(e *Entry) *string { return &e.Encoding }),
		textField("format", func(e *Entry) *string { return &e.Format }),
		{
			name:   "multiline",
			decode: func(d *decoder, e *Entry, v node) { e.Multiline = d.multiline(v) },
			value: func(e *Entry) any {
				if e.Multiline == nil {
					return nil
				}
				return e.Multiline.pairs()
			},
			same: func(a, b *Entry) bool { return a.Multiline.equal(b.Multiline) },
		},
		listField("include_lines", func(e *Entry) *[]string { return &e.IncludeLines }),
		listField("exclude_lines", func(e *Entry) *[]string { return &e.ExcludeLines }),
		{
			name:   "labels",
			decode: func(d *decoder, e *Entry, v node) { e.Labels = d.labels(v) },
			value: func(e *Entry) any {
				if len(e.Labels) == 0 {
					return nil
				}
				var p []pair
				for _, k := range slices.Sorted(maps.Keys(e.Labels)) {
					p = append(p, pair{k, e.Labels[k]})
				}
				return p
			},
			same: func(a, b *Entry) bool { return maps.Equal(a.Labels, b.Labels) },
		},
		flagField("disabled", func(e *Entry) *bool { return &e.Disabled }),
		flagField("poll", func(e *Entry) *bool { return &e.Poll }),
	}
}

// pair is a field of a nested object, to be written; without a value it is taken away.
type pair struct {
	name  string
	value any
}

func textField(name string, at func(*Entry) *string) field {
	return field{
		name:   name,
		decode: func(d *decoder, e *Entry, v node) { *at(e) = d.text(name, v) },
		value: func(e *Entry) any {
			if *at(e) == "" {
				return nil
			}
			return *at(e)
		},
		same: func(a, b *Entry) bool { return *at(a) == *at(b) },
	}
}

func listField(name string, at func(*Entry) *[]string) field {
	return field{
		name:   name,
		decode: func(d *decoder, e *Entry, v node) { *at(e) = d.texts(name, v) },
		value: func(e *Entry) any {
			if len(*at(e)) == 0 {
				return nil
			}
			return *at(e)
		},
		same: func(a, b *Entry) bool { return slices.Equal(*at(a), *at(b)) },
	}
}

func flagField(name string, at func(*Entry) *bool) field {
	return field{
		name:   name,
		decode: func(d *decoder, e *Entry, v node) { *at(e) = d.flag(name, v) },
		value: func(e *Entry) any {
			if !*at(e) {
				return nil
			}
			return true
		},
		same: func(a, b *Entry) bool { return *at(a) == *at(b) },
	}
}
