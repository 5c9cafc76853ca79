package tui

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"logctl/etcdcfg"
)

// encodings offered by the form; the order desk knows more.
var encodingNames = [...]string{"gbk", "gb18030", "big5", "utf-8", "utf-16le", "utf-16be", "shift_jis", "euc-jp", "euc-kr", "iso-8859-1", "windows-1252"}

// newEntryForm edits an entry, or makes a new one when old is nil.
func newEntryForm(e *env, old *etcdcfg.Entry) *form {
	var x etcdcfg.Entry
	s := &form{env: e, name: "add", head: "A new entry of " + clean(e.view.key), parent: actEntries}
	if old != nil {
		x = old.Clone()
		s.name, s.head = "edit", "Entry "+clean(x.Path)+" → "+clean(x.Topic)
	}
	topic := textField("topic", "Topic", x.Topic, "The Kafka topic the lines go to. A missing one can be created after saving.")
	topic.suggest = func(text string) []string { return withPrefix(e.topicNames(), text) }
	encoding := textField("encoding", "Encoding", x.Encoding, "Of the files' text, when it is not UTF-8: gbk, utf-16le, ...")
	encoding.suggest = func(text string) []string {
		if text == "" {
			return nil
		}
		return withPrefix(encodingNames[:], text)
	}
	s.fields = append(s.fields,
		textField("path", "Path", x.Path, "An absolute path or a glob: /var/log/nginx/*.log; ** goes through directories."), topic,
		choiceField("from", "Start at", orDefault(x.From, etcdcfg.FromEnd), "Where to start in files that exist already and were never read.", etcdcfg.FromEnd, etcdcfg.FromBeginning))
	s.fields = append(s.fields, listFields("exclude", "Exclude", x.Exclude, "Files to leave out, one glob a line: *.gz")...)
	s.fields = append(s.fields, listFields("rotated", "Rotated", x.Rotated, "Where old generations go, if their names do not tell, one glob a line: old/app-*.log")...)
	s.fields = append(s.fields, encoding,
		choiceField("format", "Format", orDefault(x.Format, etcdcfg.FormatRaw), "What writes the lines: a program (raw), containerd or CRI-O (cri), Docker (docker), or either (auto).", etcdcfg.Formats()...),
		multilineField(x.Multiline))
	s.fields = append(s.fields, listFields("include_lines", "Include lines", x.IncludeLines, "Regular expressions, one a line: only lines that match one are sent.")...)
	s.fields = append(s.fields, listFields("exclude_lines", "Exclude lines", x.ExcludeLines, "Regular expressions, one a line: lines that match one are not sent.")...)
	s.fields = append(s.fields, listFields("labels", "Labels", labelLines(x.Labels), "name=value, one a line; sent as record headers.")...)
	s.fields = append(s.fields,
		choiceField("poll", "Watch by", pollName(x.Poll), "Time only: for network file systems, which do not tell of changes.", "notification", "time only"),
		choiceField("disabled", "Collect", pausedName(x.Disabled), "A paused entry stays in the list and is not collected.", "yes", "paused"))
	s.growLists()
	head := s.head
	s.check = func(f *form) { f.head = head; checkEntryForm(f, old) }
	s.renew = func() tea.Cmd { // a topic that was just made is not in the list yet
		missing := e.topics.find(s.get("topic")) == nil
		return e.loadTopics(missing && e.now().Sub(e.topics.at) >= topicsPause)
	}
	s.peek = func(f *form) tea.Cmd {
		x, _ := entryOf(f, old) // a topic is not needed for it
		if x.Path == "" {
			e.complain("Write a path first")
			return nil
		}
		return e.previewEntry(x)
	}
	s.find = e.findLogs
	base := e.view.list
	s.submit = func(f *form) tea.Cmd { return submitEntryForm(f, base, old) }
	return s
}

func multilineField(m *etcdcfg.Multiline) *field {
	f := textField("multiline", "Multiline", m.String(), `What the program prints (java, python, ...) or a regular expression that the first line of a record matches, such as ^\d{4}-; more: {"end": "^}$", "timeout": "5s"}.`)
	f.suggest = func(text string) []string {
		if text == "" {
			return nil
		}
		return withPrefix(etcdcfg.MultilinePresets(), text)
	}
	return f
}

func orDefault(s, d string) string {
	if s == "" {
		return d
	}
	return s
}

func pollName(on bool) string {
	if on {
		return "time only"
	}
	return "notification"
}

func pausedName(on bool) string {
	if on {
		return "paused"
	}
	return "yes"
}

func listFields(id, label string, values []string, help string) []*field {
	if len(values) == 0 {
		values = []string{""}
	}
	var out []*field
	for i, v := range values {
		f := textField(id, "", v, help)
		f.kind = fieldList
		if i == 0 {
			f.label = label
		}
		out = append(out, f)
	}
	return out
}

func labelLines(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k, v := range m {
		out = append(out, k+"="+v)
	}
	sort.Strings(out)
	return out
}

func fmtLabels(m map[string]string) string { return strings.Join(labelLines(m), ", ") }

func fmtList(l []string) string { return strings.Join(l, ", ") }

// topicNames are the topics of the cluster, and those of the list.
func (e *env) topicNames() []string {
	seen := map[string]bool{}
	var out []string
	for _, n := range e.topics.names() {
		seen[n] = true
		out = append(out, n)
	}
	for i := range e.view.entries {
		if n := e.view.entries[i].entry.Topic; !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out
}

// entryOf reads the form; old keeps what the form does not show.
func entryOf(f *form, old *etcdcfg.Entry) (etcdcfg.Entry, error) {
	var x etcdcfg.Entry
	if old != nil {
		x = old.Clone()
	}
	x.Path, x.Topic, x.Encoding = f.get("path"), f.get("topic"), f.get("encoding")
	if from := f.get("from"); from != orDefault(x.From, etcdcfg.FromEnd) {
		x.From = from
	}
	if format := f.get("format"); format != orDefault(x.Format, etcdcfg.FormatRaw) {
		x.Format = format
	}
	x.Exclude, x.IncludeLines, x.ExcludeLines = f.all("exclude"), f.all("include_lines"), f.all("exclude_lines")
	x.Rotated = f.all("rotated")
	x.Poll, x.Disabled = f.get("poll") == "time only", f.get("disabled") == "paused"
	joined, err := etcdcfg.ParseMultiline(f.get("multiline"))
	if x.Multiline = joined; err != nil {
		for _, p := range problemsOf(err) {
			f.blame("multiline", 0, p.Message+": "+p.Hint)
		}
		return x, errors.New("multiline cannot be read")
	}
	if old != nil && f.untouched("labels") {
		return x, neededIn(&x)
	}
	x.Labels = nil
	for i, l := range f.all("labels") {
		k, v, ok := strings.Cut(l, "=")
		if !ok || strings.TrimSpace(k) == "" {
			f.blame("labels", i, "write name=value")
			continue
		}
		if x.Labels == nil {
			x.Labels = map[string]string{}
		}
		x.Labels[strings.TrimSpace(k)] = strings.TrimSpace(v)
	}
	return x, neededIn(&x)
}

func neededIn(x *etcdcfg.Entry) error {
	if x.Path == "" || x.Topic == "" {
		return errors.New("a path and a topic are needed")
	}
	return nil
}

func checkEntryForm(f *form, old *etcdcfg.Entry) {
	x, err := entryOf(f, old)
	if x.Path == "" && f.dirty {
		f.blame("path", 0, "needed")
	}
	if x.Topic == "" && f.dirty {
		f.blame("topic", 0, "needed")
	}
	if err != nil && !f.dirty {
		return
	}
	for i := range f.env.view.entries {
		other := &f.env.view.entries[i].entry
		if other.Key() == x.Key() && (old == nil || old.Key() != x.Key()) {
			f.blame("path", 0, "the list has this path with this topic already")
		}
	}
	if x.Path == "" || x.Topic == "" {
		return
	}
	if err := etcdcfg.ValidateEntry(x); err != nil {
		for _, p := range problemsOf(err) {
			id, n := fieldOf(p.Field)
			text := p.Message
			if p.Hint != "" {
				text += ": " + p.Hint
			}
			f.blame(id, n, text)
		}
	}
	if f.get("topic") != "" && f.env.topics.known && f.env.topics.find(x.Topic) == nil && f.valid() {
		f.head = "Topic " + clean(x.Topic) + " does not exist yet; you can create it after saving"
	}
}

// fieldOf maps the name of a problem's field, such as exclude[1] or
// multiline.start, to a field of the form and the place in its list.
func fieldOf(name string) (id string, n int) {
	if i := strings.IndexAny(name, ".["); i >= 0 {
		id = name[:i]
		if k, err := strconv.Atoi(strings.Trim(name[i:], "[].")); err == nil {
			n = k
		}
		return id, n
	}
	return name, 0
}

// submitEntryForm shows the difference; saving happens from there.
func submitEntryForm(f *form, base etcdcfg.Snapshot, old *etcdcfg.Entry) tea.Cmd {
	x, err := entryOf(f, old)
	if err != nil {
		f.env.complain(err.Error())
		return nil
	}
	name := x.Path + " → " + x.Topic
	ed := edit{touched: []string{x.Key()}, topic: x.Topic}
	if old == nil {
		ed.note = "add " + name
		ed.apply = func(in []etcdcfg.Entry) ([]etcdcfg.Entry, error) { return append(in, x), nil }
		return f.env.propose(base, ed, f)
	}
	ed.note, ed.apply = "edit "+name, func(in []etcdcfg.Entry) ([]etcdcfg.Entry, error) {
		for i := range in {
			if in[i].Key() == old.Key() {
				in[i] = merged(in[i], *old, x)
				return in, nil
			}
		}
		return nil, fmt.Errorf("the entry %s → %s is no longer in the list: somebody removed it", old.Path, old.Topic)
	}
	return f.env.propose(base, ed, f)
}

// merged is an entry as it stands now with what was changed from old to mine: what
// somebody else changed in other fields meanwhile stays.
func merged(now, old, mine etcdcfg.Entry) etcdcfg.Entry {
	x := now.Clone()
	put(&x.Path, old.Path, mine.Path)
	put(&x.Topic, old.Topic, mine.Topic)
	put(&x.From, old.From, mine.From)
	put(&x.Encoding, old.Encoding, mine.Encoding)
	put(&x.Format, old.Format, mine.Format)
	put(&x.Disabled, old.Disabled, mine.Disabled)
	put(&x.Poll, old.Poll, mine.Poll)
	mine = mine.Clone()
	if !slices.Equal(old.Exclude, mine.Exclude) {
		x.Exclude = mine.Exclude
	}
	if !slices.Equal(old.Rotated, mine.Rotated) {
		x.Rotated = mine.Rotated
	}
	if !slices.Equal(old.IncludeLines, mine.IncludeLines) {
		x.IncludeLines = mine.IncludeLines
	}
	if !slices.Equal(old.ExcludeLines, mine.ExcludeLines) {
		x.ExcludeLines = mine.ExcludeLines
	}
	if !maps.Equal(old.Labels, mine.Labels) {
		x.Labels = mine.Labels
	}
	if (old.Multiline == nil) != (mine.Multiline == nil) || old.Multiline != nil && *old.Multiline != *mine.Multiline {
		x.Multiline = mine.Multiline
	}
	return x
}

// put sets a field that was changed.
func put[T comparable](to *T, old, mine T) {
	if old != mine {
		*to = mine
	}
}
