package cli

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"logctl/agent"
	"logctl/agent/report"
	"logctl/internal/config"
)

func newAgentCmd(a *app) *cobra.Command {
	printConfig, check, output := false, false, ""
	cmd := &cobra.Command{
		Use:   "agent",
		Short: "Tail the files named by the collect entries and ship every line to Kafka",
		Long: `agent follows the files that the collect entries in etcd name and ships every line to
Kafka, starting and stopping tasks as the entries change, and remembers positions.

It starts and keeps running while Kafka or etcd is down, in any order, and says what
it waits for. SIGTERM or Ctrl-C ends it in order: what was read is acknowledged, the
positions are saved. A second signal ends it at once; nothing is lost then either, but
lines in flight may be sent again.`,
		Example: `  logctl agent
  logctl agent --kafka 10.0.0.5:9092 --etcd 10.0.0.6:2379 --key collect_log_conf
  logctl agent --config /etc/logctl/config.ini --log-format json
  logctl agent --print-config`,
		Args:              usageArgs(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.settings(cmd, agentFlags())
			if err != nil {
				return err
			}
			if printConfig {
				return a.printConfig(c)
			}
			if check {
				d, err := a.examine(cmd.Context(), c, false, false)
				if err != nil {
					return err
				}
				return d.report(output)
			}
			log, err := a.logger(a.Err)
			if err != nil {
				return err
			}
			cfg, err := a.agentConfig(c, log)
			if err != nil {
				return err
			}
			if err := checkServers(c); err != nil {
				return err
			}
			warnOfExposures(c, cfg.DataDir, log)
			system := newManager(log)
			cfg.OnLook = system.looked
			ag, err := agent.New(cfg)
			if err != nil {
				return err
			}
			saving, enough := context.WithCancel(cmd.Context())
			var side sync.WaitGroup
			side.Go(func() { saveProcessors(saving, cpuTime) })
			side.Go(func() { saveHeap(saving) })
			defer side.Wait()
			defer enough()
			ending := context.AfterFunc(cmd.Context(), system.stopping)
			defer ending()
			return ag.Run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.BoolVar(&printConfig, "print-config", false, "print the effective settings and where each came from, then exit")
	f.BoolVar(&check, "check", false, "look at the settings, the data directory, limits and certificates, then exit; logctl doctor looks at the servers too")
	addOutput(cmd, &output, "table", "json")
	f.String("id", "", "name of this agent, unique in the fleet ([agent] id)")
	f.String("data-dir", "", "directory of the positions ([agent] data_dir)")
	f.String("listen", "", "host:port that serves /metrics, /healthz and /debug/pprof ([agent] listen)")
	return cmd
}

// agentFlags are the settings that only this command takes on its line.
func agentFlags() map[string]string {
	return map[string]string{"id": "agent.id", "data-dir": "agent.data_dir", "listen": "agent.listen"}
}

// agentConfig is the configuration of the agent room from the settings.
func (a *app) agentConfig(c *config.Config, log *slog.Logger) (agent.Config, error) {
	id, err := agentID(c)
	if err != nil {
		return agent.Config{}, err
	}
	dir, err := a.dataDir(c)
	if err != nil {
		return agent.Config{}, fmt.Errorf("agent: %w", err)
	}
	build := thisBuild()
	return agent.Config{
		ID: id, Host: cmp.Or(resolve(c.Agent.Host), hostname()), Version: build.Version, Commit: build.Commit, Built: build.Date, DataDir: dir, CollectKey: resolve(c.Etcd.CollectKey),
		Etcd: etcdConfig(c, log), Kafka: kafkaConfig(c),
		Acks: c.Kafka.Acks, Compression: c.Kafka.Compression, Partitioner: c.Kafka.Partitioner,
		TransactionalID: strings.ReplaceAll(c.Kafka.TransactionalID, "{id}", id),
		Headers:         c.Kafka.Headers, MaxBuffer: c.Agent.MaxBuffer, MaxDeletedOpen: c.Agent.MaxDeletedOpen, MaxLines: c.Kafka.ChanSize,
		MaxLine: int(c.Agent.MaxLine), LongLines: c.Agent.LongLines, ScanInterval: c.Agent.ScanInterval,
		AllowPaths: c.Agent.AllowPaths, Listen: c.Agent.Listen,
		ListenAccess: report.Access{TokenFile: c.Agent.ListenToken, CertFile: c.Agent.ListenCert, KeyFile: c.Agent.ListenKey, Profiles: c.Agent.ListenProfiles},
		ReportTopic:  c.Agent.ReportTopic, ReportInterval: c.Agent.ReportInterval, Log: log,
		DrainTimeout: a.drainTimeout(),
	}, nil
}

// drainTimeout is how long the agent waits for acknowledgements when it ends; 0: as usual.
func (a *app) drainTimeout() time.Duration {
	if a.Service {
		return 0 // its manager waits
	}
	return consoleDrain
}
