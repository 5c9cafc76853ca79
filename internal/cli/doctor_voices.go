package cli

import (
	"context"
	"errors"
	"strings"

	"logctl/etcdcfg"
	"logctl/internal/kafka"
)

// another is the id of an agent that there is none of: whose rights on it lead to, lead to
// those of other agents.
const another = "another-agent-that-doctor-asks-about"

// etcdVoices looks whether this agent could speak for others in etcd, or tell them what to
// do. It shares its rights with every agent that has the same user, and with everybody
// where etcd asks nobody.
func (d *doctor) etcdVoices(ctx context.Context, store *etcdcfg.Store) {
	agents := etcdcfg.AgentsPrefix
	for _, x := range []struct{ key, where, can, do string }{
		{agents + another, "other agents' presences", "each agent can speak for the others", "give each agent a user with its own keys only (docs/security.md)"},
		{agents + another + "/+command/1", "other agents' commands", "each agent can have the others send lines again, or pass over them", "give each agent a user with its own keys only (docs/security.md)"},
		{agents + d.id + "0", "agents whose id begins with " + d.id, "it can speak for those", "grant the key " + agents + d.id + " by itself, and the prefix " + agents + d.id + "/ with its slash"},
		{d.key, "the collect key", "whoever has taken one host over chooses what all others collect", "grant agents read on it, no more"},
		{etcdcfg.HistoryPrefix + d.key + "/1", "the history of edits", "it can be forged", "grant agents nothing on it"},
	} {
		err := store.MayWrite(ctx, x.key)
		var denied *etcdcfg.DeniedError
		switch {
		case errors.As(err, &denied):
			d.ok("etcd", x.where, "cannot be written by this agent")
		case err != nil: // that etcd does not answer is said elsewhere
		case d.c.Etcd.Username == "" && d.c.Etcd.CertFile == "":
			d.warn("etcd", x.where, "can be written by whoever reaches etcd: it asks for no user", "switch on etcd's users, one for each agent with its own keys only (docs/security.md)")
			return // and so can everything else
		default:
			d.warn("etcd", x.where, "can be written by this agent's user: "+x.can, x.do)
		}
	}
}

// kafkaVoices looks at the transactional ids of others: who may take another agent's can
// keep that one from sending. The right on our own is tried elsewhere.
func (d *doctor) kafkaVoices(ctx context.Context, admin *kafka.Admin) {
	template := d.c.Kafka.TransactionalID
	if template == "" {
		return
	}
	if d.c.Kafka.Login.Mechanism == "" && d.c.Kafka.CertFile == "" || !strings.Contains(template, "{id}") {
		return // that nobody is asked is said of the reports
	}
	switch may, err := admin.Transactions(strings.ReplaceAll(template, "{id}", another)).MayTake(ctx); {
	case err != nil: // that no broker answers is said elsewhere
	case may:
		d.warn("kafka", "other agents' transactional ids", "can be taken by this agent's user: it can keep the others from sending", "give each agent a user with rights on its own transactional id only (docs/security.md)")
	default:
		d.ok("kafka", "other agents' transactional ids", "cannot be taken by this agent")
	}
}
