package main

import (
	"context"
	"os"
	"path/filepath"
)

// logctlSubjects are the agent bare, and with all its defaults.
func logctlSubjects() []subject {
	return []subject{
		{name: "logctl, no compression, no headers", start: startAgent, config: agentIni("compression = none\nheaders =\n")},
		{name: "logctl, no compression, no headers, 3 partitions", start: startAgent,
			config: agentIni("compression = none\nheaders =\npartitioner = round_robin\n")},
		{name: "logctl, defaults", start: startAgent, config: agentIni("")},
	}
}

// agentIni is the agent's config file; kafka holds more lines of its first section.
func agentIni(kafka string) string {
	return "[kafka]\naddress = {kafka}\n" + kafka + "[etcd]\naddress = {etcd}\ncollect_key = {key}\n[agent]\nid = bench\ndata_dir = {dir}/data\n"
}

func startAgent(ctx context.Context, l *lab, s subject, topic, file string) (*process, error) {
	p, _, err := l.agent(ctx, s.config, entry{Path: file, Topic: topic, From: "beginning"})
	return p, err
}

// agent starts an agent on entries, with a new key and a new data directory.
func (l *lab) agent(ctx context.Context, config string, entries ...entry) (*process, string, error) {
	key, err := l.collect(ctx, entries...)
	if err != nil {
		return nil, "", err
	}
	dir, err := l.scratch("agent")
	if err != nil {
		return nil, "", err
	}
	conf := filepath.Join(dir, "config.ini")
	if err := os.WriteFile(conf, []byte(l.fill(config, "", "", dir, key)), 0o600); err != nil {
		return nil, "", err
	}
	p, err := l.restart(ctx, conf)
	return p, conf, err
}

// restart starts an agent on a config that exists already.
func (l *lab) restart(ctx context.Context, conf string) (*process, error) {
	return start(ctx, filepath.Dir(conf), l.logctl, "agent", "--config", conf, "--log-level", "warn")
}
