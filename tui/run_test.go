package tui

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"logctl/agent/report"
	"logctl/etcdcfg"
	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

// hung are ports that answer nothing until they must.
type hung struct{ panics bool }

func (h hung) Watch(ctx context.Context, _ string, _ func(etcdcfg.Snapshot), _ func(error)) error {
	if h.panics {
		panic("a bug in the watch")
	}
	<-ctx.Done()
	return ctx.Err()
}

func (h hung) WatchPresences(ctx context.Context, _ func([]etcdcfg.Presence), _ func(error)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (h hung) Reports(ctx context.Context, _ func([]report.Report, []heard), _ func(error)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (h hung) Ask(ctx context.Context, _ string, _ etcdcfg.Command) (etcdcfg.Answer, error) {
	<-ctx.Done()
	return etcdcfg.Answer{}, ctx.Err()
}

func (h hung) Past(ctx context.Context, _ func([]report.Report)) error {
	<-ctx.Done()
	return ctx.Err()
}

func (h hung) Topics(ctx context.Context) ([]kafka.Topic, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (h hung) Brokers(ctx context.Context) ([]kafka.Broker, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (h hung) Create(ctx context.Context, _ string, _ int32, _ int16, _ map[string]string) error {
	<-ctx.Done()
	return ctx.Err()
}

func (h hung) Explain(err error) string { return err.Error() }

func (h hung) Save(ctx context.Context, _ etcdcfg.Snapshot, _ []etcdcfg.Entry, _ string) (etcdcfg.Snapshot, error) {
	<-ctx.Done()
	return etcdcfg.Snapshot{}, ctx.Err()
}

func (h hung) SaveRaw(ctx context.Context, _ etcdcfg.Snapshot, _ []byte, _ string) (etcdcfg.Snapshot, error) {
	<-ctx.Done()
	return etcdcfg.Snapshot{}, ctx.Err()
}

func (h hung) History(ctx context.Context, _ string, _ int) ([]etcdcfg.Change, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (h hung) ListAt(ctx context.Context, _ string, _ int64) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (h hung) Revert(ctx context.Context, _ etcdcfg.Snapshot, _ int64, _ string) (etcdcfg.Snapshot, error) {
	<-ctx.Done()
	return etcdcfg.Snapshot{}, ctx.Err()
}

func (h hung) Keys(ctx context.Context) ([]string, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// drive runs a console on ports with a pipe as keyboard.
func drive(t *testing.T, ctx context.Context, cfg Config, p ports) (keys *io.PipeWriter, out *testkit.Buffer, done chan error) {
	t.Helper()
	r, w := io.Pipe()
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	out, done = &testkit.Buffer{}, make(chan error, 1)
	cfg.In, cfg.Out, cfg.StateDir, cfg.Theme = r, out, t.TempDir(), ThemeDark
	go func() { done <- run(ctx, cfg, p) }()
	return w, out, done
}

// awaited is how a console ended.
func awaited(t *testing.T, done chan error) error {
	t.Helper()
	limit := time.NewTimer(testkit.Hang)
	defer limit.Stop()
	select {
	case err := <-done:
		return err
	case <-limit.C:
		t.Fatalf("not ended within %v", testkit.Hang)
		return nil
	}
}

func hungPorts() ports {
	h := hung{}
	return ports{entries: h, agents: h, reports: h, topics: h}
}

func TestQuitEndsSoonAlthoughNothingAnswers(t *testing.T) {
	keys, _, done := drive(t, t.Context(), Config{}, hungPorts())
	start := time.Now()
	if _, err := keys.Write([]byte("3q")); err != nil {
		t.Fatal(err)
	}
	if err := awaited(t, done); err != nil {
		t.Error(err)
	}
	t.Logf("ended after %v", time.Since(start))
}

func TestEndOfTheContextEndsTheConsole(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, _, done := drive(t, ctx, Config{}, hungPorts())
	cancel()
	if err := awaited(t, done); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAPanicInAWatchRestoresTheTerminal(t *testing.T) {
	p := hungPorts()
	p.entries = hung{panics: true}
	_, out, done := drive(t, t.Context(), Config{}, p)
	err := awaited(t, done)
	var crash *CrashError
	if !errors.As(err, &crash) {
		t.Fatalf("got %v", err)
	}
	data, rerr := os.ReadFile(crash.File)
	if rerr != nil || !strings.Contains(string(data), "a bug in the watch") || !strings.Contains(string(data), "goroutine") {
		t.Errorf("crash file: %v\n%s", rerr, data)
	}
	if s := out.String(); strings.Contains(s, "\x1b[?1049h") && !strings.Contains(s, "\x1b[?1049l") {
		t.Error("the alternate screen was entered and not left")
	}
	if !strings.Contains(err.Error(), crash.File) {
		t.Errorf("the error does not name the file: %v", err)
	}
}

func TestAPanicInACommandIsReported(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{})
		c.obey(c.root.wrap(nil))
		cmd := c.root.wrap(c.root.env.after(0, nil))
		if cmd == nil {
			t.Fatal("no command")
		}
		stopped := false
		k := &keeper{dir: t.TempDir(), stop: func() { stopped = true }}
		k.spawn(func() { panic("a bug in a command") })
		if !k.wait(time.Second) || !stopped || k.err() == nil {
			t.Errorf("stopped %v, err %v", stopped, k.err())
		}
		k.spawn(func() { panic("a second one") })
		k.wait(time.Second)
		if !strings.Contains(k.err().Error(), "a bug in a command") {
			t.Errorf("the first panic is not the one reported: %v", k.err())
		}
	})
}

func TestNoColour(t *testing.T) {
	for env, want := range map[string]bool{"NO_COLOR=1": true, "NO_COLOR=yes": true, "NO_COLOR=0": true, "NO_COLOR=": false, "COLOR=1": false} {
		if got := noColour([]string{"TERM=xterm", env}); got != want {
			t.Errorf("%s: %v", env, got)
		}
	}
	bubble(t, func(t *testing.T) {
		c := newConsole(t, Config{Theme: ThemeNone})
		c.stream()
		for _, colour := range []string{"\x1b[3", "\x1b[9", ";3", ";9"} {
			if strings.Contains(c.root.View().Content, colour) {
				t.Errorf("a colour is used: %q", colour)
			}
		}
	})
}

func TestRunNeedsATerminal(t *testing.T) {
	if err := Run(t.Context(), Config{}); !errors.Is(err, ErrNotTerminal) {
		t.Errorf("got %v", err)
	}
	out := &testkit.Buffer{}
	if err := Run(t.Context(), Config{Out: out, Theme: "blue"}); err == nil || !strings.Contains(err.Error(), "auto, light, dark or none") {
		t.Errorf("got %v", err)
	}
}
