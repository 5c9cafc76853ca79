package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"logctl/etcdcfg"
	"logctl/internal/config"
	"logctl/internal/kafka"
	"logctl/internal/safe"
)

// finding is one thing that doctor looked at.
type finding struct {
	Level string `json:"level"` // ok, warning or problem
	Area  string `json:"area"`  // settings, secrets, host, files, etcd, kafka, topics, agents
	Where string `json:"where"` // what it is about
	What  string `json:"what"`
	Do    string `json:"do,omitempty"`
}

const (
	levelOK      = "ok"
	levelWarning = "warning"
	levelProblem = "problem"
)

// doctorTime bounds the questions to one server.
const doctorTime = 20 * time.Second

// doctor gathers findings.
type doctor struct {
	a      *app
	c      *config.Config
	id     string
	key    string
	topics []string        // of the list
	list   []etcdcfg.Entry // of the list

	mu    sync.Mutex
	found []finding
}

func (d *doctor) add(f finding) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.found = append(d.found, f)
}

func (d *doctor) ok(area, where, what string) {
	d.add(finding{Level: levelOK, Area: area, Where: where, What: what})
}

func (d *doctor) warn(area, where, what, do string) {
	d.add(finding{levelWarning, area, where, what, do})
}

func (d *doctor) problem(area, where, what, do string) {
	d.add(finding{levelProblem, area, where, what, do})
}

func newDoctorCmd(a *app) *cobra.Command {
	output, console := "", false
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for everything that keeps lines from Kafka: servers, rights, topics, files, limits, certificates",
		Long: `doctor tries what an agent on this host needs and says of each thing what it found, where, and what
to do: the settings, etcd and the rights there, each broker at the address it announces, the
topics with the settings that hurt, rights on them, the files of the entries, limits of the
system, the data directory, certificates that end soon, and the agents that are missing or share
an id. It writes nothing.

With --console it tries the rights of a console, and leaves this host's files alone.
It exits 1 when there is a problem.`,
		Example: `  logctl doctor
  logctl doctor -o json | jq '.[] | select(.level != "ok")'
  logctl doctor --console`,
		Args:              usageArgs(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.settings(cmd, nil)
			if err != nil {
				return err
			}
			d, err := a.examine(cmd.Context(), c, console, true)
			if err != nil {
				return err
			}
			return d.report(output)
		},
	}
	cmd.Flags().BoolVar(&console, "console", false, "try what a console needs, not what an agent needs")
	addOutput(cmd, &output, "table", "json")
	return cmd
}

// examine looks at everything, or at what needs no server.
func (a *app) examine(ctx context.Context, c *config.Config, console, servers bool) (*doctor, error) {
	id, err := agentID(c)
	if err != nil {
		return nil, err
	}
	d := &doctor{a: a, c: c, id: id, key: resolve(c.Etcd.CollectKey)}
	d.settings()
	if !console {
		d.host()
	}
	if !servers {
		return d, nil
	}
	d.etcd(ctx, console)
	var side sync.WaitGroup
	side.Go(func() { d.kafka(ctx, console) })
	if !console {
		side.Go(func() { d.files(ctx) })
	}
	side.Wait()
	return d, ctx.Err()
}

// settings looks at what is configured, without a server.
func (d *doctor) settings() {
	if _, err := kafkaConfig(d.c).Sarama(); err != nil {
		d.problem("settings", "[kafka]", err.Error(), "correct the setting")
	} else if err := etcdConfig(d.c, nil).Check(); err != nil {
		d.problem("settings", "[etcd]", err.Error(), "correct the setting")
	} else {
		d.ok("settings", "all", "the settings and the files that they name can be used")
	}
	dir, err := d.a.dataDir(d.c)
	if err != nil {
		dir = "" // which host tells
	}
	open := exposures(d.c, dir)
	for _, e := range open {
		d.warn("secrets", e.where, e.what, e.do)
	}
	if len(open) == 0 {
		d.ok("secrets", "all", "no password goes without TLS beyond this host, and no other user can read what holds one")
	}
	for where, file := range map[string]string{"[kafka] cert_file": d.c.Kafka.CertFile, "[kafka] ca_file": d.c.Kafka.CAFile,
		"[etcd] cert_file": d.c.Etcd.CertFile, "[etcd] ca_file": d.c.Etcd.CAFile} {
		if file != "" {
			d.certificate(where, file)
		}
	}
}

// report prints the findings and turns a problem into exit code 1.
func (d *doctor) report(output string) error {
	order := map[string]int{levelProblem: 0, levelWarning: 1, levelOK: 2}
	slices.SortStableFunc(d.found, func(a, b finding) int {
		if n := order[a.Level] - order[b.Level]; n != 0 {
			return n
		}
		return strings.Compare(a.Area+a.Where, b.Area+b.Where)
	})
	bad := slices.ContainsFunc(d.found, func(f finding) bool { return f.Level == levelProblem })
	var err error
	if output == "json" {
		err = d.a.printJSON(d.found)
	} else {
		for _, f := range d.found {
			sign := map[string]string{levelProblem: "✗", levelWarning: "!", levelOK: "●"}[f.Level]
			_, printErr := safe.Fprintf(d.a.Out, "%s %s  %s: %s\n", sign, f.Area, f.Where, f.What)
			err = errors.Join(err, printErr)
			if f.Do != "" {
				_, printErr = safe.Fprintf(d.a.Out, "    to do: %s\n", f.Do)
				err = errors.Join(err, printErr)
			}
		}
	}
	if err == nil && bad {
		err = &exitError{ExitFailure}
	}
	return err
}

// admin opens the cluster for questions.
func (d *doctor) admin() *kafka.Admin { return kafka.NewAdmin(kafkaConfig(d.c)) }
