package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

const (
	streamRate       = 20_000 // records a second
	streamPartitions = 8
	consoleFor       = 20 * time.Second
)

// console measures the console in a terminal of 160x50: doing nothing, and streaming
// 20,000 records a second over 8 partitions with keys pressed.
func (l *lab) console(ctx context.Context, r *results) (err error) {
	if _, err := exec.LookPath("tmux"); err != nil {
		return err
	}
	topic, err := l.topic(streamPartitions)
	if err != nil {
		return err
	}
	defer l.drop(topic)
	key, err := l.collect(ctx, entry{Path: "/var/log/none.log", Topic: topic})
	if err != nil {
		return err
	}
	t, err := l.terminal(ctx, "tui", "--kafka", l.kafka, "--etcd", l.etcd, "--key", key)
	if err != nil {
		return err
	}
	defer t.close()
	if err := pause(ctx, 5*time.Second); err != nil {
		return err
	}
	idle, _, err := t.cost(ctx, consoleFor)
	if err != nil {
		return err
	}
	progress("console  idle %.2f %% of a core", idle)

	writing, stop := context.WithCancel(ctx)
	wrote := make(chan error, 1)
	go func() { wrote <- l.produce(writing, topic) }()
	defer func() {
		stop()
		if werr := <-wrote; werr != nil && err == nil && ctx.Err() == nil && !errors.Is(werr, context.Canceled) {
			err = werr
		}
	}()
	if err := t.keys(ctx, ":stream "+topic+" newest", "Enter"); err != nil {
		return err
	}
	if err := pause(ctx, 3*time.Second); err != nil {
		return err
	}
	busy, peak, err := t.cost(ctx, consoleFor)
	if err != nil {
		return err
	}
	answers, err := t.answers(ctx, 20)
	if err != nil {
		return err
	}
	slowest := slices.Max(answers)
	progress("console  streaming %.1f %% of a core, peak %.0f MB, keys %v", busy, peak, answers)
	r.bars = append(r.bars,
		bar{what: "console, idle, CPU", figure: fmt.Sprintf("%.2f %%", idle), value: idle, want: "≤ 1.5 % of a core", limit: 1.5, atMost: true},
		bar{what: "console, stream of 20,000 records/s over 8 partitions, CPU", figure: fmt.Sprintf("%.1f %%", busy), value: busy, want: "≤ 25 % of a core", limit: 25, atMost: true},
		bar{what: "console, key to screen while streaming, slowest of 20", figure: fmt.Sprintf("%d ms", slowest.Milliseconds()), value: slowest.Seconds(), want: "≤ 50 ms", limit: 0.05, atMost: true})
	return nil
}

// produce sends streamRate records a second, a batch to each partition every 50 ms.
func (l *lab) produce(ctx context.Context, topic string) error {
	leader, err := l.client.Leader(topic, 0)
	if err != nil {
		return err
	}
	broker := sarama.NewBroker(leader.Addr())
	if err := broker.Open(l.client.Config()); err != nil {
		return err
	}
	defer broker.Close()
	var senders []*rawSender
	for p := range streamPartitions {
		senders = append(senders, newRawSender(broker, topic, int32(p), 64<<10))
	}
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for n := 0; ; {
		select {
		case <-ctx.Done():
			return waitAll(senders)
		case <-ticker.C:
		}
		for _, s := range senders {
			b := <-s.free
			data := b.data[:0]
			for range streamRate / 20 / streamPartitions {
				data = appendStamped(data, time.Now(), n)
				n++
			}
			s.send(b, data)
			if err := s.failed(); err != nil {
				return errors.Join(err, waitAll(senders))
			}
		}
	}
}

// terminal is logctl in a terminal of its own.
type terminal struct {
	server string // tmux's
	pid    int
}

func (l *lab) terminal(ctx context.Context, args ...string) (*terminal, error) {
	t := &terminal{server: l.name("tmux")}
	command := "TERM=screen-256color exec " + l.logctl + " " + strings.Join(args, " ")
	if _, err := t.tmux(ctx, "-f", "/dev/null", "new-session", "-d", "-x", "160", "-y", "50", command); err != nil {
		return nil, err
	}
	pid, err := t.tmux(ctx, "list-panes", "-F", "#{pane_pid}")
	if err != nil {
		return nil, err
	}
	t.pid, err = strconv.Atoi(strings.TrimSpace(pid))
	return t, err
}

func (t *terminal) close() { _, _ = t.tmux(context.Background(), "kill-server") }

func (t *terminal) tmux(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "tmux", append([]string{"-L", t.server}, args...)...).Output()
	if err != nil {
		return "", fmt.Errorf("tmux %s: %w", args[0], err)
	}
	return string(out), nil
}

func (t *terminal) keys(ctx context.Context, keys ...string) error {
	_, err := t.tmux(ctx, append([]string{"send-keys"}, keys...)...)
	return err
}

// cost is what the console uses in a while: per cent of a core, and MB at most.
func (t *terminal) cost(ctx context.Context, d time.Duration) (cpu, peak float64, err error) {
	before, err := usageOf(t.pid)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := pause(ctx, d); err != nil {
		return 0, 0, err
	}
	after, err := usageOf(t.pid)
	if err != nil {
		return 0, 0, err
	}
	return 100 * after.sub(before).Seconds() / time.Since(began).Seconds(), float64(after.peak) / 1e6, nil
}

// answers freezes and unfreezes the stream n times and says how long each took to be
// seen on the screen, tmux's own time included.
func (t *terminal) answers(ctx context.Context, n int) ([]time.Duration, error) {
	var took []time.Duration
	for i := range n {
		want := i%2 == 0
		began := time.Now()
		if err := t.keys(ctx, "Space"); err != nil {
			return nil, err
		}
		for {
			screen, err := t.tmux(ctx, "capture-pane", "-p")
			if err != nil {
				return nil, err
			}
			if strings.Contains(strings.ToLower(screen), "frozen") == want {
				break
			}
			if time.Since(began) > 5*time.Second {
				return nil, errors.New("the console does not answer the space key in its stream")
			}
		}
		took = append(took, time.Since(began))
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
	}
	return took, nil
}
