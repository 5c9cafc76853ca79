package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"logctl/agent/state"
	"logctl/etcdcfg"
)

// etcd looks at the store, the list in it, the rights that the mode needs, and the agents.
func (d *doctor) etcd(ctx context.Context, console bool) {
	ctx, cancel := context.WithTimeout(ctx, doctorTime)
	defer cancel()
	where := strings.Join(d.c.Etcd.Address, ", ")
	client, err := etcdcfg.Dial(etcdConfig(d.c, slog.New(slog.DiscardHandler)))
	if err != nil {
		d.problem("etcd", where, err.Error(), "correct the settings of [etcd]")
		return
	}
	defer func() { _ = client.Close() }() // nothing was written
	store := etcdcfg.NewStore(client, author(), etcdcfg.WithTimeout(d.c.Etcd.Timeout), etcdcfg.WithReadOnly())
	took, err := store.Ping(ctx)
	if err != nil {
		d.problem("etcd", where, err.Error(), "without etcd an agent goes on with its last list, and edits do not arrive")
		return
	}
	d.ok("etcd", where, fmt.Sprintf("answers within %v", took.Round(100_000)))
	if full, err := store.Full(ctx); err == nil && full {
		d.problem("etcd", where, "its storage quota is used up: it takes no edits and no presences", `compact and defragment it, then "etcdctl alarm disarm"`)
	}
	d.etcdHosts(ctx)
	d.entries(ctx, store)
	d.rights(ctx, store, console)
	if !console {
		d.etcdVoices(ctx, store)
	}
	d.agents(ctx, store)
}

// entries looks at the list of the collect key.
func (d *doctor) entries(ctx context.Context, store *etcdcfg.Store) {
	snap, err := store.Load(ctx, d.key)
	switch {
	case err != nil:
		d.problem("etcd", d.key, err.Error(), "")
	case snap.Err != nil:
		d.problem("etcd", d.key, "the list is bad, agents keep to the last good one: "+snap.Err.Error(), "repair it: E in the console, or logctl entries edit")
	case snap.ModRevision == 0:
		d.warn("etcd", d.key, "the collect key does not exist: nothing is collected", "logctl entries add PATH TOPIC, or correct [etcd] collect_key")
	default:
		d.ok("etcd", d.key, plural(len(snap.Entries), "entry", "entries")+fmt.Sprintf(" at revision %d", snap.ModRevision))
	}
	seen := map[string]bool{}
	for _, e := range snap.Entries {
		if e.Disabled {
			continue
		}
		d.list = append(d.list, e)
		if !seen[e.Topic] {
			seen[e.Topic] = true
			d.topics = append(d.topics, e.Topic)
		}
	}
	for _, o := range etcdcfg.Overlaps(d.list) {
		d.warn("etcd", o.A+" and "+o.B, "both send the same files to topic "+o.Topic+": their lines come twice", etcdcfg.OverlapDo)
	}
}

// rights tries each right that the mode needs.
func (d *doctor) rights(ctx context.Context, store *etcdcfg.Store, console bool) {
	agentKey := etcdcfg.AgentsPrefix + d.id
	need := map[string]string{ // key to what fails without it
		agentKey:              "the agent ships, and nobody sees that it is on duty",
		agentKey + "/+member": "a lost agent, or two with one id, are not told of, and commands are not answered",
	}
	if console {
		need = map[string]string{
			d.key:                                   "the list cannot be edited",
			etcdcfg.HistoryPrefix + d.key + "/1":    "the list cannot be edited, for each edit is recorded",
			etcdcfg.AgentsPrefix + "x" + "/+member": "agents cannot be expected, forgotten or given commands",
		}
	}
	for key, without := range need {
		err := store.MayWrite(ctx, key)
		var denied *etcdcfg.DeniedError
		switch {
		case err == nil:
			d.ok("etcd", key, "may be written")
		case errors.As(err, &denied) && key == d.key || errors.As(err, &denied) && key == agentKey:
			d.problem("etcd", key, denied.Error(), "grant it; without: "+without)
		case errors.As(err, &denied):
			d.warn("etcd", key, denied.Error(), "grant it; without: "+without)
		default:
			d.problem("etcd", key, err.Error(), "")
		}
	}
}

// agents looks for agents of the list that are missing, share an id, or differ in version.
func (d *doctor) agents(ctx context.Context, store *etcdcfg.Store) {
	list, _, err := store.Presences(ctx)
	if err != nil {
		d.warn("agents", etcdcfg.AgentsPrefix, err.Error(), "a console needs to read it; an agent does not")
		return
	}
	versions, known := map[string]int{}, map[string]bool{}
	onDuty := 0
	for _, p := range list {
		known[p.ID] = true
		if p.CollectKey != d.key && (p.Duty != etcdcfg.DutyAwaited || p.CollectKey != "") {
			continue // it has another list
		}
		code := dutyState(p)
		if row := state.Of(code); code != state.OnDuty {
			d.problem("agents", p.ID, string(code)+": "+row.Meaning+" "+strings.Join(p.Instances, " and "), row.Do)
			continue
		}
		for _, text := range p.Warnings {
			d.warn("agents", p.ID, text, "")
		}
		onDuty++
		versions[p.Version]++
	}
	for _, id := range d.c.Etcd.ExpectedAgents {
		if row := state.Of(state.Awaited); !known[id] {
			d.problem("agents", id, string(row.Code)+": "+row.Meaning, row.Do)
		}
	}
	if len(versions) > 1 {
		var parts []string
		for v, n := range versions {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		}
		d.warn("agents", "versions", "the agents differ: "+strings.Join(parts, ", "), "bring them to one version")
	}
	d.ok("agents", d.key, plural(onDuty, "agent", "agents")+" on duty")
}
