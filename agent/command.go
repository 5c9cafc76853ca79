package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"logctl/agent/positions"
	"logctl/agent/report"
	"logctl/etcdcfg"
)

// moveWait is how long a command waits for the lines that its task has on their way.
const moveWait = 20 * time.Second

// serve carries out commands that come through etcd, until ctx ends.
func (a *Agent) serve(ctx context.Context) error {
	store := etcdcfg.NewStore(a.etcd, a.cfg.ID, etcdcfg.WithTimeout(a.cfg.Etcd.Timeout))
	return store.Serve(ctx, a.cfg.ID, a.command, func(err error) {
		if err != nil { // that etcd is away is told by the lists
			a.cfg.Log.Debug("commands are not heard now", "error", err)
		}
	})
}

// Positions is what is kept of one entry.
type Positions = report.Positions

// FilePosition is how far one generation of a file has been dealt with.
type FilePosition = report.FilePosition

// command carries out one command of an operator.
func (a *Agent) command(ctx context.Context, c etcdcfg.Command) (any, error) {
	log := a.cfg.Log.With("command", c.Kind, "who", c.Who, "path", c.Path, "topic", c.Topic, "file", c.File, "to", c.To, "dry_run", c.DryRun)
	if c.Kind == "list" {
		return ListPositions(a.registry, c.Path, c.Topic), nil
	}
	if c.Kind == "preview" {
		list, err := etcdcfg.Parse(c.Entry)
		if err == nil && len(list) != 1 {
			err = fmt.Errorf("%d entries where one is asked for", len(list))
		}
		if err != nil {
			return nil, fmt.Errorf("the entry cannot be read: %w", err)
		}
		return PreviewEntry(ctx, list[0], Access{Allowed: a.cfg.allowed(), Dir: a.cfg.allowedDir()})
	}
	if c.Kind == "suggest" {
		return SuggestEntries(ctx, c.Path, Access{Allowed: a.cfg.allowed(), Dir: a.cfg.allowedDir()})
	}
	key, err := FindSource(a.registry, c.Path, c.Topic)
	if err == nil && c.Kind != "rewind" && c.Kind != "seek" && c.Kind != "forget" {
		err = fmt.Errorf("this version (%s) knows no command %q", a.cfg.Version, c.Kind)
	}
	if err != nil {
		log.Warn("command refused", "error", err)
		return nil, err
	}
	edit := func() ([]positions.Change, error) { return EditPositions(a.registry, key, c) }
	if !c.DryRun {
		edit = func() ([]positions.Change, error) { return a.tasks.pauseFor(ctx, key, moveWait, c) }
	}
	moves, err := edit()
	if err != nil {
		log.Warn("command failed", "error", err)
		return nil, err
	}
	log.Info("command carried out", "moves", len(moves))
	out := ListPositions(a.registry, pathOf(key), strings.TrimPrefix(key, pathOf(key)+"\x00"))
	if len(out) == 0 { // forgotten
		out = []Positions{{Path: c.Path, Topic: c.Topic}}
	}
	out[0].Moves, out[0].Peak = Moves(moves), a.peak.Load()
	return out, nil
}

// ListPositions is what a registry keeps of the entries with a path and topic; empty ones are
// those of all.
func ListPositions(r *positions.Registry, path, topic string) []Positions {
	var out []Positions
	for key, at := range r.Keys() {
		p, t, _ := strings.Cut(key, "\x00")
		if path != "" && p != path || topic != "" && t != topic {
			continue
		}
		x := Positions{Path: p, Topic: t, Since: at.UTC(), Files: []FilePosition{}}
		for _, st := range r.States(key) {
			x.Files = append(x.Files, FilePosition{Path: st.Path, File: st.Origins().Short(), Pos: st.Pos, Size: st.Size, Skipped: st.Skipped, Rotated: st.Rotated})
		}
		slices.SortFunc(x.Files, func(a, b FilePosition) int { return strings.Compare(a.Path, b.Path) })
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b Positions) int { return strings.Compare(a.Path+"\x00"+a.Topic, b.Path+"\x00"+b.Topic) })
	return out
}

// Moves are changes of positions as an answer has them.
func Moves(list []positions.Change) []report.Move {
	out := make([]report.Move, 0, len(list))
	for _, c := range list {
		out = append(out, report.Move{Path: c.Path, From: c.From, To: c.To, Size: c.Size, Again: c.Again, First: c.First, Passed: c.Passed})
	}
	return out
}

// FindSource is the source of an entry. The topic may be left out where the path has one.
func FindSource(r *positions.Registry, path, topic string) (string, error) {
	var found []string
	for key := range r.Keys() {
		p, t, _ := strings.Cut(key, "\x00")
		if p == path && (topic == "" || t == topic) {
			found = append(found, key)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("no positions are kept for the entry %s %s: 'positions list' shows which are", path, topic)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%d entries have the path %s: name the topic too", len(found), path)
}

// EditPositions carries a rewind, seek or forget out on a registry whose source is not
// followed, or says what it would do, and returns which positions move.
func EditPositions(r *positions.Registry, key string, c etcdcfg.Command) ([]positions.Change, error) {
	if c.Kind == "forget" {
		if c.File != "" {
			return nil, errors.New("forget takes a whole entry: move single files with rewind or seek")
		}
		if c.DryRun {
			return nil, nil
		}
		return nil, r.Forget(key)
	}
	moves, err := positions.Move{File: c.File, To: positions.Target(c.To), Pos: c.Pos, Places: c.Places}.Plan(r.States(key))
	if err != nil || c.DryRun {
		return moves, err
	}
	return moves, r.Rewrite(key, moves)
}

// pauseFor stops the task of a source, if it runs, edits its positions when nothing of it is on
// its way any more, and starts it again.
func (s *supervisor) pauseFor(ctx context.Context, key string, wait time.Duration, c etcdcfg.Command) ([]positions.Change, error) {
	type outcome struct {
		moves []positions.Change
		err   error
	}
	done := make(chan outcome, 1)
	edit := func() error {
		moves, err := EditPositions(s.shared.registry, key, c)
		done <- outcome{moves, err}
		return nil // the task goes on, be it where it was
	}
	if !s.restart(key, edit) {
		if err := edit(); err != nil {
			return nil, err
		}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case o := <-done:
		return o.moves, o.err
	case <-timer.C:
		return nil, fmt.Errorf("it will be carried out as soon as Kafka has acknowledged the lines of the entry that are on their way; that takes longer than %v", wait)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// restart replaces the task of a source by one that calls edit before it reads, once nothing
// of its predecessor is on its way. It reports false when no task runs.
func (s *supervisor) restart(key string, edit func() error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tasks[key]
	if t == nil {
		return false
	}
	delete(s.tasks, key)
	t.log.Info("task stops, for its positions are to move")
	t.cancel()
	s.last[key] = append(s.last[key], t)
	s.startAfter(t.entry, edit)
	return true
}
