package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"logctl/agent/report"
	"logctl/agent/tail"
	"logctl/etcdcfg"
	"logctl/internal/glob"
	"logctl/internal/kafka"
)

// Config is what an agent needs to know. New checks it.
type Config struct {
	ID         string // unique in the fleet
	Host       string // value of the record header host
	Version    string
	Commit     string // git commit this agent was built from; empty: not known
	Built      string // time of that commit, RFC 3339; empty: not known
	DataDir    string // positions and the cached list; created when missing
	CollectKey string // etcd key of the entries, placeholders already replaced

	Etcd  etcdcfg.Config
	Kafka kafka.Config

	Acks        string   // all or leader
	Compression string   // none, gzip, snappy, lz4 or zstd
	Partitioner string   // file, random or round_robin
	Headers     []string // of host, path, file, pos and the sets otel and cloudevents
	// TransactionalID is the name under which Kafka knows the lives of this agent, so that
	// none sends again what another had stored; empty: a crash may send the last lines again.
	TransactionalID string
	MaxDeletedOpen  int64 // bytes of deleted files kept open, at most; 0: no bound
	MaxBuffer       int64 // bytes read and not acknowledged, at most
	MaxLines        int   // lines read and not acknowledged, at most

	MaxLine      int           // bytes of a line, above it LongLines applies
	LongLines    string        // split, truncate or skip
	ScanInterval time.Duration // of looks at the directories, beside notifications
	AllowPaths   []string      // globs; empty allows every path

	Listen         string        // host:port of the HTTP server; empty: none
	ListenAccess   report.Access // who may ask it what
	ReportTopic    string        // empty: no reports
	ReportInterval time.Duration // default 2 s
	DrainTimeout   time.Duration // wait for acknowledgements at the end; default 8 s

	Poll bool // look at files at each ScanInterval only, never be notified of changes

	// OnLook, if set, is called once a second with the presence, after a look at all tasks.
	// It must not block: presences wait for it.
	OnLook func(etcdcfg.Presence)

	Log *slog.Logger // default: discard
}

func (c *Config) check() error {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.DrainTimeout <= 0 {
		c.DrainTimeout = 8 * time.Second
	}
	if c.ReportInterval <= 0 {
		c.ReportInterval = 2 * time.Second
	}
	if c.ScanInterval <= 0 {
		c.ScanInterval = time.Second
	}
	if c.MaxLine <= 0 {
		c.MaxLine = 1 << 20
	}
	var errs []error
	if c.ID == "" {
		errs = append(errs, errors.New("agent id is empty; set [agent] id"))
	}
	if c.DataDir == "" {
		errs = append(errs, errors.New("data directory is empty; set [agent] data_dir"))
	}
	if c.CollectKey == "" {
		errs = append(errs, errors.New("collect key is empty; set [etcd] collect_key"))
	}
	for _, g := range c.AllowPaths {
		if _, err := glob.Compile(filepath.ToSlash(filepath.Clean(g))); err != nil {
			errs = append(errs, fmt.Errorf("[agent] allow_paths: %q: %w", g, err))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) longLines() tail.LongLines {
	switch c.LongLines {
	case "truncate":
		return tail.LongTruncate
	case "skip":
		return tail.LongSkip
	default:
		return tail.LongSplit
	}
}

// ErrNotAllowed is why a path outside allow_paths is not read.
var ErrNotAllowed = errors.New("outside [agent] allow_paths of this host")

// allowed makes the check of allow_paths; without them what holds the system's secrets is
// refused. Paths are compared in their clean form, so that .. does not lead outside, and on Windows without
// regard to case, as its file systems do.
func (c *Config) allowed() func(path string) error {
	globs := c.allowGlobs()
	if globs == nil {
		return notSensitive
	}
	return func(path string) error {
		clean := slashed(path)
		if slices.ContainsFunc(globs, func(g *glob.Glob) bool { return g.Match(clean) }) {
			return nil
		}
		return ErrNotAllowed
	}
}

// allowedDir makes the check whether a path below a directory may be allowed, so that
// an entry such as /** looks only where allow_paths lead; nil: everywhere.
func (c *Config) allowedDir() func(dir string) bool {
	globs := c.allowGlobs()
	if globs == nil {
		return nil
	}
	return func(dir string) bool {
		dir = slashed(dir)
		return slices.ContainsFunc(globs, func(g *glob.Glob) bool { return g.Beneath(dir) })
	}
}

// outside says whether allow_paths lead nowhere that a glob looks, so that it finds nothing
// there although there may be files. A plain path is judged by itself.
func outside(path string, within func(dir string) bool) bool {
	if within == nil || isPlain(path) {
		return false
	}
	root := filepath.ToSlash(path)
	root = root[:strings.IndexAny(root, `*?[{\`)]
	return !within(root[:strings.LastIndexByte(root, '/')+1])
}

func (c *Config) allowGlobs() []*glob.Glob {
	var globs []*glob.Glob
	for _, text := range c.AllowPaths {
		if g, err := glob.Compile(slashed(text)); err == nil { // check was run
			globs = append(globs, g)
		}
	}
	return globs
}

// slashed is the form in which paths and globs are compared.
func slashed(path string) string {
	path = filepath.ToSlash(filepath.Clean(path))
	if runtime.GOOS == "windows" {
		return strings.ToLower(path)
	}
	return path
}
