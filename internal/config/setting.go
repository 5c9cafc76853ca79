package config

import "slices"

// setting is one row of the table of keys.
type setting struct {
	section, key string
	def          string
	help         string
	bind         func(c *Config) target // where the value goes
}

// name is the key with its section, as people write it in messages.
func (s setting) name() string { return "[" + s.section + "] " + s.key }

// settings is the table: every key logctl knows, in the order it is printed.
func settings() []setting {
	k := func(key, def, help string, bind func(c *Kafka) target) setting {
		return setting{"kafka", key, def, help, func(c *Config) target { return bind(&c.Kafka) }}
	}
	e := func(key, def, help string, bind func(c *Etcd) target) setting {
		return setting{"etcd", key, def, help, func(c *Config) target { return bind(&c.Etcd) }}
	}
	a := func(key, def, help string, bind func(c *Agent) target) setting {
		return setting{"agent", key, def, help, func(c *Config) target { return bind(&c.Agent) }}
	}
	t := func(key, def, help string, bind func(c *TUI) target) setting {
		return setting{"tui", key, def, help, func(c *Config) target { return bind(&c.TUI) }}
	}
	return slices.Concat([]setting{
		k("address", "127.0.0.1:9092", "brokers, comma separated", func(c *Kafka) target { return addresses(&c.Address, false) }),
		k("chan_size", "100000", "lines buffered per agent at most", func(c *Kafka) target { return integer(&c.ChanSize, 1) }),
		k("acks", "all", "all | leader", func(c *Kafka) target { return choice(&c.Acks, "all", "leader") }),
		k("compression", "lz4", "none | gzip | snappy | lz4 | zstd", func(c *Kafka) target {
			return choice(&c.Compression, "none", "gzip", "snappy", "lz4", "zstd")
		}),
		k("partitioner", "file", "file (order of a file kept) | random | round_robin", func(c *Kafka) target {
			return choice(&c.Partitioner, "file", "random", "round_robin")
		}),
		k("transactional_id", "{id}", "name of the agent for Kafka, so that a crash sends no line again; {id} is replaced; empty: off", func(c *Kafka) target {
			return text(&c.TransactionalID)
		}),
		k("headers", "host,path,file,pos", "record headers: host, path, file, pos, otel, cloudevents; empty for none", func(c *Kafka) target {
			return listOf(&c.Headers, "host", "path", "file", "pos", "otel", "cloudevents")
		}),
		k("tls", "false", "encrypt the connections", func(c *Kafka) target { return boolean(&c.TLS) }),
		k("ca_file", "", "PEM (or PKCS#12) of the authority that signed the brokers", func(c *Kafka) target { return text(&c.CAFile) }),
		k("ca_password_file", "", "opens a PKCS#12 ca_file", func(c *Kafka) target { return text(&c.CAPasswordFile) }),
		k("cert_file", "", "PEM of the client certificate, or PKCS#12 with its key", func(c *Kafka) target { return text(&c.CertFile) }),
		k("key_file", "", "PEM of the client key", func(c *Kafka) target { return text(&c.KeyFile) }),
		k("key_password_file", "", "opens an encrypted key_file or a PKCS#12 cert_file", func(c *Kafka) target { return text(&c.KeyPasswordFile) }),
		k("server_name", "", "name expected in the brokers' certificates", func(c *Kafka) target { return text(&c.ServerName) }),
		k("tls_min_version", "1.2", "1.2 | 1.3", func(c *Kafka) target { return choice(&c.TLSMinVersion, "1.2", "1.3") }),
	}, loginSettings(k), registrySettings(k), []setting{
		e("address", "127.0.0.1:2379", "etcd endpoints, comma separated", func(c *Etcd) target { return addresses(&c.Address, true) }),
		e("collect_key", "collect_log_conf", "{hostname}, {ip} and {node} are replaced", func(c *Etcd) target { return template(&c.CollectKey) }),
		e("expected_agents", "", "ids of agents that must be there, comma separated; see also logctl agents expect", func(c *Etcd) target { return words(&c.ExpectedAgents) }),
		e("dial_timeout", "5s", "", func(c *Etcd) target { return duration(&c.DialTimeout) }),
		e("timeout", "2s", "of one request", func(c *Etcd) target { return duration(&c.Timeout) }),
		e("username", "", "", func(c *Etcd) target { return text(&c.Username) }),
		e("password_file", "", "file that holds the password", func(c *Etcd) target { return text(&c.PasswordFile) }),
		e("tls", "false", "encrypt the connections", func(c *Etcd) target { return boolean(&c.TLS) }),
		e("ca_file", "", "PEM (or PKCS#12) of the authority that signed etcd", func(c *Etcd) target { return text(&c.CAFile) }),
		e("ca_password_file", "", "opens a PKCS#12 ca_file", func(c *Etcd) target { return text(&c.CAPasswordFile) }),
		e("cert_file", "", "PEM of the client certificate, or PKCS#12 with its key", func(c *Etcd) target { return text(&c.CertFile) }),
		e("key_file", "", "PEM of the client key", func(c *Etcd) target { return text(&c.KeyFile) }),
		e("key_password_file", "", "opens an encrypted key_file or a PKCS#12 cert_file", func(c *Etcd) target { return text(&c.KeyPasswordFile) }),
		e("server_name", "", "name expected in etcd's certificate", func(c *Etcd) target { return text(&c.ServerName) }),
		e("tls_min_version", "1.2", "1.2 | 1.3", func(c *Etcd) target { return choice(&c.TLSMinVersion, "1.2", "1.3") }),

		a("id", "{hostname}", "name of this agent, unique in the fleet", func(c *Agent) target { return template(&c.ID) }),
		a("host", "{hostname}", "name of this host in the record header host, reports and presences; {node} is NODE_NAME, the node of a pod", func(c *Agent) target { return template(&c.Host) }),
		a("data_dir", "", "default /var/lib/logctl as root, else $XDG_STATE_HOME/logctl", func(c *Agent) target { return text(&c.DataDir) }),
		a("max_buffer", "64MiB", "bytes read and not yet acknowledged, at most", func(c *Agent) target { return size(&c.MaxBuffer, 1<<20) }),
		a("max_deleted_open", "10GiB", "bytes of deleted files kept open because they are not read yet, at most", func(c *Agent) target { return size(&c.MaxDeletedOpen, 0) }),
		a("max_line", "1MiB", "longest record made of one line", func(c *Agent) target { return size(&c.MaxLine, 1<<10) }),
		a("long_lines", "split", "split | truncate | skip", func(c *Agent) target {
			return choice(&c.LongLines, "split", "truncate", "skip")
		}),
		a("allow_paths", "", "globs; an entry outside them is refused", func(c *Agent) target { return globs(&c.AllowPaths) }),
		a("listen", "", "address that serves /metrics /healthz /debug/pprof; empty: no port", func(c *Agent) target { return listen(&c.Listen) }),
		a("listen_token_file", "", "file of a bearer token that listen asks for, but for health", func(c *Agent) target { return text(&c.ListenToken) }),
		a("listen_cert_file", "", "PEM of the certificate of listen; empty: no TLS", func(c *Agent) target { return text(&c.ListenCert) }),
		a("listen_key_file", "", "PEM of its key", func(c *Agent) target { return text(&c.ListenKey) }),
		a("listen_profiles", "false", "serve /debug/pprof beyond loopback too", func(c *Agent) target { return boolean(&c.ListenProfiles) }),
		a("report_topic", "logctl-reports", "empty: no reports", func(c *Agent) target { return text(&c.ReportTopic) }),
		a("report_interval", "2s", "", func(c *Agent) target { return duration(&c.ReportInterval) }),
		a("scan_interval", "1s", "looks at the directories beside notifications", func(c *Agent) target { return duration(&c.ScanInterval) }),

		t("read_only", "false", "refuse every write", func(c *TUI) target { return boolean(&c.ReadOnly) }),
		t("theme", "auto", "auto | light | dark | none", func(c *TUI) target {
			return choice(&c.Theme, "auto", "light", "dark", "none")
		}),
		t("max_record", "64MiB", "larger records of a stream are passed over with a notice", func(c *TUI) target { return size(&c.MaxRecord, 1<<10) }),
		t("max_memory", "512MiB", "what reading a stream may take", func(c *TUI) target { return size(&c.MaxMemory, 16<<20) }),
		t("mouse", "false", "catch the mouse (the terminal's own selection ends)", func(c *TUI) target { return boolean(&c.Mouse) }),
	})
}

// Known returns the names of every key, as section and key, for completion and
// documentation, with default and help text.
func Known() []Key {
	var out []Key
	for _, s := range settings() {
		out = append(out, Key{Section: s.section, Name: s.key, Default: s.def, Help: s.help})
	}
	return out
}

// Key describes one setting for documentation.
type Key struct {
	Section, Name, Default, Help string
}
