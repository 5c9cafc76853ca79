package tui

import (
	"encoding/json"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"logctl/agent/report"
	"logctl/etcdcfg"
)

const actPreview action = "preview"

// previewAgents is how many agents are asked what an entry would do there.
const previewAgents = 20

// previewScreen shows what an entry would match and send on the agents, before it is saved.
type previewScreen struct {
	textScreen
	gen   int
	asked []string
	of    int // agents on duty
}

// previewEntry asks the agents what an entry would do.
func (e *env) previewEntry(x etcdcfg.Entry) tea.Cmd {
	agents := e.onDuty()
	if e.ports.agents == nil || len(agents) == 0 {
		e.complain("No agent with this key is on duty; on a host: logctl entries preview PATH")
		return nil
	}
	if x.Topic == "" {
		x.Topic = "preview" // what is sent where does not matter yet
	}
	text, err := etcdcfg.Format([]etcdcfg.Entry{x})
	if err == nil {
		err = etcdcfg.ValidateEntry(x)
	}
	if err != nil {
		e.complain(err.Error())
		return nil
	}
	s := &previewScreen{gen: e.next(), asked: agents[:min(len(agents), previewAgents)], of: len(agents)}
	s.textScreen = textScreen{env: e, name: "preview", parent: actEntries, actions: textKeys(), hang: 4,
		head: fmt.Sprintf("Asking %s what %s would match there ...", agentsText(s.asked), clean(x.Path))}
	e.push(s)
	return e.ask(s.gen, s.asked, etcdcfg.Command{Kind: "preview", Entry: text})
}

func (s *previewScreen) update(msg tea.Msg) tea.Cmd {
	m, ok := msg.(askedMsg)
	if !ok || m.gen != s.gen {
		return nil
	}
	st := s.env.styles
	matches, hosts := 0, 0
	var size int64
	var lines []string
	for i := range m.list {
		a := &m.list[i]
		var p report.Preview
		if a.err == nil {
			a.err = json.Unmarshal(a.result, &p)
		}
		if a.err != nil {
			lines = append(lines, st.bad.apply("✗ "+clean(a.agent)+": "+clean(a.err.Error())))
			continue
		}
		matches, size = matches+p.Matches, size+p.Bytes
		if p.Matches > 0 {
			hosts++
		}
		lines = append(lines, s.host(a.agent, &p)...)
	}
	s.head = fmt.Sprintf("It would match %s on %s of %s asked, %s", plural(matches, "file"), plural(hosts, "agent"), itoa(len(s.asked)), humanBytes(float64(size)))
	if s.of > len(s.asked) {
		s.head += fmt.Sprintf(" (%d agents were not asked)", s.of-len(s.asked))
	}
	s.show(lines, "")
	return nil
}

// host is what there is to say of one agent.
func (s *previewScreen) host(id string, p *report.Preview) []string {
	st := s.env.styles
	lines := []string{st.key.apply(clean(id)) + fmt.Sprintf("  %s, %s", plural(p.Matches, "file"), humanBytes(float64(p.Bytes)))}
	if p.Cut {
		lines = append(lines, st.dim.apply("  there are more: looking for them took too long"))
	}
	for _, f := range p.Files {
		if f.Error != "" {
			lines = append(lines, st.bad.apply("  ✗ "+clean(f.Path)+": "+clean(f.Error)))
			continue
		}
		lines = append(lines, "    "+clean(f.Path)+st.dim.apply("  "+humanBytes(float64(f.Size))+", "+s.env.stamp(f.Modified.Local())))
	}
	if p.Of == "" {
		return lines
	}
	text := "    the last records of " + clean(p.Of)
	if p.Filtered > 0 {
		text += fmt.Sprintf(" (%d left out by filters)", p.Filtered)
	}
	if p.Unparsed > 0 {
		text += fmt.Sprintf(" (%s not in the format)", plural(p.Unparsed, "line"))
	}
	lines = append(lines, st.dim.apply(text+":"))
	for _, r := range p.Records {
		lines = append(lines, "    │ "+clean(strings.ReplaceAll(r, "\n", "⏎")))
	}
	return lines
}
