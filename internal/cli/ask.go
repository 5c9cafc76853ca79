package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"logctl/etcdcfg"
)

// refusedError is what an agent answered instead of carrying a command out.
type refusedError struct{ agent, why string }

func (e *refusedError) Error() string { return fmt.Sprintf("agent %s: %s", e.agent, e.why) }

// askAgent gives a command to a running agent, and puts the answer, which may take so long,
// where into points. The error is a *refusedError when the agent refused.
func (d *entriesDesk) askAgent(ctx context.Context, id string, wait time.Duration, c etcdcfg.Command, into any) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if err := d.onDuty(ctx, id); err != nil {
		return err
	}
	answer, err := d.Ask(ctx, id, c)
	switch {
	case err != nil:
		return err
	case answer.Error != "":
		return &refusedError{id, answer.Error}
	}
	if err := json.Unmarshal(answer.Result, into); err != nil {
		return fmt.Errorf("answer of agent %s: %w", id, err)
	}
	return nil
}

// onDuty says at once that nobody will answer, where etcd tells who is on duty.
func (d *entriesDesk) onDuty(ctx context.Context, id string) error {
	list, _, err := d.Presences(ctx)
	if err != nil || slices.ContainsFunc(etcdcfg.OnDuty(list), func(p etcdcfg.Presence) bool { return p.ID == id }) {
		return nil // who may not look may ask
	}
	return fmt.Errorf("agent %q is not on duty: start it ('logctl agents list' shows who is there); while an agent is stopped, 'logctl positions' on its host needs no --agent", id)
}
