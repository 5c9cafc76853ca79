package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"logctl/agent/tail"
	"logctl/etcdcfg"
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
	MaxBuffer       int64 // bytes read and not acknowledged, at most
	MaxLines        int   // lines read and not acknowledged, at most

	MaxLine      int           // bytes of a line, above it LongLines applies
	LongLines    string        // split, truncate or skip
	ScanInterval time.Duration // of looks at the directories, beside notifications
	AllowPaths   []string      // globs; empty allows every path

	Listen         string        // host:port of the HTTP server; empty: none
	ReportTopic    string        // empty: no reports
	ReportInterval time.Duration // default 2 s
	DrainTimeout   time.Duration // wait for acknowledgements at the end; default 8 s

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
		if !doublestar.ValidatePathPattern(g) {
			errs = append(errs, fmt.Errorf("[agent] allow_paths: %q is not a glob", g))
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

// allowed makes the check of allow_paths; nil allows everything. Paths are
// compared in their clean form, so that .. does not lead outside, and on Windows without
// regard to case, as its file systems do.
func (c *Config) allowed() func(path string) error {
	if len(c.AllowPaths) == 0 {
		return nil
	}
	form := filepath.Clean
	if runtime.GOOS == "windows" {
		form = func(path string) string { return strings.ToLower(filepath.Clean(path)) }
	}
	globs := make([]string, len(c.AllowPaths))
	for i, g := range c.AllowPaths {
		globs[i] = form(g)
	}
	return func(path string) error {
		clean := form(path)
		for _, g := range globs {
			if ok, err := doublestar.PathMatch(g, clean); err == nil && ok {
				return nil
			}
		}
		return ErrNotAllowed
	}
}
