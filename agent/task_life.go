package agent

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"logctl/agent/tail"
)

// life is one time that a task follows its files, from the opening of its Set until that
// is closed. A task that is quiet has no goroutine, because an agent may have thousands of
// them: looks are taken by tail.Rounds, and pumps run while there is something to read.
type life struct {
	task  *task
	set   *tail.Set
	pumps *pumps
	ctx   context.Context //nolint:containedctx // of the goroutines of this life
	group *errgroup.Group // which they are in
}

// run starts the task, and returns soon; over is called, once, when it has ended after ctx.
// A failure, also a panic, is this task's alone: it is noted, shown and tried again.
func (t *task) run(ctx context.Context, over func()) {
	switch {
	case len(t.after) > 0:
		go func() { // which over's caller waits for
			t.await(ctx)
			t.live(ctx, over)
		}()
	default:
		t.live(ctx, over)
	}
}

// live begins a life of the task, unless it is to end.
func (t *task) live(ctx context.Context, over func()) {
	switch {
	case foreign(t.entry.Path):
		context.AfterFunc(ctx, func() { t.finish(over) })
	case ctx.Err() != nil:
		t.finish(over)
	default:
		t.shared.rounds.Do(func() { t.begin(ctx, over) })
	}
}

// finish is the end of the task.
func (t *task) finish(over func()) {
	t.letGo()
	close(t.ended)
	over()
}

// begin begins a life of the task, and has another one follow on it.
func (t *task) begin(ctx context.Context, over func()) {
	next := func(err error) {
		t.failed(ctx, err)
		t.live(ctx, over)
	}
	l, err := t.follow(ctx)
	if err != nil {
		go next(err)
		return
	}
	t.shared.rounds.Follow(l.ctx, l.set, func(err error) { next(l.end(err)) })
}

// failed says why a life ended, unless the task is to end, and waits before the next one.
func (t *task) failed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	t.log.Error("task failed and will be started again", "error", err, "in", t.shared.times.restart)
	t.setFailure(err)
	pause := time.NewTimer(t.shared.times.restart)
	defer pause.Stop()
	select {
	case <-ctx.Done():
	case <-pause.C:
	}
}

// follow begins a life of the task.
func (t *task) follow(ctx context.Context) (l *life, err error) {
	var set *tail.Set
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		}
		if err != nil && set != nil {
			err = errors.Join(err, set.Close())
		}
	}()
	if t.inherit != nil {
		if err := t.inherit(); err != nil {
			return nil, err
		}
		t.inherit, t.after = nil, nil // their memory is not needed any more
	}
	if err := ctx.Err(); err != nil {
		return nil, err // the list may be another one by now, by which nothing was to be taken over
	}
	t.leave()
	rules, err := t.shared.expressions.Compile(ruleSpec(t.entry))
	if err != nil {
		return nil, err
	}
	l = &life{task: t, pumps: &pumps{task: t}}
	if set, err = t.open(l.pumps); err != nil {
		return nil, err
	}
	l.set = set
	t.look(set)
	if err := set.Scan(ctx); err != nil {
		return nil, err
	}
	if err := t.shared.registry.Register(t.entry.Key(), set.Unsaved()); err != nil {
		return nil, err
	}
	t.follows(set)
	l.group, l.ctx = errgroup.WithContext(ctx)
	if t.shared.await == nil {
		l.pumps.begin(l.ctx, l.group, set, rules)
		return l, nil
	}
	l.group.Go(guard(func() error {
		// Files are followed meanwhile, so that none that is rotated away is missed.
		if err := t.shared.await(l.ctx, t.shared.registry.Topics(t.entry.Key())...); err != nil {
			return err
		}
		l.pumps.begin(l.ctx, l.group, set, rules)
		return nil
	}))
	return l, nil
}

// end ends the life when its files are followed no longer, and waits for what goes on. It
// returns what ended it first.
func (l *life) end(err error) error {
	l.pumps.end()
	l.group.Go(func() error { return err }) // which ends the others
	err = l.group.Wait()
	l.task.end()
	return errors.Join(err, guard(l.set.Close)())
}

// guard turns a panic of a goroutine into its error.
func guard(f func() error) func() error {
	return func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = panicked(p)
			}
		}()
		return f()
	}
}

func panicked(p any) error { return fmt.Errorf("panic: %v\n%s", p, debug.Stack()) }
