package tui

import "strings"

// action is what a key asks for. Actions mean the same on every screen that has
// them.
type action string

// binding is one line of a key map; footer, help and dispatch are all made from
// it, so that they cannot disagree.
type binding struct {
	act    action
	keys   []string // as bubbletea names them
	label  string   // short, for the footer; "" is not shown there
	help   string   // one sentence without a full stop
	writes bool     // refused when the console is read-only
}

type keymap []binding

// find returns the binding of a key.
func (k keymap) find(key string) (binding, bool) {
	for _, b := range k {
		for _, x := range b.keys {
			if x == key {
				return b, true
			}
		}
	}
	return binding{}, false
}

// shownKey is the name of a key as people write it.
func shownKey(k string) string {
	switch k {
	case "enter":
		return "⏎"
	case "up":
		return "↑"
	case "down":
		return "↓"
	case "left":
		return "←"
	case "right":
		return "→"
	case "pgup":
		return "PgUp"
	case "pgdown":
		return "PgDn"
	case "home":
		return "Home"
	case "end":
		return "End"
	case "tab":
		return "Tab"
	case "shift+tab":
		return "Shift-Tab"
	case "esc":
		return "Esc"
	case "backspace":
		return "Backspace"
	case "space":
		return "Space"
	case "f1":
		return "F1"
	}
	if rest, ok := strings.CutPrefix(k, "ctrl+"); ok {
		return "Ctrl-" + strings.ToUpper(rest)
	}
	return k
}

func (b binding) shown() string {
	names := make([]string, 0, len(b.keys))
	for _, k := range b.keys {
		names = append(names, shownKey(k))
	}
	return strings.Join(names, " ")
}

// Actions of the whole program.
const (
	actHelp      action = "help"
	actCommand   action = "command"
	actBack      action = "back"
	actQuit      action = "quit"
	actEntries   action = "entries"
	actAgents    action = "agents"
	actTopics    action = "topics"
	actStream    action = "stream"
	actEvents    action = "events"
	actNextTab   action = "next tab"
	actPrevTab   action = "previous tab"
	actRedraw    action = "redraw"
	actSuspend   action = "suspend"
	actInterrupt action = "interrupt"
)

func globalKeys() keymap {
	return keymap{
		{act: actHelp, keys: []string{"?", "f1"}, label: "help", help: "this help"},
		{act: actCommand, keys: []string{":"}, label: "command", help: "type a command; Tab completes it"},
		{act: actBack, keys: []string{"esc", "backspace"}, help: "back to the screen before"},
		{act: actQuit, keys: []string{"q"}, label: "quit", help: "end the console; what the agents do goes on"},
		{act: actEntries, keys: []string{"1"}, help: "entries"},
		{act: actAgents, keys: []string{"2"}, help: "agents"},
		{act: actTopics, keys: []string{"3"}, help: "topics"},
		{act: actStream, keys: []string{"4"}, help: "the stream looked at last, else topics"},
		{act: actEvents, keys: []string{"5", "L"}, help: "events: what happened while the console was open"},
		{act: actNextProblem, keys: []string{"!"}, help: "what does not work: each problem with its whole reason and what to do"},
		{act: actNextTab, keys: []string{"tab"}, help: "the next of these five"},
		{act: actPrevTab, keys: []string{"shift+tab"}, help: "the one before"},
		{act: actRedraw, keys: []string{"ctrl+l"}, help: "draw the whole screen again"},
		{act: actSuspend, keys: []string{"ctrl+z"}, help: "to the shell; fg comes back"},
		{act: actInterrupt, keys: []string{"ctrl+c"}, help: "clears what is being typed; twice within a second ends the console"},
	}
}

// Actions of lists.
const (
	actUp       action = "up"
	actDown     action = "down"
	actPageUp   action = "page up"
	actPageDown action = "page down"
	actTop      action = "top"
	actBottom   action = "bottom"
	actFilter   action = "filter"
	actSort     action = "sort"
	actReverse  action = "reverse"
	actOpen     action = "open"
	actMark     action = "mark"
	actCopy     action = "copy"
	actRefresh  action = "refresh"
)

func moveKeys() keymap {
	return keymap{
		{act: actUp, keys: []string{"up", "k"}, help: "one up"},
		{act: actDown, keys: []string{"down", "j"}, help: "one down"},
		{act: actPageUp, keys: []string{"pgup", "ctrl+b"}, help: "a page up"},
		{act: actPageDown, keys: []string{"pgdown", "ctrl+f"}, help: "a page down"},
		{act: actTop, keys: []string{"home", "g"}, help: "to the first"},
		{act: actBottom, keys: []string{"end", "G"}, help: "to the last"},
	}
}

func listKeys() keymap {
	return append(moveKeys(),
		binding{act: actFilter, keys: []string{"/"}, label: "filter", help: "show only what matches a regular expression; ! in front: what does not"},
		binding{act: actSort, keys: []string{"s"}, label: "sort", help: "sort by the next column"},
		binding{act: actReverse, keys: []string{"S"}, help: "the other way round"},
	)
}

// Actions of the entries screen.
const (
	actAdd     action = "add"
	actEdit    action = "edit"
	actRaw     action = "raw"
	actDelete  action = "delete"
	actPause   action = "pause"
	actUndo    action = "undo"
	actHistory action = "history"
	actCreate  action = "create topic"
	actTail    action = "stream topic"
	actKeys    action = "collect keys"
	actWiden   action = "widen"
)

func entriesKeys() keymap {
	return append(keymap{
		{act: actAdd, keys: []string{"a"}, label: "add", help: "add an entry", writes: true},
		{act: actEdit, keys: []string{"e"}, label: "edit", help: "edit the entry in a form", writes: true},
		{act: actDelete, keys: []string{"d"}, label: "delete", help: "delete the entry, or all marked ones", writes: true},
		{act: actPause, keys: []string{"p"}, label: "pause", help: "pause or resume the entry, or all marked ones", writes: true},
		{act: actUndo, keys: []string{"u"}, label: "undo", help: "take back your last edit, unless somebody edited after you", writes: true},
		{act: actHistory, keys: []string{"H"}, label: "history", help: "who changed the list, what, when; revert"},
		{act: actOpen, keys: []string{"enter"}, label: "files", help: "the entry on each agent, file by file"},
		{act: actTail, keys: []string{"t"}, label: "stream", help: "stream the entry's topic"},
		{act: actRaw, keys: []string{"E"}, help: "edit the whole list as JSON in $EDITOR", writes: true},
		{act: actCreate, keys: []string{"n"}, help: "create the entry's topic when it is missing", writes: true},
		{act: actMark, keys: []string{"space"}, help: "mark, for d and p"},
		{act: actKeys, keys: []string{"K"}, help: "choose another collect key"},
		{act: actMove, keys: []string{"R"}, help: "rewind: move the positions back, or to the end; shows first what that would send", writes: true},
		{act: actWiden, keys: []string{"w"}, help: "show lines a second of the last hour, or of the last two minutes"},
		{act: actCopy, keys: []string{"y"}, help: "copy the path"},
	}, listKeys()...)
}

// brokenKeys are entriesKeys for a list that cannot be used: what helps comes first,
// and the rest is not shown.
func brokenKeys() keymap {
	labels := map[action]string{actRaw: "repair", actHistory: "history", actKeys: "other key"}
	var first, rest keymap
	for _, b := range entriesKeys() {
		if b.label = labels[b.act]; b.label != "" {
			first = append(first, b)
		} else {
			rest = append(rest, b)
		}
	}
	return append(first, rest...)
}

func detailKeys() keymap {
	return append(keymap{
		{act: actTail, keys: []string{"t"}, label: "stream", help: "stream the entry's topic"},
		{act: actEdit, keys: []string{"e"}, label: "edit", help: "edit the entry in a form", writes: true},
		{act: actCopy, keys: []string{"y"}, label: "copy", help: "copy the path of the file"},
		{act: actMove, keys: []string{"R"}, help: "rewind: move the positions back, or to the end; shows first what that would send", writes: true},
	}, listKeys()...)
}

func agentsKeys() keymap {
	return append(keymap{
		{act: actOpen, keys: []string{"enter"}, label: "tasks", help: "the agent's tasks"},
		{act: actKeys, keys: []string{"K"}, label: "use its key", help: "look at the agent's collect key"},
		{act: actCopy, keys: []string{"y"}, label: "copy", help: "copy the agent's id"},
	}, listKeys()...)
}

func agentKeys() keymap {
	return append(keymap{
		{act: actCopy, keys: []string{"y"}, label: "copy", help: "copy the path"},
		{act: actTail, keys: []string{"t"}, label: "stream", help: "stream the task's topic"},
		{act: actMove, keys: []string{"R"}, help: "rewind: move the positions back, or to the end; shows first what that would send", writes: true},
	}, listKeys()...)
}

func topicsKeys() keymap {
	return append(keymap{
		{act: actOpen, keys: []string{"enter", "t"}, label: "stream", help: "stream the topic"},
		{act: actCreate, keys: []string{"n"}, label: "new", help: "create a topic", writes: true},
		{act: actPartitions, keys: []string{"p"}, label: "partitions", help: "leaders, replicas and offsets of each partition"},
		{act: actInternal, keys: []string{"i"}, help: "internal topics and the agents' reports on or off"},
		{act: actRefresh, keys: []string{"r"}, help: "look again now"},
		{act: actCopy, keys: []string{"y"}, help: "copy the name"},
	}, listKeys()...)
}

const (
	actPartitions action = "partitions"
	actInternal   action = "internal"
)

// Actions of the stream.
const (
	actFreeze    action = "freeze"
	actFollow    action = "follow"
	actSearch    action = "search"
	actNext      action = "next"
	actPrevious  action = "previous"
	actHighlight action = "highlight"
	actSeek      action = "seek"
	actTime      action = "time"
	actUTC       action = "utc"
	actWrap      action = "wrap"
	actColumns   action = "columns"
	actCopyAll   action = "copy record"
	actSave      action = "save"
	actClear     action = "clear"
	actLeft      action = "left"
	actRight     action = "right"
	actView      action = "view"
	actNewer     action = "newer"
	actOlder     action = "older"
)

func streamKeys() keymap {
	return append(keymap{
		{act: actFreeze, keys: []string{"space"}, label: "freeze", help: "freeze the view; reading and counting go on"},
		{act: actFollow, keys: []string{"f"}, label: "follow", help: "follow the newest record; moving up leaves it"},
		{act: actFilter, keys: []string{"/"}, label: "filter", help: "show only values that match a regular expression; ! in front: that do not"},
		{act: actSearch, keys: []string{"\\"}, label: "search", help: "search the records kept, highlighting hits"},
		{act: actNext, keys: []string{"n"}, help: "next hit of the search"},
		{act: actPrevious, keys: []string{"N"}, help: "hit before"},
		{act: actOpen, keys: []string{"enter"}, label: "detail", help: "the record whole: JSON, headers, hex"},
		{act: actSeek, keys: []string{"o"}, label: "seek", help: "start elsewhere: newest, oldest, -100, an offset, a time"},
		{act: actPartitions, keys: []string{"p"}, label: "partitions", help: "choose partitions"},
		{act: actCopy, keys: []string{"y"}, label: "copy", help: "copy the value"},
		{act: actCopyAll, keys: []string{"Y"}, help: "copy the record as JSON"},
		{act: actSave, keys: []string{"s"}, label: "save", help: "save the records shown to a file, one JSON object a line"},
		{act: actHighlight, keys: []string{"h"}, help: "highlight on or off"},
		{act: actTime, keys: []string{"t"}, help: "time of the record, with date, or its age"},
		{act: actUTC, keys: []string{"T"}, help: "local time or UTC"},
		{act: actWrap, keys: []string{"w"}, help: "wrap long values or cut them"},
		{act: actColumns, keys: []string{"c"}, help: "choose columns"},
		{act: actLeft, keys: []string{"left"}, help: "scroll the values left"},
		{act: actRight, keys: []string{"right"}, help: "scroll the values right"},
		{act: actClear, keys: []string{"ctrl+k"}, help: "empty the view; the counters go on"},
		{act: actView, keys: []string{"v"}, help: "detail: JSON, raw, hex"},
		{act: actOlder, keys: []string{"["}, help: "the record before"},
		{act: actNewer, keys: []string{"]"}, help: "the record after"},
		{act: actPageDetailUp, keys: []string{"{"}, help: "detail: scroll up"},
		{act: actPageDetailDown, keys: []string{"}"}, help: "detail: scroll down"},
	}, moveKeys()...)
}

const (
	actPageDetailUp   action = "detail up"
	actPageDetailDown action = "detail down"
)

func eventsKeys() keymap {
	return append(keymap{
		{act: actCopy, keys: []string{"y"}, label: "copy", help: "copy the line"},
	}, append(moveKeys(), binding{act: actFilter, keys: []string{"/"}, label: "filter", help: "show only what matches a regular expression; ! in front: what does not"})...)
}

// Actions of dialogs.
const (
	actYes    action = "yes"
	actTheirs action = "theirs"
	actMine   action = "mine"
	actAgain  action = "edit again"
	actRevert action = "revert"
	actSwitch action = "switch"
)

func confirmKeys(verb string) keymap {
	return keymap{
		{act: actYes, keys: []string{"y"}, label: verb, help: "yes, " + verb},
		{act: actBack, keys: []string{"esc", "n", "q"}, label: "back", help: "no, go back"},
	}
}

func diffKeys() keymap {
	return append(keymap{
		{act: actYes, keys: []string{"y"}, label: "save", help: "save this", writes: true},
		{act: actBack, keys: []string{"esc", "n", "q"}, label: "back", help: "do not save"},
	}, moveKeys()...)
}

func conflictKeys() keymap {
	return append(keymap{
		{act: actTheirs, keys: []string{"t"}, label: "theirs", help: "drop my edit"},
		{act: actAgain, keys: []string{"r"}, label: "redo mine", help: "do my edit again on their list, and show the difference", writes: true},
		{act: actMine, keys: []string{"m"}, label: "only mine", help: "replace their list by mine", writes: true},
		{act: actSwitch, keys: []string{"tab", "v"}, label: "look", help: "look at the next of: difference, theirs, mine, base"},
		{act: actBack, keys: []string{"esc", "q"}, label: "back", help: "leave it; nothing is written"},
	}, moveKeys()...)
}

func historyKeys() keymap {
	return append(keymap{
		{act: actRevert, keys: []string{"r"}, label: "revert to it", help: "make the list what it was after this change", writes: true},
		{act: actPageDetailUp, keys: []string{"{"}, help: "scroll the difference up"},
		{act: actPageDetailDown, keys: []string{"}"}, label: "scroll", help: "scroll the difference down"},
		{act: actBack, keys: []string{"esc", "q"}, label: "back", help: "back"},
	}, moveKeys()...)
}

func pickerKeys() keymap {
	return append(keymap{
		{act: actOpen, keys: []string{"enter"}, label: "choose", help: "choose it"},
		{act: actMark, keys: []string{"space"}, help: "on or off, where several can be chosen"},
		{act: actBack, keys: []string{"esc", "q"}, label: "back", help: "back"},
	}, moveKeys()...)
}

func textKeys() keymap {
	return append(keymap{
		{act: actBack, keys: []string{"esc", "q", "?"}, label: "close", help: "close"},
	}, moveKeys()...)
}

func problemKeys() keymap {
	return append(keymap{
		{act: actAgain, keys: []string{"e"}, label: "edit again", help: "back to the editor with what you wrote", writes: true},
		{act: actBack, keys: []string{"esc", "q"}, label: "drop it", help: "drop what was written"},
	}, moveKeys()...)
}
