package tui

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
)

const createLimit = 15 * time.Second

type createdMsg struct {
	form *form
	name string
	err  string
}

// newTopicForm creates a topic.
func newTopicForm(e *env, name, head string) *form {
	s := &form{env: e, name: "new topic", head: head, parent: actTopics}
	replication := min(max(e.view.brokers, 1), 3)
	retention := textField("retention", "Keep for", "", "How long records are kept: 36h, 7d; empty: the cluster's default.")
	s.fields = []*field{
		textField("name", "Name", name, "Letters, digits, dot, underscore and hyphen, 249 at most."),
		textField("partitions", "Partitions", "3", "More of them let more readers share the work; it can only grow later."),
		textField("replication", "Replicas", itoa(replication), fmt.Sprintf("Copies of each partition, at most the number of brokers (%d now).", e.view.brokers)),
		retention,
	}
	if name != "" {
		s.sel = 1
	}
	s.check = checkTopicForm
	s.submit = createTopic
	return s
}

// created deals with the answer to createTopic, also when its form was left meanwhile.
func (e *env) created(m createdMsg) tea.Cmd {
	e.creating = false
	if m.err != "" {
		e.complain("Topic " + m.name + " not created: " + m.err)
		e.journal.add("kafka", true, "topic "+m.name+" not created: "+m.err)
		return nil
	}
	e.say("Topic " + m.name + " is created")
	e.journal.add("kafka", false, "created topic "+m.name)
	e.request(reqDrop{[]screen{m.form}})
	return e.loadTopics(true)
}

func checkTopicForm(f *form) {
	name := f.get("name")
	switch {
	case name == "":
		if f.dirty {
			f.blame("name", 0, "needed")
		}
	case !legalTopic(name):
		f.blame("name", 0, "only letters, digits, '.', '_' and '-', 249 at most, not . or ..")
	case f.env.topics.known && f.env.topics.find(name) != nil:
		f.blame("name", 0, "exists already")
	}
	if n, err := strconv.Atoi(f.get("partitions")); err != nil || n < 1 || n > 10_000 {
		f.blame("partitions", 0, "a number from 1 to 10000")
	}
	n, err := strconv.Atoi(f.get("replication"))
	switch {
	case err != nil || n < 1 || n > 100:
		f.blame("replication", 0, "a number from 1 to the number of brokers")
	case f.env.view.brokers > 0 && n > f.env.view.brokers:
		f.blame("replication", 0, "the cluster has only "+plural(f.env.view.brokers, "broker"))
	}
	if _, err := retentionOf(f.get("retention")); err != nil {
		f.blame("retention", 0, err.Error())
	}
}

func legalTopic(name string) bool {
	if name == "." || name == ".." || name == "" || len(name) > 249 {
		return false
	}
	for _, c := range name {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}

// retentionOf reads a duration with days; 0 is the default of the cluster.
func retentionOf(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err == nil && n > 0 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second {
		return 0, fmt.Errorf("a time such as 36h or 7d")
	}
	return d, nil
}

func createTopic(f *form) tea.Cmd {
	e := f.env
	if e.ports.topics == nil || e.readOnly {
		e.complain("Read-only console: nothing can be changed here")
		return nil
	}
	name := f.get("name")
	partitions, _ := strconv.Atoi(f.get("partitions"))   // checked by the form
	replication, _ := strconv.Atoi(f.get("replication")) // checked by the form
	configs := map[string]string{}
	if d, err := retentionOf(f.get("retention")); err == nil && d > 0 {
		configs["retention.ms"] = strconv.FormatInt(d.Milliseconds(), 10)
	}
	if e.creating {
		e.complain("The topic before is still being created: wait for the answer")
		return nil
	}
	e.creating = true
	port, ctx := e.ports.topics, e.ctx
	e.say("Creating " + name + " ...")
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, createLimit)
		defer cancel()
		m := createdMsg{form: f, name: name}
		if err := port.Create(ctx, name, int32(partitions), int16(replication), configs); err != nil {
			m.err = clean(port.Explain(err))
		}
		return m
	}
}
