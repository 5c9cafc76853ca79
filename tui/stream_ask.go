package tui

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"
)

type (
	foundMsg struct {
		gen int
		seq uint64
		ok  bool
	}
	filteredMsg  struct{}
	savedFileMsg struct {
		screen *streamScreen // whose records they are
		file   string
		n      int
		err    error
	}
)

func (s *streamScreen) askFilter() {
	text := ""
	if s.filter != nil {
		text = s.filter.text
	}
	p := newPrompt("filter /", text)
	p.onChange = func(text string) error { _, err := parseFilter(text); return err }
	p.onDone = func(text string) tea.Cmd {
		f, err := parseFilter(text)
		if err != nil {
			return nil // the prompt does not end with an error
		}
		return s.useFilter(f)
	}
	s.env.request(reqPrompt{p})
}

// useFilter matches the kept records in the background.
func (s *streamScreen) useFilter(f *filter) tea.Cmd {
	s.filter = f
	sess, frozen := s.sess, s.frozen
	sess.ring.ask(f)
	if frozen != nil {
		frozen.ask(f)
	}
	return func() tea.Msg {
		if frozen != nil {
			frozen.setFilter(f)
		}
		sess.setFilter(f)
		return filteredMsg{}
	}
}

func (s *streamScreen) askSearch() {
	text := ""
	if s.search != nil {
		text = s.search.text
	}
	p := newPrompt("search \\", text)
	p.onChange = func(text string) error { _, err := parseFilter(text); return err }
	p.onDone = func(text string) tea.Cmd {
		f, err := parseFilter(text)
		if err != nil {
			return nil
		}
		s.search, s.highlight = f, true
		if f == nil {
			return nil
		}
		return s.find(true)
	}
	s.env.request(reqPrompt{p})
}

// find looks for the next hit of the search, or of the one before, in the
// background.
func (s *streamScreen) find(back bool) tea.Cmd {
	if s.search == nil {
		s.env.complain("Nothing to search for: \\ starts a search")
		return nil
	}
	s.finding = s.env.next()
	gen, r, f, from := s.finding, s.ring(), s.search, s.sel
	return func() tea.Msg {
		seq, ok := r.search(from, f, back)
		return foundMsg{gen, seq, ok}
	}
}

func (s *streamScreen) found(m foundMsg) {
	if m.gen != s.finding {
		return
	}
	if !m.ok {
		s.env.say("No further hit of " + s.search.text + " among the records kept")
		return
	}
	s.follow, s.sel = false, m.seq
	if s.detail {
		s.detailSeq, s.detailTop = m.seq, 0
	}
	s.look()
}

func (s *streamScreen) askSeek() {
	p := newPrompt("start at: ", "")
	p.complete = func(text string) []string {
		return withPrefix([]string{"newest", "oldest", "-100", "-1000", "-15m", "-1h"}, text)
	}
	p.onChange = func(text string) error {
		if text == "" {
			return nil
		}
		return s.env.ports.streams.CheckFrom(text)
	}
	p.onDone = func(text string) tea.Cmd {
		if text == "" {
			return nil
		}
		s.query.from = text
		s.open()
		s.env.say("Reading from " + text)
		return s.refresh()
	}
	s.env.request(reqPrompt{p})
}

func (s *streamScreen) pickPartitions() {
	p := newPicker(s.env, "partitions", "Space turns partitions on and off, Enter reads those that are on")
	p.parent, p.several = actStream, true
	on := map[string]bool{}
	for _, x := range strings.Split(s.query.partitions, ",") {
		on[x] = x != ""
	}
	listed := map[string]bool{}
	for _, row := range s.info.parts {
		v := itoa(int(row.id))
		listed[v] = true
		p.items = append(p.items, pickItem{text: "partition " + v, note: s.partText(row), value: v, on: len(on) == 0 || s.query.partitions == "" || on[v]})
	}
	if t := s.env.topics.find(s.query.topic); t != nil {
		for _, x := range t.Partitions {
			if v := itoa(int(x.ID)); !listed[v] {
				p.items = append(p.items, pickItem{text: "partition " + v, note: "not read now", value: v})
			}
		}
	}
	if len(p.items) == 0 {
		s.env.complain("The partitions are not known yet")
		return
	}
	p.chosen = func(p *picker) tea.Cmd {
		var names []string
		for _, it := range p.items {
			if it.on {
				names = append(names, it.value)
			}
		}
		if len(names) == 0 {
			s.env.complain("No partition is on: nothing changed")
			return nil
		}
		list := strings.Join(names, ",")
		if len(names) == len(p.items) {
			list = ""
		}
		if list == s.query.partitions {
			return nil
		}
		s.query.partitions = list
		s.open()
		return s.refresh()
	}
	s.env.push(p)
}

func (s *streamScreen) pickColumns() {
	p := newPicker(s.env, "columns", "Space turns columns on and off, Enter keeps the choice")
	p.parent, p.several = actStream, true
	for _, c := range streamColumns {
		p.items = append(p.items, pickItem{text: c, value: c, on: !s.hiddenCol[c]})
	}
	p.chosen = func(p *picker) tea.Cmd {
		s.hiddenCol = map[string]bool{}
		var hidden []string
		for _, it := range p.items {
			if !it.on && it.value != "value" {
				s.hiddenCol[it.value] = true
				hidden = append(hidden, it.value)
			}
		}
		s.env.prefs.set(func(d *prefsData) { d.Hidden["stream"] = append([]string{}, hidden...) })
		return nil
	}
	s.env.push(p)
}

func (s *streamScreen) askSave() {
	name := fmt.Sprintf("%s-%s.jsonl", fileSafe(s.query.topic), s.env.now().Format("20060102-150405"))
	p := newPrompt("save the records shown to: ", name)
	p.onDone = func(text string) tea.Cmd {
		if text == "" {
			return nil
		}
		r := s.ring()
		return func() tea.Msg {
			n, err := saveRecords(text, r.visible())
			return savedFileMsg{s, text, n, err}
		}
	}
	s.env.request(reqPrompt{p})
}

func (s *streamScreen) fileSaved(m savedFileMsg) {
	if m.screen != s {
		return
	}
	if m.err != nil {
		s.env.complain("Not saved: " + m.err.Error())
		return
	}
	s.env.say(fmt.Sprintf("Saved %s to %s", plural(m.n, "record"), m.file))
}

// fileSafe makes a topic's name one for a file.
func fileSafe(s string) string {
	return strings.Map(func(r rune) rune {
		if r == os.PathSeparator || r == '/' || r < 0x20 {
			return '_'
		}
		return r
	}, s)
}

// saveRecords writes records as JSON, one a line, to a new file.
func saveRecords(name string, recs []*rec) (n int, err error) {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			name = filepath.Join(home, rest)
		}
	}
	return len(recs), writeNew(name, func(w io.Writer) error {
		b := bufio.NewWriterSize(w, 1<<20)
		for _, r := range recs {
			if _, err := b.WriteString(recordJSON(r)); err != nil {
				return err
			}
			if err := b.WriteByte('\n'); err != nil {
				return err
			}
		}
		return b.Flush()
	})
}

// writeNew writes a new file; when that fails there is none.
func writeNew(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err = errors.Join(write(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}
