package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"logctl/etcdcfg"
)

// command is one command of the ":" line.
type command struct {
	names []string // the first is the one completion offers
	arg   string   // what it takes, for the help; "" nothing
	help  string
	run   func(e *env, arg string) error
	args  func(e *env) []string // completions of the argument
}

// commands lists the commands of the ":" line.
func commands() []command {
	home := func(a action) func(*env, string) error {
		return func(e *env, _ string) error { e.request(reqHome{a}); return nil }
	}
	return []command{
		{names: []string{"entries", "tasks", "e"}, help: "the entries", run: home(actEntries)},
		{names: []string{"agents", "a"}, help: "the agents", run: home(actAgents)},
		{names: []string{"topics", "t"}, help: "the topics", run: home(actTopics)},
		{names: []string{"problems"}, help: "what does not work, and what to do", run: func(e *env, _ string) error {
			e.push(newProblemsScreen(e))
			return nil
		}},
		{names: []string{"events", "logs", "l"}, help: "what happened", run: home(actEvents)},
		{
			names: []string{"stream", "s"}, arg: "TOPIC [FROM]", help: "stream a topic from newest, oldest, -100, an offset or a time",
			run: runStream, args: func(e *env) []string { return e.topics.names() },
		},
		{
			names: []string{"key", "k"}, arg: "KEY", help: "look at another collect key; without one: choose",
			run: runKey, args: func(e *env) []string { return e.knownKeys() },
		},
		{names: []string{"history", "h"}, help: "who changed the list", run: func(e *env, _ string) error {
			e.push(newHistoryScreen(e))
			return nil
		}},
		{names: []string{"theme"}, arg: "auto|light|dark|none", help: "colours", run: runTheme, args: func(*env) []string {
			return []string{ThemeAuto, ThemeLight, ThemeDark, ThemeNone}
		}},
		{names: []string{"help"}, help: "the keys", run: func(e *env, _ string) error {
			e.push(newHelpScreen(e, nil))
			return nil
		}},
		{names: []string{"quit", "q", "q!", "wq"}, help: "end the console", run: func(e *env, _ string) error {
			e.request(reqQuit{})
			return nil
		}},
	}
}

func findCommand(name string) (command, bool) {
	for _, c := range commands() {
		for _, n := range c.names {
			if n == name {
				return c, true
			}
		}
	}
	return command{}, false
}

func runStream(e *env, arg string) error {
	topic, from, _ := strings.Cut(arg, " ")
	if topic == "" {
		e.request(reqHome{actStream})
		return nil
	}
	from = strings.TrimSpace(from)
	if from != "" && e.ports.streams != nil {
		if err := e.ports.streams.CheckFrom(from); err != nil {
			return err
		}
	}
	e.request(reqStream{streamQuery{topic: topic, from: from}})
	return nil
}

func runKey(e *env, arg string) error {
	if arg == "" {
		e.push(newKeyPicker(e))
		return nil
	}
	e.useKey(arg)
	return nil
}

func runTheme(e *env, arg string) error {
	if err := CheckTheme(arg); err != nil || arg == "" {
		return fmt.Errorf("theme %q: want auto, light, dark or none", arg)
	}
	e.request(reqTheme{arg})
	return nil
}

// useKey switches the console to another collect key.
func (e *env) useKey(key string) {
	if key == e.view.key {
		return
	}
	e.feed.useKey(key)
	e.prefs.remember(key)
	e.undo, e.applied.rev = nil, 0
	e.say("Looking at " + key)
}

// knownKeys are the keys that agents use or that were looked at before.
func (e *env) knownKeys() []string {
	seen := map[string]bool{}
	var out []string
	add := func(k string) {
		if k != "" && !seen[k] && !placeholder(k) {
			seen[k] = true
			out = append(out, k)
		}
	}
	add(e.view.key)
	for _, a := range e.view.agents {
		add(a.key)
	}
	for _, k := range e.prefs.keys() {
		add(k)
	}
	add(etcdcfg.DefaultKey)
	return out
}

// placeholder reports whether a collect key stands for several.
func placeholder(key string) bool {
	return strings.Contains(key, "{hostname}") || strings.Contains(key, "{ip}")
}

func newCommandPrompt(e *env) *prompt {
	p := newPrompt(":", "")
	p.complete = func(text string) []string { return completeCommand(e, text) }
	p.onDone = func(text string) tea.Cmd {
		name, arg, _ := strings.Cut(strings.TrimSpace(text), " ")
		if name == "" {
			return nil
		}
		c, ok := findCommand(name)
		if !ok {
			if match := withPrefix(commandNames(), name); len(match) == 1 {
				c, ok = findCommand(match[0])
			}
		}
		if !ok {
			e.complain(fmt.Sprintf("No command %q; Tab shows them", name))
			return nil
		}
		if err := c.run(e, strings.TrimSpace(arg)); err != nil {
			e.complain(err.Error())
		}
		return nil
	}
	return p
}

func commandNames() []string {
	var out []string
	for _, c := range commands() {
		out = append(out, c.names[0])
	}
	return out
}

func completeCommand(e *env, text string) []string {
	name, arg, hasArg := strings.Cut(text, " ")
	if !hasArg {
		return withPrefix(commandNames(), name)
	}
	c, ok := findCommand(name)
	if !ok || c.args == nil {
		return nil
	}
	out := withPrefix(c.args(e), arg)
	for i := range out {
		out[i] = name + " " + out[i]
	}
	return out
}
