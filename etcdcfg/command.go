package etcdcfg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Commands for a running agent stand beside its presence:
//
//	ID/+command/N   a Command, under a lease of commandLife
//	ID/+answer/N    the agent's Answer to it, under one of the same length
//
// The agent removes a command when it has answered.
const (
	partCommand = "/+command/"
	partAnswer  = "/+answer/"
)

// commandLife is how long a command or an answer stands at most.
const commandLife = 10 * time.Minute

// Command asks a running agent for something.
type Command struct {
	Kind   string           `json:"kind"` // list, rewind, seek, forget, preview or suggest
	Path   string           `json:"path,omitempty"`
	Topic  string           `json:"topic,omitempty"`
	File   string           `json:"file,omitempty"`   // path or glob of files of the entry; empty: all
	To     string           `json:"to,omitempty"`     // as positions.Target
	Pos    int64            `json:"pos,omitempty"`    // bytes
	Places map[string]int64 `json:"places,omitempty"` // positions in bytes by the short ids of generations
	DryRun bool             `json:"dry_run,omitempty"`
	Entry  []byte           `json:"entry,omitempty"` // a list with one entry as Format writes it, of preview
	Who    string           `json:"who"`
	When   time.Time        `json:"when"`
}

// looks tells whether the command changes nothing.
func (c *Command) looks() bool { return c.Kind == "list" || c.Kind == "preview" || c.Kind == "suggest" }

// Answer is what came of a Command.
type Answer struct {
	When   time.Time       `json:"when"`
	Error  string          `json:"error,omitempty"` // empty: it was done
	Result json.RawMessage `json:"result,omitempty"`
}

// ErrNoAnswer is returned by Ask when the agent did not answer in time. The command is taken
// back then; it may have been begun.
var ErrNoAnswer = errors.New("the agent did not answer in time: is it on duty, and of this version? ('logctl agents list')")

// Ask gives a command to a running agent and waits for the answer until ctx ends. A command
// that changes something is refused when the store is read-only.
func (s *Store) Ask(ctx context.Context, agent string, c Command) (Answer, error) {
	if s.readOnly && !c.looks() {
		return Answer{}, ErrReadOnly
	}
	c.Who, c.When = s.author, time.Now().UTC().Truncate(time.Millisecond)
	text, err := json.Marshal(c)
	if err != nil {
		return Answer{}, fmt.Errorf("ask agent %q: %w", agent, err)
	}
	number := strconv.FormatInt(time.Now().UnixNano(), 36)
	at, answer := AgentsPrefix+agent+partCommand+number, AgentsPrefix+agent+partAnswer+number
	call, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	lease, err := s.client.Grant(call, int64(commandLife/time.Second))
	if err != nil {
		return Answer{}, fmt.Errorf("ask agent %q: %w", agent, s.explain(ctx, err))
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	put, err := s.client.Put(call, at, string(text), clientv3.WithLease(lease.ID))
	if err != nil {
		return Answer{}, fmt.Errorf("ask agent %q: %w", agent, s.explain(ctx, denied(err, "readwrite", prefixName(AgentsPrefix+agent+"/"))))
	}
	for resp := range s.client.Watch(ownStream(watching), answer, clientv3.WithRev(put.Header.Revision)) {
		if err := resp.Err(); err != nil {
			return Answer{}, fmt.Errorf("ask agent %q: %w", agent, s.explain(ctx, denied(err, "read", keyName(answer))))
		}
		for _, ev := range resp.Events {
			if ev.Type != clientv3.EventTypePut {
				continue
			}
			var a Answer
			if err := json.Unmarshal(ev.Kv.Value, &a); err != nil {
				return Answer{}, fmt.Errorf("ask agent %q: its answer cannot be read: %w", agent, err)
			}
			return a, nil
		}
	}
	late, cancelLate := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancelLate()
	_, err = s.client.Delete(late, at)
	return Answer{}, errors.Join(fmt.Errorf("ask agent %q: %w", agent, ErrNoAnswer), s.explain(late, err))
}

// Serve answers the commands for an agent, one at a time, until ctx ends, and returns nil
// then. What goes wrong with etcd is told to trouble, once for each change; nil: it is well.
func (s *Store) Serve(ctx context.Context, agent string, do func(context.Context, Command) (any, error), trouble func(error)) error {
	prefix := AgentsPrefix + agent + partCommand
	var waiting []string
	texts := map[string][]byte{}
	take := func(key string, value []byte) {
		if _, known := texts[key]; !known {
			waiting = append(waiting, key)
		}
		texts[key] = value
	}
	box := newMailbox[map[string][]byte](watchInterval)
	pending := map[string][]byte{}
	f := &feed{
		store: s, key: prefix, opts: []clientv3.OpOption{clientv3.WithPrefix()},
		load: func(ctx context.Context) (int64, error) {
			got, err := s.get(ctx, prefix, clientv3.WithPrefix())
			if err != nil {
				return 0, err
			}
			for _, kv := range got.Kvs {
				pending[string(kv.Key)] = kv.Value
			}
			return got.Header.Revision, nil
		},
		event: func(ev *clientv3.Event, _ int64) {
			if ev.Type == clientv3.EventTypePut {
				pending[string(ev.Kv.Key)] = ev.Kv.Value
			}
		},
		done: func() {
			next := pending
			pending = map[string][]byte{}
			if len(next) > 0 {
				box.post(next)
			}
		},
		state: box.postState,
	}
	runFeed(ctx, f, box, func(m map[string][]byte) {
		for key, value := range m {
			take(key, value)
		}
		for len(waiting) > 0 && ctx.Err() == nil {
			key := waiting[0]
			waiting = waiting[1:]
			s.answer(ctx, agent, strings.TrimPrefix(key, prefix), texts[key], do)
			delete(texts, key)
		}
	}, trouble)
	return nil
}

// answer carries out one command and puts the answer where it is waited for.
func (s *Store) answer(ctx context.Context, agent, number string, text []byte, do func(context.Context, Command) (any, error)) {
	a := Answer{When: time.Now().UTC()}
	var c Command
	if err := json.Unmarshal(text, &c); err != nil {
		a.Error = "the command cannot be read: " + err.Error()
	} else if time.Since(c.When) < commandLife {
		result, err := do(ctx, c)
		if err != nil {
			a.Error = err.Error()
		}
		if a.Result, err = json.Marshal(result); err != nil {
			a.Error = err.Error()
		}
	} else {
		a.Error = "the command is too old, or the clocks differ"
	}
	body, err := json.Marshal(a)
	if err != nil {
		return // cannot be: an answer is text
	}
	call, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	lease, err := s.client.Grant(call, int64(commandLife/time.Second))
	if err != nil {
		return // who asked is told that there was no answer
	}
	_, _ = s.client.Txn(call).Then(
		clientv3.OpPut(AgentsPrefix+agent+partAnswer+number, string(body), clientv3.WithLease(lease.ID)),
		clientv3.OpDelete(AgentsPrefix+agent+partCommand+number),
	).Commit()
}
