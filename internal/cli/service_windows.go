package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"
)

const (
	serviceWait  = 30 * time.Second // for a service to start or to end
	serviceDrain = 20 * time.Second // that the service manager is asked to wait at the end
)

// consoleDrain is how long the agent in a terminal waits for acknowledgements when it ends:
// Windows ends a program 5 s after its window was closed, or a user has left, and positions
// are to be saved by then. Source: Microsoft, HandlerRoutine, CTRL_CLOSE_EVENT.
const consoleDrain = 3 * time.Second

// windowsServices is the service manager of this machine.
type windowsServices struct{}

func newServiceManager() (serviceManager, error) { return windowsServices{}, nil }

// with calls do with the service of that name.
func (windowsServices) with(name string, do func(*mgr.Service) error) (err error) {
	m, err := mgr.Connect()
	if err != nil {
		return elevated(err)
	}
	defer func() { err = errors.Join(err, m.Disconnect()) }()
	s, err := m.OpenService(name)
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return fmt.Errorf("service %s is not installed; logctl service install does that", name)
	}
	if err != nil {
		return elevated(fmt.Errorf("service %s: %w", name, err))
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(s)
}

// elevated says what to do when the right to it is missing.
func elevated(err error) error {
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		return fmt.Errorf("%w; run it as administrator", err)
	}
	return err
}

func (windowsServices) install(spec serviceSpec) (err error) {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	m, err := mgr.Connect()
	if err != nil {
		return elevated(err)
	}
	defer func() { err = errors.Join(err, m.Disconnect()) }()
	s, err := m.CreateService(spec.name, filepath.Clean(exe), mgr.Config{
		DisplayName: "logctl agent", Description: "Ships the lines of log files to Kafka.", ServiceStartName: spec.user,
		StartType: mgr.StartAutomatic, ErrorControl: mgr.ErrorNormal,
	}, spec.arguments()...)
	if errors.Is(err, windows.ERROR_SERVICE_EXISTS) {
		return fmt.Errorf("service %s is installed already; logctl service uninstall removes it", spec.name)
	}
	if err != nil {
		return elevated(fmt.Errorf("install service %s: %w", spec.name, err))
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	again := func(after time.Duration) mgr.RecoveryAction {
		return mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: after}
	}
	err = s.SetRecoveryActions([]mgr.RecoveryAction{again(5 * time.Second), again(15 * time.Second), again(time.Minute)}, 24*60*60)
	if err == nil { // an end with an exit code counts as a failure too
		err = s.SetRecoveryActionsOnNonCrashFailures(true)
	}
	if err != nil {
		return fmt.Errorf("service %s is installed, but would not be started again when it fails: %w", spec.name, err)
	}
	err = eventlog.InstallAsEventCreate(spec.name, eventlog.Error|eventlog.Warning|eventlog.Info)
	if err != nil && !strings.Contains(err.Error(), "already exists") {
		return fmt.Errorf("service %s is installed, but the event log does not know it: %w", spec.name, err)
	}
	return nil
}

func (w windowsServices) uninstall(name string) error {
	if err := w.with(name, func(s *mgr.Service) error { return elevated(s.Delete()) }); err != nil {
		return err
	}
	if err := eventlog.Remove(name); err != nil && !errors.Is(err, windows.ERROR_FILE_NOT_FOUND) {
		return fmt.Errorf("service %s is removed, its name in the event log is not: %w", name, err)
	}
	return nil
}

func (w windowsServices) start(ctx context.Context, name string) error {
	return w.with(name, func(s *mgr.Service) error {
		if err := s.Start(); err != nil && !errors.Is(err, windows.ERROR_SERVICE_ALREADY_RUNNING) {
			return elevated(fmt.Errorf("start service %s: %w", name, err))
		}
		return awaitService(ctx, s, name, svc.Running)
	})
}

func (w windowsServices) stop(ctx context.Context, name string) error {
	return w.with(name, func(s *mgr.Service) error {
		if _, err := s.Control(svc.Stop); err != nil && !errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) {
			return elevated(fmt.Errorf("stop service %s: %w", name, err))
		}
		return awaitService(ctx, s, name, svc.Stopped)
	})
}

// awaitService waits until the service is in a state.
func awaitService(ctx context.Context, s *mgr.Service, name string, want svc.State) error {
	ctx, cancel := context.WithTimeout(ctx, serviceWait)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		st, err := s.Query()
		switch {
		case err != nil:
			return fmt.Errorf("service %s: %w", name, err)
		case st.State == want:
			return nil
		case st.State == svc.Stopped:
			return fmt.Errorf("service %s ended with code %d; the event log, source %s, says why", name, st.ServiceSpecificExitCode, name)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("service %s is %s: %w", name, stateName(st.State), ctx.Err())
		case <-tick.C:
		}
	}
}

func (w windowsServices) status(name string) (state string, err error) {
	err = w.with(name, func(s *mgr.Service) error {
		st, err := s.Query()
		state = stateName(st.State)
		return err
	})
	return state, err
}

func stateName(s svc.State) string {
	switch s {
	case svc.Stopped:
		return "stopped"
	case svc.StartPending:
		return "starting"
	case svc.StopPending:
		return "stopping"
	case svc.Running:
		return "running"
	}
	return fmt.Sprintf("in state %d", s)
}

// runService runs the agent under the service manager, and returns when it was stopped.
func runService(ctx context.Context, name string, agent func(context.Context, Streams) int, s Streams) error {
	if err := ignoreLogoff(); err != nil {
		return err
	}
	events, err := eventlog.Open(name)
	if err != nil {
		return fmt.Errorf("open the event log: %w", err)
	}
	defer func() { _ = events.Close() }()
	log := &eventWriter{log: events}
	s.Out, s.Err, s.Service = log, log, true
	err = svc.Run(name, &agentService{ctx: ctx, run: func(ctx context.Context) int { return agent(ctx, s) }})
	if errors.Is(err, windows.ERROR_FAILED_SERVICE_CONTROLLER_CONNECT) {
		return &usageError{errors.New("service run is for the service manager; logctl agent runs in a terminal")}
	}
	return err
}

// ignoreLogoff keeps the service running when somebody leaves the machine: every service
// is told of that by a console event, which Go's runtime makes a SIGTERM of. Handlers are
// asked latest first. Source: Microsoft, SetConsoleCtrlHandler.
func ignoreLogoff() error {
	const logoff, handled, next = 5, 1, 0
	handler := windows.NewCallback(func(event uint32) uintptr {
		if event == logoff {
			return handled
		}
		return next
	})
	set := windows.NewLazySystemDLL("kernel32.dll").NewProc("SetConsoleCtrlHandler")
	if r, _, err := set.Call(handler, 1); r == 0 {
		return fmt.Errorf("ignore the logoff of users: %w", err)
	}
	return nil
}

// agentService is the agent as the service manager sees it:
//
//	start pending ──▶ running ──stop, shutdown──▶ stop pending ──drained──▶ stopped
//	running ──the agent ended by itself──▶ stopped, with its exit code: a failure
type agentService struct {
	ctx context.Context
	run func(context.Context) int
}

// Execute is of svc.Handler.
func (a *agentService) Execute(_ []string, requests <-chan svc.ChangeRequest, status chan<- svc.Status) (specific bool, code uint32) {
	status <- svc.Status{State: svc.StartPending}
	ctx, stop := context.WithCancelCause(a.ctx)
	defer stop(nil)
	ended := make(chan int, 1)
	go func() { ended <- a.run(ctx) }()
	const accepts = svc.AcceptStop | svc.AcceptShutdown | svc.AcceptPreShutdown
	status <- svc.Status{State: svc.Running, Accepts: accepts}
	for {
		select {
		case code := <-ended:
			return code != 0, uint32(code)
		case r := <-requests:
			switch r.Cmd {
			case svc.Interrogate:
				status <- r.CurrentStatus
			case svc.Stop, svc.Shutdown, svc.PreShutdown:
				status <- svc.Status{State: svc.StopPending, WaitHint: uint32(serviceDrain.Milliseconds())}
				stop(errors.New("the service is stopped"))
				code := <-ended
				return code != 0, uint32(code)
			}
		}
	}
}

// eventWriter writes the lines of the agent's log to the event log.
type eventWriter struct {
	mu   sync.Mutex
	log  *eventlog.Log
	rest []byte // a line without its end
}

// Write is of io.Writer.
func (w *eventWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, b...)
	for {
		line, rest, ok := bytes.Cut(w.rest, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		text := strings.TrimSpace(string(line))
		w.rest = bytes.Clone(rest)
		if err := w.event(text); err != nil {
			return len(b), err
		}
	}
}

// event writes a line with the level that stands in it.
func (w *eventWriter) event(text string) error {
	const id = 1 // of EventCreate.exe's messages: the text alone
	switch {
	case text == "":
		return nil
	case strings.HasPrefix(text, "logctl: "), strings.Contains(text, "level=ERROR"), strings.Contains(text, `"level":"ERROR"`):
		return w.log.Error(id, text)
	case strings.Contains(text, "level=WARN"), strings.Contains(text, `"level":"WARN"`):
		return w.log.Warning(id, text)
	}
	return w.log.Info(id, text)
}
