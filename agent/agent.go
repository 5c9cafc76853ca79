package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"

	"logctl/agent/lookback"
	"logctl/agent/positions"
	"logctl/agent/report"
	"logctl/agent/ship"
	"logctl/agent/state"
	"logctl/agent/tail"
	"logctl/agent/transform"
	"logctl/etcdcfg"
)

// presenceInterval is how often the agent looks whether its presence changed.
const presenceInterval = time.Second

// Agent ships lines until its Run ends. See New.
type Agent struct {
	cfg       Config
	started   time.Time
	pid       int
	registry  *positions.Registry
	producer  *ship.Producer
	life      *lookback.Life
	watcher   *tail.Watcher
	rounds    *tail.Rounds
	etcd      *clientv3.Client
	lists     *lists
	tasks     *supervisor
	presences *etcdcfg.Announcer
	release   sync.Once // of pages, before the first list
	verified  verified
	reporter  *report.Reporter // nil: reports are off
	peak      peakRate
}

// New checks the configuration, takes the data directory (positions.ErrLocked when
// another agent has it) and prepares the clients. It connects to nothing; Run does.
// The caller must call Run, which also closes what New opened.
func New(cfg Config) (*Agent, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("agent: %w", err)
	}
	a := &Agent{cfg: cfg, started: time.Now(), pid: os.Getpid(), rounds: tail.NewRounds(), verified: verified{dir: cfg.DataDir}}
	var err error
	if a.registry, err = positions.Open(cfg.DataDir, cfg.Log); err != nil {
		return nil, fmt.Errorf("agent: %w", err)
	}
	a.life = a.newLife()
	a.producer, err = ship.New(ship.Config{
		Kafka: cfg.Kafka, Acks: cfg.Acks, Compression: cfg.Compression, Partitioner: cfg.Partitioner,
		MaxBuffer: cfg.MaxBuffer, MaxLines: cfg.MaxLines, Log: cfg.Log, Names: a.life.Names,
		OnTopic: func(st ship.TopicStatus) { a.tasks.shared.closed.changed(st) },
	})
	if err == nil {
		a.etcd, err = etcdcfg.Dial(cfg.Etcd)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("agent: %w", err), a.registry.Close())
	}
	if a.watcher = tail.NewPoller(cfg.Log); !cfg.Poll {
		a.watcher = tail.NewWatcher(cfg.Log)
	}
	a.lists = newLists(etcdcfg.NewStore(a.etcd, cfg.ID, etcdcfg.WithTimeout(cfg.Etcd.Timeout)), cfg.CollectKey, cfg.DataDir, cfg.Log, a.apply)
	a.presences = etcdcfg.NewAnnouncer(a.etcd, cfg.ID, etcdcfg.DefaultPresenceTTL, cfg.Log)
	a.presences.SetTimeout(cfg.Etcd.Timeout)
	a.presences.SetInstance(instance(cfg.DataDir), fmt.Sprintf("process %d on %s since %s", a.pid, cfg.Host, a.started.UTC().Format(time.RFC3339)))
	if cfg.ReportTopic != "" {
		a.reporter = report.NewReporter(report.ReporterConfig{
			Kafka: cfg.Kafka, Topic: cfg.ReportTopic, Interval: cfg.ReportInterval, Log: cfg.Log,
			Snapshot: func() report.Report { r := a.Report(); a.peak.note(&r); return r },
		})
	}
	a.tasks = newSupervisor(a.newShared()) // now, so that Report may be called at any time
	return a, nil
}

// Run ships until ctx ends, then stops the readers, waits for acknowledgements
// (DrainTimeout at most), saves the positions and closes the clients. It returns
// nil after an orderly end, also when lines were left unacknowledged: they are
// read again by the next run, and the log says so.
func (a *Agent) Run(ctx context.Context) (err error) {
	settled := false // all that was read is acknowledged
	defer func() {
		save := a.registry.Close
		if settled && a.life.Settled() {
			save = a.registry.CloseWell
		}
		err = errors.Join(err, a.etcd.Close(), save())
	}()

	// The clients must outlive the readers: they end when cutClients is called.
	clients, cutClients := context.WithCancel(context.WithoutCancel(ctx))
	defer cutClients()
	side, sideCtx := errgroup.WithContext(clients)
	side.Go(guard(func() error { return a.producer.Run(sideCtx) }))
	side.Go(guard(func() error { return a.life.Run(sideCtx) }))
	side.Go(guard(func() error { return a.registry.Run(sideCtx) }))
	side.Go(guard(func() error { return a.watcher.Run(sideCtx) }))
	side.Go(guard(func() error { return a.rounds.Run(sideCtx) }))

	readers, endReaders := context.WithCancel(sideCtx)
	defer endReaders()
	stopOnSignal := context.AfterFunc(ctx, endReaders)
	defer stopOnSignal()
	a.tasks.begin(readers)
	a.lists.settled = a.tasks.settled
	front, frontCtx := errgroup.WithContext(readers)
	noMoreLists := make(chan struct{})
	front.Go(guard(func() error {
		defer close(noMoreLists)
		return a.lists.run(frontCtx)
	}))
	front.Go(guard(func() error { return a.announce(frontCtx) }))
	front.Go(guard(func() error { return a.serve(frontCtx) }))
	a.startReports(frontCtx, front)
	if text := a.unbounded(); text != "" {
		a.cfg.Log.Warn("this agent is less safe than it could be", "why", text)
	}
	a.cfg.Log.Info("agent runs", "id", a.cfg.ID, "version", a.cfg.Version, "key", a.cfg.CollectKey, "data_dir", a.cfg.DataDir)

	<-noMoreLists // with ctx, or when a part of front fails
	endReaders()
	settled = a.end(sideCtx)
	// Not before the acknowledgements: an etcd that hangs takes its time to part from,
	// and on a host without network it hangs together with Kafka.
	frontErr := front.Wait()
	a.lists.endTrial() // it ends in order: the list is not to blame
	cutClients()
	sideErr := side.Wait()
	return errors.Join(unlessCancelled(frontErr), unlessCancelled(sideErr))
}

func unlessCancelled(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, ship.ErrStopped) {
		return nil
	}
	return err
}

// end stops the readers and waits for the acknowledgements of what they read, for
// DrainTimeout in all.
func (a *Agent) end(ctx context.Context) (settled bool) {
	ctx, cancel := context.WithTimeout(ctx, a.cfg.DrainTimeout)
	defer cancel()
	for _, t := range a.tasks.stop(ctx) {
		why := "it waits for another task of its path"
		if hang := t.hang(); hang != nil {
			why = hang.Error()
		}
		a.cfg.Log.Error("agent ends and leaves a reader behind that does not come back", "entry", t.entry.Path, "topic", t.entry.Topic, "why", why)
	}
	return a.drain(ctx)
}

// drain waits for what is on its way and is nobody else's to send. It reports whether
// nothing is any more.
func (a *Agent) drain(ctx context.Context) (settled bool) {
	begin := time.Now()
	if waiting := a.tasks.drain(ctx); waiting > 0 {
		st := a.producer.Stats()
		a.cfg.Log.Warn("agent ends before Kafka acknowledged everything that was read; the next run reads the rest again",
			"entries", waiting, "lines_in_flight", st.BufferedLines, "bytes_in_flight", st.BufferedBytes, "kafka", st.Brokers)
		return false
	}
	a.cfg.Log.Info("agent ends, everything read is acknowledged", "drained_in", time.Since(begin).Round(time.Millisecond))
	return true
}

func (a *Agent) newShared() *shared {
	return &shared{
		address: a.address(), spread: a.spread(), await: a.life.Await, maxLine: a.cfg.MaxLine, longLines: a.cfg.longLines(), interval: a.cfg.ScanInterval,
		allowed: a.cfg.allowed(), within: a.cfg.allowedDir(), expressions: &transform.Expressions{}, producer: a.producer, cluster: func() state.State { return a.producer.Stats().Cluster }, registry: a.registry, watcher: a.watcher, rounds: a.rounds, deleted: tail.NewDeleted(a.cfg.MaxDeletedOpen), times: defaultTimes(), log: a.cfg.Log,
	}
}

// expireAfter is how long positions of entries that left the list are kept, for
// entries that come back.
const expireAfter = 30 * 24 * time.Hour

// apply makes a list what runs.
func (a *Agent) apply(snap etcdcfg.Snapshot) {
	a.release.Do(func() {
		// Following files needs little of what starting did.
		n, err := releasePages()
		a.cfg.Log.Debug("pages of the program released", "bytes", n, "error", err)
	})
	p := a.tasks.apply(snap.Entries, snap.ModRevision)
	a.cfg.Log.Info("list applied", "revision", snap.ModRevision, "entries", len(snap.Entries), "started", len(p.start), "stopped", len(p.stop))
	if err := a.registry.Expire(time.Now().Add(-expireAfter), a.tasks.wants); err != nil {
		a.cfg.Log.Error("old positions cannot be forgotten", "error", err)
	}
}

// announce keeps the presence in etcd up to date until ctx ends.
func (a *Agent) announce(ctx context.Context) error {
	an := a.presences
	g, ctx := errgroup.WithContext(ctx)
	g.Go(guard(func() error { return an.Run(ctx) }))
	g.Go(guard(func() error {
		tick := time.NewTicker(presenceInterval)
		defer tick.Stop()
		var last etcdcfg.Presence
		for {
			a.tasks.sweep()
			a.tasks.tell()
			p := a.presence()
			if !reflect.DeepEqual(p, last) {
				an.Set(p)
				last = p
			}
			if a.cfg.OnLook != nil {
				a.cfg.OnLook(p)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	}))
	return unlessCancelled(g.Wait())
}

// startReports starts the reporter and the HTTP server as configured. Neither may
// end the agent: they say what is wrong in the log and try again.
func (a *Agent) startReports(ctx context.Context, g *errgroup.Group) {
	if a.reporter != nil {
		g.Go(guard(func() error { return a.reporter.Run(ctx) }))
	}
	if a.cfg.Listen != "" {
		srv := report.NewServer(a.cfg.Listen, a.Report, a.cfg.Log).With(a.cfg.ListenAccess)
		g.Go(guard(func() error { return srv.Run(ctx) }))
	}
}
