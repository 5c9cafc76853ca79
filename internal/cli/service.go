package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"logctl/internal/safe"
)

// serviceName is what the service manager calls the agent, unless another name is given.
const serviceName = "logctl"

// serviceSpec is a service of the agent.
type serviceSpec struct {
	name   string
	user   string   // account it runs as; empty: LocalSystem
	config string   // ini file, absolute; empty: the one that is found at the start
	args   []string // of 'agent'
}

// arguments are those that the service manager starts the program with.
func (s serviceSpec) arguments() []string {
	args := []string{"service", "run", "--name", s.name}
	if s.config != "" {
		args = append(args, "--config", s.config)
	}
	return append(args, s.args...)
}

// serviceManager is what the commands ask of the system.
type serviceManager interface {
	install(s serviceSpec) error
	uninstall(name string) error
	start(ctx context.Context, name string) error
	stop(ctx context.Context, name string) error
	status(name string) (string, error)
}

// errNoServices is the answer where the system has services of another kind.
var errNoServices = errors.New("service is for Windows; on Linux systemd runs the agent (deploy/logctl.service), on macOS launchd (deploy/org.logctl.agent.plist)")

func newServiceCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "service",
		Short: "Install and control the agent as a Windows service",
		Long: `service makes the agent a service of Windows, which starts with the machine, is started
again when it fails, and writes to the event log (source logctl). Its state is in
%ProgramData%\logctl, and so is the config.ini it looks for. Stopping it ends it in order:
what was read is acknowledged, the positions are saved. Installing needs an elevated prompt.`,
		Example: `  logctl service install --config C:\ProgramData\logctl\config.ini
  logctl service start
  logctl service status
  logctl service stop
  logctl service uninstall`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	name := serviceName
	cmd.PersistentFlags().StringVar(&name, "name", serviceName, "name of the service, where there are several")
	cmd.AddCommand(newServiceInstallCmd(a, &name), newServiceRunCmd(a, &name))
	simple := func(use, short string, do func(context.Context, serviceManager) error) {
		cmd.AddCommand(&cobra.Command{Use: use, Short: short, Args: usageArgs(cobra.NoArgs), ValidArgsFunction: cobra.NoFileCompletions,
			RunE: func(cmd *cobra.Command, _ []string) error {
				m, err := newServiceManager()
				if err != nil {
					return err
				}
				return do(cmd.Context(), m)
			}})
	}
	simple("uninstall", "Stop the service and remove it; its state stays", func(ctx context.Context, m serviceManager) error {
		if state, err := m.status(name); err == nil && state != "stopped" {
			if err := m.stop(ctx, name); err != nil {
				return err
			}
		}
		return m.uninstall(name)
	})
	simple("start", "Start the service and wait until it runs", func(ctx context.Context, m serviceManager) error { return m.start(ctx, name) })
	simple("stop", "Stop the service in order and wait for its end", func(ctx context.Context, m serviceManager) error { return m.stop(ctx, name) })
	simple("status", "Print whether the service runs; exit 1 if it does not", func(_ context.Context, m serviceManager) error {
		state, err := m.status(name)
		if err != nil {
			return err
		}
		if _, err := safe.Fprintf(a.Out, "%s\n", state); err != nil {
			return err
		}
		if state != "running" {
			return &exitError{ExitFailure}
		}
		return nil
	})
	return cmd
}

func newServiceInstallCmd(a *app, name *string) *cobra.Command {
	s := serviceSpec{}
	cmd := &cobra.Command{
		Use:   "install [-- AGENT FLAGS]",
		Short: "Make the agent a service that starts with the machine",
		Long: `install makes the agent a service. Flags behind -- are those of 'logctl agent'. The service
runs as LocalSystem unless --user names another account: NT AUTHORITY\LocalService reads
less and is enough where its logs may be read by all.`,
		Example: `  logctl service install --config C:\ProgramData\logctl\config.ini
  logctl service install --user "NT AUTHORITY\LocalService" -- --id web-07 --listen 127.0.0.1:9217`,
		RunE: func(_ *cobra.Command, args []string) error {
			s.name, s.args = *name, args
			if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
				return &usageError{fmt.Errorf("install: %q is no flag of the agent; write them behind --", args[0])}
			}
			if a.configFile != "" {
				path, err := filepath.Abs(a.configFile) // a service starts in the system's directory
				if err != nil {
					return err
				}
				s.config = path
			}
			m, err := newServiceManager()
			if err != nil {
				return err
			}
			return m.install(s)
		},
	}
	cmd.Flags().StringVar(&s.user, "user", "", "account that the service runs as (default LocalSystem)")
	return cmd
}

// newServiceRunCmd is what the service manager starts.
func newServiceRunCmd(a *app, name *string) *cobra.Command {
	cmd := &cobra.Command{Use: "run", Short: "Run as the service; the service manager calls this", Hidden: true, DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 && args[0] == "--name" {
				*name, args = args[1], args[2:]
			}
			return runService(cmd.Context(), *name, func(ctx context.Context, s Streams) int {
				return Main(ctx, append([]string{"agent"}, args...), s)
			}, a.Streams)
		}}
	return cmd
}
