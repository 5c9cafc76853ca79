package cli

import (
	"context"
	"encoding/json"
	"fmt"
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
