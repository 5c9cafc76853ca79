//go:build !nodemo

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"logctl/agent"
	"logctl/agent/positions"
	"logctl/agent/report"
	"logctl/etcdcfg"
	"logctl/internal/config"
	"logctl/internal/demo"
	"logctl/internal/kafka"
)

// demoStage is everything that plays in a demo.
type demoStage struct {
	dir      string // of everything; removed at the end when it is temporary
	keep     bool
	key      string
	entries  []etcdcfg.Entry
	servers  *demo.Servers
	writer   *demo.Writer // nil: the user's own files
	agent    *agent.Agent
	client   *clientv3.Client
	admin    *kafka.Admin
	log      *slog.Logger
	closeLog func() error

	stopWriter, stopAgent context.CancelFunc
	stopFleet             context.CancelFunc // nil: no fleet
	work                  sync.WaitGroup
	writerErr, agentErr   error
	writerDone, agentDone chan struct{}
}

// openStage starts the servers and prepares writer and agent.
func (a *app) openStage(ctx context.Context, c *config.Config, o demoOptions, headless bool) (st *demoStage, err error) {
	st = &demoStage{dir: o.dataDir, keep: o.dataDir != "", key: resolve(c.Etcd.CollectKey)}
	if st.dir == "" {
		if st.dir, err = os.MkdirTemp("", "logctl-demo-"); err != nil {
			return nil, fmt.Errorf("make the demo's directory: %w", err)
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, st.close())
		}
	}()
	if st.log, st.closeLog, err = a.fileLogger(st.stateDir()); err != nil {
		return st, err
	}
	if headless {
		if st.log, err = a.quietLogger(); err != nil {
			return st, err
		}
	}
	if err = st.alone(); err != nil {
		return st, err
	}
	if err = st.chooseFiles(o); err != nil {
		return st, err
	}
	var topics []string
	for _, e := range st.entries {
		topics = append(topics, e.Topic)
	}
	if st.servers, err = demo.StartServers(ctx, demo.Options{DataDir: filepath.Join(st.dir, "servers"), Topics: topics}); err != nil {
		return st, err
	}
	if st.client, err = etcdcfg.Dial(st.etcdConfig()); err != nil {
		return st, err
	}
	st.admin = kafka.NewAdmin(st.kafkaConfig())
	if err = st.saveEntries(ctx); err != nil {
		return st, err
	}
	cfg, err := a.agentConfig(c, st.log)
	if err != nil {
		return st, err
	}
	cfg.ID, cfg.DataDir, cfg.Listen, cfg.CollectKey = "demo", st.agentDir(), "", st.key
	cfg.Kafka, cfg.Etcd = st.kafkaConfig(), st.etcdConfig()                // no TLS and no login of the user's servers
	cfg.ReportInterval, cfg.ReportTopic = time.Second, report.DefaultTopic // as the console expects them
	cfg.AllowPaths = st.allowed(o.files)
	st.agent, err = agent.New(cfg)
	return st, err
}

// allowed are the allow_paths of the demo's agent: any user of this host may write to the
// demo's etcd, so that the superuser's demo reads logs only. Another user's may read what that
// user may.
func (st *demoStage) allowed(files []string) []string {
	if os.Geteuid() != 0 {
		return nil
	}
	out := []string{filepath.ToSlash(literal(st.dir)) + "/**", "/var/log/**"}
	if dir, err := os.Getwd(); err == nil && dir != "/" {
		out = append(out, literal(dir)+"/**/*.log")
	}
	for _, f := range files {
		if path, err := filepath.Abs(f); err == nil {
			out = append(out, literal(path))
		}
	}
	return out
}

// alone says when another demo runs in the same directory: its etcd would be waited for
// without end.
func (st *demoStage) alone() error {
	registry, err := positions.Open(st.agentDir(), st.log)
	if errors.Is(err, positions.ErrLocked) {
		return fmt.Errorf("another demo runs in %s: give this one another --data-dir", st.dir)
	}
	if err != nil {
		return err
	}
	return registry.Close()
}

// quietLogger prints warnings and errors on stderr unless another level was asked.
func (a *app) quietLogger() (*slog.Logger, error) {
	if a.logLevel == "" && a.getenv("LOGCTL_LOG_LEVEL") == "" {
		quiet := *a
		quiet.logLevel = "error"
		return quiet.logger(a.Err)
	}
	return a.logger(a.Err)
}

// chooseFiles makes the entries: for the user's files, or for the samples.
func (st *demoStage) chooseFiles(o demoOptions) error {
	if len(o.files) == 0 {
		w, err := demo.NewWriter(filepath.Join(st.dir, "logs"), demo.WriterOptions{Rate: o.rate})
		if err != nil {
			return err
		}
		st.writer = w
		for _, s := range w.Samples() {
			st.entries = append(st.entries, etcdcfg.Entry{Path: literal(s.Path), Topic: s.Topic, From: etcdcfg.FromBeginning})
		}
		return nil
	}
	used := map[string]bool{}
	for _, f := range o.files {
		path, err := filepath.Abs(f)
		if err != nil {
			return fmt.Errorf("find %s: %w", f, err)
		}
		st.entries = append(st.entries, etcdcfg.Entry{Path: literal(path), Topic: topicFor(path, used), From: o.from})
	}
	return nil
}

// literal makes a path mean itself where it would be a glob. On Windows, where the backslash
// separates, there is no way to.
func literal(path string) string {
	if filepath.Separator == '\\' {
		return path
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "{", `\{`, "}", `\}`).Replace(path)
}

// topicFor makes a topic name of a file's name, unlike those in use.
func topicFor(path string, used map[string]bool) string {
	base := strings.TrimSuffix(filepath.Base(path), ".log")
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-', r == '.':
			return r
		}
		return '_'
	}, base)
	if strings.Trim(name, "._-") == "" {
		name = "log"
	}
	name = name[:min(len(name), 200)]
	unique := name
	for i := 2; used[unique]; i++ {
		unique = fmt.Sprintf("%s-%d", name, i)
	}
	used[unique] = true
	return unique
}

func (st *demoStage) kafkaConfig() kafka.Config {
	return kafka.Config{Addresses: []string{st.servers.KafkaAddr}, ClientID: "logctl"}
}

func (st *demoStage) etcdConfig() etcdcfg.Config {
	return etcdcfg.Config{Endpoints: []string{st.servers.EtcdAddr}, DialTimeout: 5 * time.Second, Timeout: 5 * time.Second, Log: st.log}
}

func (st *demoStage) stateDir() string { return filepath.Join(st.dir, "console") }
func (st *demoStage) agentDir() string { return filepath.Join(st.dir, "agent") }

// saveEntries writes the list the way the console does, over what an earlier demo in
// the same directory left. The agents that one had, simulated ones too, are gone.
func (st *demoStage) saveEntries(ctx context.Context) error {
	if _, err := st.client.Delete(ctx, etcdcfg.AgentsPrefix, clientv3.WithPrefix()); err != nil {
		return fmt.Errorf("forget the agents of an earlier demo: %w", err)
	}
	store := etcdcfg.NewStore(st.client, author())
	base, err := store.Load(ctx, st.key)
	if err != nil {
		return err
	}
	if _, err := store.Save(ctx, base, st.entries, "demo"); err != nil {
		return err
	}
	return nil
}

// start runs writer and agent; finish or close ends them.
func (st *demoStage) start(ctx context.Context) {
	background := context.WithoutCancel(ctx)
	agentCtx, stopAgent := context.WithCancel(background)
	writerCtx, stopWriter := context.WithCancel(background)
	st.stopAgent, st.stopWriter = stopAgent, stopWriter
	st.agentDone, st.writerDone = make(chan struct{}), make(chan struct{})
	st.work.Go(func() {
		defer close(st.agentDone)
		st.agentErr = st.agent.Run(agentCtx)
	})
	st.work.Go(func() {
		defer close(st.writerDone)
		if st.writer != nil {
			st.writerErr = st.writer.Run(writerCtx)
		} else {
			<-writerCtx.Done()
		}
	})
}

// startFleet simulates agents under a collect key of their own, so that the real agent
// never follows what they pretend to, and returns that key.
func (st *demoStage) startFleet(ctx context.Context, agents int) (key string, err error) {
	key = "fleet_conf"
	store := etcdcfg.NewStore(st.client, author())
	base, err := store.Load(ctx, key)
	if err != nil {
		return "", err
	}
	sample := demo.NewFleet(key, 1, fleetEntries, fleetEntries, 0, time.Now())
	snap, err := store.Save(ctx, base, sample.Entries(), "demo --fleet")
	if err != nil {
		return "", err
	}
	fleet := demo.NewFleet(key, agents, fleetEntries, fleetTasks, snap.ModRevision, time.Now())
	if err := fleet.Announce(ctx, st.client); err != nil {
		return "", err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	st.stopFleet = stop
	st.work.Go(func() {
		if err := fleet.Publish(background, st.kafkaConfig(), report.DefaultTopic); err != nil {
			st.log.Error("the fleet stopped reporting", "error", err)
		}
	})
	return key, nil
}

// Sizes of the simulated fleet, beside the number of agents.
const (
	fleetEntries = 100
	fleetTasks   = 5 // of an agent
)

// totals are the lines counted at the places they pass.
type totals struct {
	written, shipped int64
	behind           bool // there are bytes in the files that are not acknowledged yet
	err              error
}

// totals counts now. Of the user's own files, written is what was read; so are lines that
// an earlier demo in the same directory wrote and was killed before it shipped them.
func (st *demoStage) totals() totals {
	var t totals
	acked := map[string][]report.File{}
	for _, task := range st.agent.Report().Tasks {
		if !slices.ContainsFunc(st.entries, func(e etcdcfg.Entry) bool { return e.Path == task.Path && e.Topic == task.Topic }) {
			continue // added in the console
		}
		t.shipped += int64(task.AckedLines)
		t.written += int64(task.Lines)
		t.behind = t.behind || task.LagBytes > 0
		acked[task.Path] = task.TopFiles
	}
	if st.writer != nil {
		for _, s := range st.writer.Samples() {
			t.behind = t.behind || !atEnd(s.Path, acked[literal(s.Path)])
		}
	}
	switch {
	case st.writer != nil && st.keep:
		t.written = max(t.written, st.writer.Total())
	case st.writer != nil:
		t.written = st.writer.Total()
	}
	return t
}

// settled says whether all that was written has been shipped. Where an earlier demo may
// have left something its number is not known, so that the files have to tell.
func (st *demoStage) settled(t totals) bool {
	return t.shipped == t.written && !(t.behind && st.keep && st.writer != nil)
}

// atEnd says whether a file is acknowledged to its end.
func atEnd(path string, files []report.File) bool {
	now, err := os.Stat(path)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist) // rotated away just now
	}
	return slices.ContainsFunc(files, func(f report.File) bool {
		return filepath.Base(f.Path) == filepath.Base(path) && f.Acked >= now.Size()
	})
}

// finishTime is how long the demo waits at its end for the last lines to arrive.
const finishTime = 10 * time.Second

// finish stops the writer and waits, at most as long as given, until every line it
// wrote is acknowledged.
func (st *demoStage) finish(ctx context.Context, atMost time.Duration) totals {
	st.stopWriter()
	<-st.writerDone
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	t := st.totals()
	for !st.settled(t) && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-st.agentDone:
			cancel()
		case <-tick.C:
		}
		t = st.totals()
	}
	t.err = st.writerErr
	return t
}

// close ends what runs, in order, and removes what is temporary.
func (st *demoStage) close() error {
	var errs []error
	if st.stopFleet != nil {
		st.stopFleet()
	}
	if st.stopAgent != nil {
		st.stopWriter()
		st.stopAgent()
		st.work.Wait()
		errs = append(errs, st.agentErr)
	} else if st.agent != nil {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		errs = append(errs, st.agent.Run(ctx)) // closes what New opened
	}
	if st.writer != nil && !st.keep {
		errs = append(errs, st.writer.Close())
	}
	if st.client != nil {
		errs = append(errs, st.client.Close())
	}
	if st.admin != nil {
		errs = append(errs, st.admin.Close())
	}
	if st.servers != nil {
		errs = append(errs, st.servers.Close())
	}
	if st.closeLog != nil {
		errs = append(errs, st.closeLog())
	}
	if !st.keep {
		errs = append(errs, os.RemoveAll(st.dir))
	}
	return errors.Join(errs...)
}
