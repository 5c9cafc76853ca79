package cli

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/etcdcfg"
	"logctl/internal/config"
)

// recordsHost is whose records verify and positions rebuild look for.
type recordsHost string

func (h *recordsHost) add(s *pflag.FlagSet) {
	s.StringVar((*string)(h), "host", "", "name of this host in the records' headers (default: [agent] host, or the host's name)")
}

// name is the host as the agent of this host writes it into headers, unless another one is
// asked for.
func (h recordsHost) name(c *config.Config) string {
	return cmp.Or(string(h), resolve(c.Agent.Host), hostname())
}

// listed returns the entries of the list in etcd.
func (a *app) listed(cmd *cobra.Command) (entries []etcdcfg.Entry, err error) {
	err = a.withEntries(cmd, func(ctx context.Context, d *entriesDesk) error {
		snap, err := d.load(ctx)
		entries = snap.Entries
		return err
	})
	return entries, err
}
