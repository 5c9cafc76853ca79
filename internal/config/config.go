package config

import "time"

// Config is every setting of logctl with its effective value.
type Config struct {
	Kafka Kafka
	Etcd  Etcd
	Agent Agent
	TUI   TUI

	values []Value // in the order of the table, for printing
}

// Kafka is the section [kafka]: the cluster and how records are produced.
type Kafka struct {
	Address         []string // host:port of the first brokers to ask
	ChanSize        int      // lines buffered per agent at most
	Acks            string   // all or leader
	Compression     string   // none, gzip, snappy, lz4 or zstd
	Partitioner     string   // file, random or round_robin
	TransactionalID string   // {id} is the agent's; empty: off
	Headers         []string // of host, path, file, pos and the sets otel and cloudevents
	TLS             bool
	CAFile          string
	CAPasswordFile  string
	CertFile        string
	KeyFile         string
	KeyPasswordFile string
	ServerName      string
	TLSMinVersion   string // 1.2 or 1.3
	Login           Login
	Registry        Registry
}

// Etcd is the section [etcd]: the store of the collect entries.
type Etcd struct {
	Address         []string
	CollectKey      string // may hold {hostname}, {ip} and {node}
	DialTimeout     time.Duration
	Timeout         time.Duration // of one request
	ExpectedAgents  []string      // ids that must be there, beside those that etcd names
	Username        string
	PasswordFile    string
	TLS             bool
	CAFile          string
	CAPasswordFile  string
	CertFile        string
	KeyFile         string
	KeyPasswordFile string
	ServerName      string
	TLSMinVersion   string // 1.2 or 1.3
}

// Agent is the section [agent]: the daemon.
type Agent struct {
	ID             string // may hold {hostname}, {ip} and {node}
	Host           string // of the record header host; may hold {hostname}, {ip} and {node}
	DataDir        string // empty: chosen by the user the agent runs as
	MaxDeletedOpen int64  // bytes of deleted files kept open, at most; 0: no bound
	MaxBuffer      int64  // bytes of lines read and not yet acknowledged, at most
	MaxLine        int64  // bytes of a line, above it LongLines applies
	LongLines      string // split, truncate or skip
	AllowPaths     []string
	Listen         string // empty: no port
	ListenToken    string // file of the token that is asked for; empty: none is
	ListenCert     string // PEM files; empty: no TLS
	ListenKey      string
	ListenProfiles bool // serve profiles beyond loopback
	ReportTopic    string
	ReportInterval time.Duration
	ScanInterval   time.Duration // how often directories are looked at beside notifications
}

// TUI is the section [tui]: the console.
type TUI struct {
	MaxRecord int64 // of a stream: larger records are passed over, bytes
	MaxMemory int64 // of a stream, bytes
	ReadOnly  bool
	Theme     string // auto, light, dark or none
	Mouse     bool
}

// Value is one setting as it came out, for --print-config.
type Value struct {
	Section string
	Key     string
	Text    string // the effective value as it would be written in an ini file
	Source  string // "default", "conf/config.ini:3", "environment LOGCTL_…" or "flag --…"
}

// Values returns every setting with its effective value and source, in the order
// of the table.
func (c *Config) Values() []Value { return c.values }
