package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// loginRows are ways into Kafka for which somebody else than the broker vouches.
var loginRows = []string{"gssapi", "oauthbearer"}

// loginNames are their names in the table.
var loginNames = map[string]string{
	"gssapi":      "Kafka 4.4.0, GSSAPI (MIT Kerberos of Debian)",
	"oauthbearer": "Kafka 4.4.0, OAUTHBEARER (its OIDC validator)",
}

// way is one login: the settings in [kafka] that have it, several that get the same
// principal in other ways, and those that must be refused, with a word of the refusal.
type way struct {
	principal string
	settings  string
	same      map[string]string
	refused   map[string][2]string // settings, and the word
	close     func()
}

// loginRow runs everything through one login.
func (l *lab) loginRow(ctx context.Context, name string) (row, error) {
	r := row{server: loginNames[name], cells: map[string]string{}, date: today()}
	fail := func(err error) (row, error) { return r, fmt.Errorf("%s: %w", r.server, err) }
	var w *way
	var more broker
	var err error
	switch name {
	case "gssapi":
		w, more, err = l.kerberos(ctx)
	case "oauthbearer":
		w, more, err = l.oidc()
	}
	if err != nil {
		return fail(err)
	}
	defer w.close()
	k, err := l.startKafka(ctx, "4.4.0", more)
	if err != nil {
		return fail(err)
	}
	defer k.kill()
	e, err := l.startEtcd(ctx, "3.7.3", "")
	if err != nil {
		return fail(err)
	}
	defer e.kill()
	if err := until(ctx, 60*time.Second, func() error { return k.topic(topic) }); err != nil {
		return fail(err)
	}
	s, err := l.settle(k.sasl, e.address, w.settings, "")
	if err != nil {
		return fail(err)
	}
	before := r.try("ACL", func() error { // nobody but the superuser has a right yet
		_, _, err := l.ctl(ctx, "tail-topic", topic, "--config", s.config, "--from", "oldest", "--no-follow", "-o", "count", "-q", "--wait", "5s")
		return refused(err, "needs the right", "not allowed", "denied", "right")
	})
	if err := k.grantAll(w.principal); err != nil {
		return fail(err)
	}
	return r, errors.Join(before, l.shipping(ctx, &r, s), r.try("SASL", func() error { return l.others(ctx, s, w) }))
}

// others tries the other forms of a login, the commands that log in, and what must be
// refused, in words, by each of them.
func (l *lab) others(ctx context.Context, s *site, w *way) error {
	with := func(settings string) (*site, error) {
		other := *s
		other.dir = filepath.Join(s.dir, "other")
		other.config = filepath.Join(s.dir, "other.ini")
		b, err := os.ReadFile(s.config)
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(other.dir, 0o700); err != nil {
			return nil, err
		}
		return &other, os.WriteFile(other.config, []byte(strings.Replace(string(b), w.settings, settings, 1)), 0o600)
	}
	var errs []error
	for name, settings := range w.same {
		o, err := with(settings)
		if err == nil {
			err = o.count(ctx, nil)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	if err := l.loggedInAgain(ctx, s); err != nil {
		errs = append(errs, err)
	}
	for name, pair := range w.refused {
		o, err := with(pair[0])
		if err != nil {
			return err
		}
		_, _, err = l.ctl(ctx, "tail-topic", topic, "--config", o.config, "--no-follow", "-o", "count", "-q", "--wait", "5s")
		if err = refused(err, pair[1]); err != nil {
			errs = append(errs, fmt.Errorf("%s, tail-topic: %w", name, err))
		}
		out, errOut, _ := l.ctl(ctx, "doctor", "--config", o.config)
		if !strings.Contains(out, pair[1]) {
			errs = append(errs, fmt.Errorf("%s: doctor does not say %q: %s%s", name, pair[1], out, errOut))
		}
		out, errOut, _ = l.ctl(ctx, "status", "--config", o.config)
		if !strings.Contains(out+errOut, pair[1]) {
			errs = append(errs, fmt.Errorf("%s: status does not say %q: %s%s", name, pair[1], out, errOut))
		}
		agent, err := o.agent()
		if err != nil {
			return err
		}
		if err := until(ctx, 20*time.Second, func() error {
			if text := agent.said(); !strings.Contains(text, pair[1]) {
				return fmt.Errorf("%s: the agent does not say %q: %s", name, pair[1], text)
			}
			return nil
		}); err != nil {
			errs = append(errs, err)
		}
		agent.kill()
	}
	return errors.Join(errs...)
}

// loggedInAgain follows the topic while the broker asks for new logins and while lines come,
// longer than a login or a token lasts here.
func (l *lab) loggedInAgain(ctx context.Context, s *site) error {
	agent, err := s.agent()
	if err != nil {
		return err
	}
	defer agent.kill()
	reader, err := launch(s.dir, l.logctl, "tail-topic", topic, "--config", s.config, "--from", "latest", "-o", "raw")
	if err != nil {
		return err
	}
	defer reader.kill()
	if err := until(ctx, 20*time.Second, func() error { return s.write(1) }); err != nil {
		return err
	}
	for range 8 {
		time.Sleep(2 * time.Second)
		if err := s.write(1); err != nil {
			return err
		}
	}
	last := fmt.Sprintf("%09d", s.lines-1)
	if err := until(ctx, 15*time.Second, func() error {
		if !strings.Contains(reader.said(), last) {
			return fmt.Errorf("after new logins the reader has no line %s: %s; the agent: %s", last, reader.said(), agent.said())
		}
		return nil
	}); err != nil {
		return err
	}
	for _, text := range []string{agent.said(), reader.said()} {
		if strings.Contains(text, "WARN") || strings.Contains(text, "logctl:") {
			return fmt.Errorf("new logins were noticed: %s", text)
		}
	}
	if out, _, err := l.ctl(ctx, "doctor", "--config", s.config); err != nil {
		return fmt.Errorf("doctor: %w: %s", err, out)
	}
	if out, _, err := l.ctl(ctx, "status", "--config", s.config); err != nil {
		return fmt.Errorf("status: %w: %s", err, out)
	}
	return s.count(ctx, agent)
}
