package tui

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"logctl/agent/report"
	"logctl/etcdcfg"
)

// foundLog is a log that agents have in a directory, with the entry for it.
type foundLog struct {
	report.SuggestedLog
	agents []string
}

// findLogs asks the agents which logs they have at the path of the form, a directory or a
// file, and lets one be chosen: its entry goes into the form.
func (e *env) findLogs(f *form) tea.Cmd {
	at := directoryOf(f.get("path"))
	agents := e.onDuty()
	switch {
	case at == "":
		e.complain("Write a directory or a file into Path first")
		return nil
	case e.ports.agents == nil || len(agents) == 0:
		e.complain("No agent with this key is on duty; on a host: logctl entries suggest DIR")
		return nil
	}
	gen, asked := e.next(), agents[:min(len(agents), previewAgents)]
	p := newPicker(e, "logs", fmt.Sprintf("Asking %s which logs they have at %s ...", agentsText(asked), clean(at)))
	p.parent = actEntries
	var found []foundLog
	p.onMsg = func(p *picker, msg tea.Msg) bool {
		m, ok := msg.(askedMsg)
		if !ok || m.gen != gen {
			return false
		}
		var failed []string
		found, failed = gatherLogs(m.list)
		p.items = p.items[:0]
		for i := range found {
			p.items = append(p.items, pickItem{text: clean(found[i].entry()), note: clean(found[i].says())})
		}
		p.head = fmt.Sprintf("%s on %s asked: Enter takes the entry of one", plural(len(found), "log"), plural(len(asked), "agent"))
		if len(found) == 0 {
			p.head = "No log at " + clean(at)
		}
		if len(failed) > 0 {
			p.head += "; " + clean(failed[0])
			if n := len(failed) - 1; n > 0 {
				p.head += fmt.Sprintf(" (and %d more answers like it)", n)
			}
		}
		return true
	}
	p.chosen = func(p *picker) tea.Cmd {
		log := &found[p.sel]
		f.fill("path", log.Path)
		f.fill("rotated", log.Rotated...)
		if f.get("topic") == "" {
			f.fill("topic", log.Topic)
		}
		f.changed()
		return nil
	}
	e.push(p)
	return e.ask(gen, asked, etcdcfg.Command{Kind: "suggest", Path: at})
}

// directoryOf is the path to look at: what stands before the first glob of a path.
func directoryOf(p string) string {
	if i := strings.IndexAny(p, "*?[{"); i >= 0 {
		p = p[:i]
		if cut := strings.LastIndexAny(p, `/\`); cut >= 0 {
			p = p[:max(cut, 1)]
		}
	}
	return p
}

// gatherLogs puts the answers of agents together: logs with the same entry are one. failed
// says what came of the others.
func gatherLogs(list []answered) (found []foundLog, failed []string) {
	for i := range list {
		a := &list[i]
		var r report.Suggested
		if a.err == nil {
			a.err = json.Unmarshal(a.result, &r)
		}
		if a.err != nil {
			failed = append(failed, a.agent+": "+a.err.Error())
			continue
		}
		for _, g := range r.Logs {
			at := slices.IndexFunc(found, func(f foundLog) bool { return f.Path == g.Path && slices.Equal(f.Rotated, g.Rotated) })
			if at < 0 {
				found = append(found, foundLog{SuggestedLog: g})
				at = len(found) - 1
			}
			found[at].agents = append(found[at].agents, a.agent)
		}
	}
	slices.SortFunc(found, func(a, b foundLog) int { return strings.Compare(a.entry(), b.entry()) })
	return found, failed
}

// entry is the path, and the globs of old generations.
func (f *foundLog) entry() string {
	if len(f.Rotated) == 0 {
		return f.Path
	}
	return f.Path + "  rotated " + strings.Join(f.Rotated, ", ")
}

// says is how the log is rotated, with some of its files, and where it is.
func (f *foundLog) says() string {
	names := make([]string, 0, len(f.Files))
	for _, x := range f.Files {
		names = append(names, path.Base(x.Name))
	}
	n := len(names) + f.More
	if len(names) > 3 {
		names = append([]string{"..."}, names[len(names)-3:]...)
	}
	return fmt.Sprintf("%s; %s: %s; on %s", f.Scheme, plural(n, "file"), strings.Join(names, " "), agentsText(f.agents))
}
