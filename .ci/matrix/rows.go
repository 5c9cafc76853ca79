package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

const topic = "lines"

// site is an agent's place: its settings, its list, its file.
type site struct {
	l      *lab
	dir    string
	config string // of the agent and of entries
	file   string
	kafka  string
	lines  int // written so far
}

// settle writes the settings of an agent and an empty file; login stands in [kafka], users
// in [etcd].
func (l *lab) settle(kafka, etcd, login, users string) (*site, error) {
	dir, err := os.MkdirTemp(l.dir, "site-")
	if err != nil {
		return nil, err
	}
	s := &site{l: l, dir: dir, config: filepath.Join(dir, "config.ini"), file: filepath.Join(dir, "app.log"), kafka: kafka}
	text := fmt.Sprintf("[kafka]\naddress = %s\n%s[etcd]\naddress = %s\ncollect_key = matrix\n%s[agent]\nid = matrix\ndata_dir = %[5]s/data\nallow_paths = %[5]s/**\n",
		kafka, login, etcd, users, dir)
	return s, errors.Join(os.WriteFile(s.config, []byte(text), 0o600), os.WriteFile(s.file, nil, 0o600))
}

// write appends numbered lines.
func (s *site) write(n int) error {
	f, err := os.OpenFile(s.file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	var b strings.Builder
	for range n {
		fmt.Fprintf(&b, "%09d a line that goes to the topic, of some ninety bytes, as access logs have them\n", s.lines)
		s.lines++
	}
	_, err = f.WriteString(b.String())
	return errors.Join(err, f.Close())
}

func (s *site) add(ctx context.Context) error {
	_, _, err := s.l.ctl(ctx, "entries", "add", s.file, topic, "--from", "beginning", "--config", s.config)
	return err
}

func (s *site) agent() (*server, error) {
	return launch(s.dir, s.l.logctl, "agent", "--config", s.config)
}

// count waits until the topic has as many records as there are lines.
func (s *site) count(ctx context.Context, agent *server) error {
	return until(ctx, 60*time.Second, func() error {
		out, _, err := s.l.ctl(ctx, "tail-topic", topic, "--config", s.config, "--from", "oldest", "--no-follow", "-o", "count", "-q")
		if err != nil {
			return err
		}
		if n, _ := strconv.Atoi(strings.TrimSpace(out)); n != s.lines {
			return fmt.Errorf("%s of %d lines came; the agent: %s", strings.TrimSpace(out), s.lines, agent.said())
		}
		return nil
	})
}

// same checks that the topic holds the lines of the file, each once and in order.
func (s *site) same(ctx context.Context) error {
	want, err := os.ReadFile(s.file)
	if err != nil {
		return err
	}
	got, _, err := s.l.ctl(ctx, "tail-topic", topic, "--config", s.config, "--from", "oldest", "--no-follow", "-o", "raw", "-q")
	if err == nil && got != string(want) {
		err = fmt.Errorf("the topic's %d bytes are not the file's %d", len(got), len(want))
	}
	return err
}

// kafkaRow runs everything on one version of Kafka.
func (l *lab) kafkaRow(ctx context.Context, version string) (row, error) {
	r := row{server: serverName("Kafka ", version), cells: map[string]string{}, date: today()}
	k, err := l.startKafka(ctx, version, broker{})
	if err != nil {
		return r, fmt.Errorf("%s: %w", r.server, err)
	}
	defer k.kill()
	e, err := l.startEtcd(ctx, "3.7.3", "")
	if err != nil {
		return r, fmt.Errorf("%s: %w", r.server, err)
	}
	defer e.kill()
	if err := until(ctx, 60*time.Second, func() error { return k.topic(topic) }); err != nil {
		return r, fmt.Errorf("%s: %w", r.server, err)
	}
	s, err := l.settle(k.plain, e.address, "", "")
	if err != nil {
		return r, err
	}
	return r, errors.Join(l.shipping(ctx, &r, s), l.secured(ctx, &r, k, s))
}

// shipping checks what needs no login.
func (l *lab) shipping(ctx context.Context, r *row, s *site) error {
	var agent *server
	defer func() { agent.kill() }()
	var errs []error
	errs = append(errs, r.try("agent", func() (err error) {
		if err = errors.Join(s.write(l.lines), s.add(ctx)); err != nil {
			return err
		}
		if agent, err = s.agent(); err != nil {
			return err
		}
		return s.count(ctx, agent)
	}))
	if agent == nil {
		return errors.Join(errs...)
	}
	errs = append(errs,
		r.try("tail-topic", func() error {
			if err := s.same(ctx); err != nil {
				return err
			}
			out, _, err := l.ctl(ctx, "tail-topic", topic, "--config", s.config, "-n", "3", "--no-follow", "-o", "raw", "-q")
			if err == nil && strings.Count(out, "\n") != 3 {
				err = fmt.Errorf("-n 3 printed %q", out)
			}
			return err
		}),
		r.try("console", func() error { return s.console(ctx) }),
		r.try("once-delivery", func() error {
			for range 4 { // killed while lines come
				if err := s.write(l.lines / 4); err != nil {
					return err
				}
				time.Sleep(300 * time.Millisecond)
				agent.kill()
				var err error
				if agent, err = s.agent(); err != nil {
					return err
				}
			}
			return errors.Join(s.count(ctx, agent), s.same(ctx))
		}))
	return errors.Join(errs...)
}

// console looks at two screens.
func (s *site) console(ctx context.Context) error {
	return until(ctx, 15*time.Second, func() error {
		entries, _, err := s.l.ctl(ctx, "tui", "--snapshot", "entries", "--size", "160x40", "--config", s.config)
		if err != nil {
			return err
		}
		topics, _, err := s.l.ctl(ctx, "tui", "--snapshot", "topics", "--size", "160x40", "--config", s.config)
		if err != nil {
			return err
		}
		if !strings.Contains(entries, "app.log") || !strings.Contains(entries, "1/1") || !strings.Contains(topics, topic) {
			return fmt.Errorf("the console does not show the entry and its agent, or the topic: %s", entries)
		}
		return nil
	})
}

// secured checks TLS, logins and rights.
func (l *lab) secured(ctx context.Context, r *row, k *kafka, s *site) error {
	certs, err := l.certificates(ctx)
	if err != nil {
		return err
	}
	read := func(address, more string) error {
		config := filepath.Join(s.dir, "reader.ini")
		if err := os.WriteFile(config, []byte("[kafka]\naddress = "+address+"\n"+more), 0o600); err != nil {
			return err
		}
		out, _, err := l.ctl(ctx, "tail-topic", topic, "--config", config, "--from", "oldest", "--no-follow", "-o", "count", "-q", "--wait", "5s")
		if err == nil && strings.TrimSpace(out) != strconv.Itoa(s.lines) {
			err = fmt.Errorf("%s of %d records", strings.TrimSpace(out), s.lines)
		}
		return err
	}
	login := func(mechanism, user, password string) string {
		file := filepath.Join(s.dir, "password")
		_ = os.WriteFile(file, []byte(password), 0o600) // the login would fail
		return fmt.Sprintf("sasl_mechanism = %s\nsasl_user = %s\nsasl_password_file = %s\n", mechanism, user, file)
	}
	return errors.Join(
		r.try("TLS", func() error {
			if err := k.grant("ANONYMOUS", topic, sarama.AclOperationRead); err != nil {
				return err
			}
			if err := until(ctx, 30*time.Second, func() error { return read(k.tls, "tls = true\nca_file = "+certs+"/ca.pem\n") }); err != nil {
				return err
			}
			return refused(read(k.tls, "tls = true\n"), "certificate")
		}),
		r.try("SASL", func() error {
			if err := k.grant("alice", topic, sarama.AclOperationRead); err != nil {
				return err
			}
			mechanisms := []string{"PLAIN"}
			if k.version != "2.4.1" && k.version != "3.3.2" { // users of SCRAM are made by ZooKeeper only, or not at all, there
				if err := k.scram("alice", "alice-secret"); err != nil {
					return err
				}
				mechanisms = append(mechanisms, "SCRAM-SHA-256")
			}
			for _, m := range mechanisms {
				if err := until(ctx, 10*time.Second, func() error { return read(k.sasl, login(m, "alice", "alice-secret")) }); err != nil {
					return err
				}
				if err := refused(read(k.sasl, login(m, "alice", "wrong")), "refused the login"); err != nil {
					return err
				}
			}
			return nil
		}),
		r.try("ACL", func() error {
			if err := refused(read(k.sasl, login("PLAIN", "bob", "bob-secret")), "needs the right", "not allowed", "denied", "right"); err != nil {
				return err
			}
			if err := k.grant("bob", topic, sarama.AclOperationRead); err != nil {
				return err
			}
			return until(ctx, 10*time.Second, func() error { return read(k.sasl, login("PLAIN", "bob", "bob-secret")) })
		}))
}
