package tui

import (
	"errors"
	"testing"
	"time"
)

func TestUndoTakesBackOneEditAfterTheOther(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		first := string(c.store.raw)
		c.key("p")
		c.key("j", "d", "enter")
		if c.store.rev != 43 {
			t.Fatalf("rev %d: Enter confirmed a delete", c.store.rev)
		}
		c.key("y")
		if c.store.rev != 44 {
			t.Fatalf("rev %d", c.store.rev)
		}
		c.key("u", "u")
		if got := string(c.store.raw); got != first {
			t.Errorf("after two undos:\n%s\nwant\n%s", got, first)
		}
		c.key("u")
		c.wants(t, "Nothing to undo")
	})
}

func TestUndoRefusesWhenSomebodyEditedSince(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("p")
		c.store.other("[]")
		c.key("u")
		c.wants(t, "Not undone: somebody edited after you")
		if string(c.store.raw) != "[]" {
			t.Error("the undo wrote over another's edit")
		}
	})
}

func TestHistoryReverts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("p")
		c.fresh()
		c.key("p")
		c.fresh()
		c.key("H", "j", "r")
		c.wants(t, "what it was at rev 43?", "disabled")
		c.key("y")
		if c.store.rev != 45 || c.store.changes[0].Note != "revert to rev 43" {
			t.Errorf("rev %d, %+v", c.store.rev, c.store.changes[0])
		}
	})
}

func TestUndoWhileAnotherKeyIsChosen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("p")
		c.store.slow = make(chan struct{})
		c.key("u", ":")
		c.text("key other_conf")
		c.key("enter")
		e := c.root.env
		e.feed.fleet.switchKey("other_conf")
		c.fresh()
		close(c.store.slow)
		c.settle() // the answer comes for a key that is no longer looked at
		if e.undo != nil {
			t.Error("an edit of the key before can be undone on this one")
		}
		c.key("u")
		c.wants(t, "Nothing to undo")
	})
}

func TestHistoryIsAskedForOnceForAList(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("p")
		c.store.other(`[{"path": "/by/hand", "topic": "t"}]`) // has no record
		c.list()
		c.key("H")
		asked := c.store.asked
		for range 5 {
			c.clock = c.clock.Add(time.Second)
			c.fresh()
		}
		if c.store.asked != asked {
			t.Errorf("the history of one list was read %d times more", c.store.asked-asked)
		}
		c.store.other("[]")
		c.list()
		if c.store.asked != asked+1 {
			t.Errorf("the history of a new list was read %d times", c.store.asked-asked)
		}
	})
}

func TestHistoryComesBackAfterAnError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.key("p")
		c.store.err = errors.New("etcd does not answer")
		c.key("H")
		c.wants(t, "History not loaded: etcd does not answer")
		c.store.err = nil
		c.clock = c.clock.Add(time.Second)
		c.fresh()
		c.wants(t, "1 change of collect_log_conf")
	})
}
