package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"logctl/agent/report"
	"logctl/agent/tail/suggest"
	"logctl/consumer"
	"logctl/internal/kafka"
	"logctl/internal/tlsfile"
)

// What is tried on servers beyond that they answer: certificates, clocks, the transactional id.

// brokerCertificate looks when the certificate of a broker ends.
func (d *doctor) brokerCertificate(ctx context.Context, where, address string) {
	s, err := kafkaConfig(d.c).Sarama()
	if err != nil || !s.Net.TLS.Enable {
		return // told with the settings
	}
	base := s.Net.TLS.Config
	if base == nil {
		base = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	d.serverCertificates(ctx, "kafka", where, base, address)
}

func (d *doctor) serverCertificates(ctx context.Context, area, where string, base *tls.Config, address string) {
	shown, err := tlsfile.Shown(ctx, base, address)
	if err != nil {
		d.problem(area, where, "its certificate cannot be looked at: "+err.Error(), "correct the TLS settings, or the server's certificate")
		return
	}
	for _, c := range shown {
		d.ends(area, where, fmt.Sprintf("the certificate %q that it shows", c.Subject.CommonName), c.NotAfter)
	}
}

// etcdHosts looks at the certificate and the clock of each member that is configured.
func (d *doctor) etcdHosts(ctx context.Context) {
	base, err := etcdConfig(d.c, nil).TLSConfig()
	if err != nil {
		return // told with the settings
	}
	for _, address := range d.c.Etcd.Address {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" {
			u = &url.URL{Host: address}
		}
		u.Scheme = "http"
		if base != nil {
			u.Scheme = "https"
			d.serverCertificates(ctx, "etcd", u.Host, base, u.Host)
		}
		d.etcdClock(ctx, u, base)
	}
}

// etcdClock compares this host's clock with that of an etcd member: its web server dates
// each answer, whatever the answer is.
func (d *doctor) etcdClock(ctx context.Context, member *url.URL, base *tls.Config) {
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	if base != nil {
		now, err := tlsfile.Now(base)
		if err != nil {
			return // told with the settings
		}
		transport.TLSClientConfig = now
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	limit, cancel := context.WithTimeout(ctx, clockTime)
	defer cancel()
	req, err := http.NewRequestWithContext(limit, http.MethodHead, member.JoinPath("version").String(), nil)
	if err != nil {
		return // told when it was connected to
	}
	sent := time.Now()
	res, err := client.Do(req)
	if err != nil {
		d.warn("etcd", member.Host, "its clock is not known: "+err.Error(), "")
		return
	}
	trip := time.Since(sent)
	_ = res.Body.Close() // a HEAD has none
	dated, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		d.ok("etcd", member.Host, "its clock is not known: its answers bear no date")
		return
	}
	d.clock("etcd", member.Host, sent.Add(trip/2).Sub(dated.Add(time.Second/2))) // Date is cut to seconds
}

// clockTime is how long the question for a clock may take.
const clockTime = 3 * time.Second

// clock says how far this host's clock is ahead of that of a server.
func (d *doctor) clock(area, where string, skew time.Duration) {
	if skew.Abs() < report.ClockLimit {
		d.ok(area, where, "its clock and that of this host agree within "+report.ClockLimit.String())
		return
	}
	d.problem(area, where, report.ClockText(skew), "set the clock that is wrong: chronyc tracking, timedatectl. Brokers refuse lines whose time is too far ahead")
}

// reportedClock compares this host's clock with the brokers', by the time that they stamp on
// the reports of any agent.
func (d *doctor) reportedClock(ctx context.Context) {
	const where = "clock of the brokers"
	if d.c.Agent.ReportTopic == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, clockTime)
	defer cancel()
	r, err := consumer.Open(ctx, consumer.Config{Kafka: kafkaConfig(d.c), Topics: []string{d.c.Agent.ReportTopic}, From: consumer.Newest(), Follow: true, Linger: -1})
	if err != nil {
		return // told of the topic
	}
	defer func() { _ = r.Close() }() // nothing was written
	list, err := r.Next(ctx)
	switch {
	case err != nil || len(list) == 0:
		d.ok("kafka", where, "is not known: no agent reports now")
	case list[len(list)-1].TimeType != consumer.LogAppendTime:
		d.ok("kafka", where, "is not known: "+d.c.Agent.ReportTopic+" has not message.timestamp.type=LogAppendTime, so that brokers do not stamp reports")
	default:
		d.clock("kafka", where, time.Since(list[len(list)-1].Time))
	}
}

// transactions tries the rights on the agent's transactional id.
func (d *doctor) transactions(ctx context.Context, admin *kafka.Admin) {
	id := strings.ReplaceAll(d.c.Kafka.TransactionalID, "{id}", d.id)
	const without = "without it, a kill sends the last lines again"
	if id == "" {
		d.ok("kafka", "[kafka] transactional_id", "is off: a kill sends the last lines again")
		return
	}
	where := "transactional id " + id
	err := d.mayUse(ctx, admin.Transactions(id))
	switch {
	case err == nil:
		d.ok("kafka", where, "may be used (Describe and Write)")
	case errors.Is(err, sarama.ErrTransactionalIDAuthorizationFailed):
		d.warn("kafka", where, "our user may not use it", "grant Describe and Write on it; "+without)
	default:
		d.warn("kafka", where, explainKafka(err), without)
	}
}

// mayUse waits for a coordinator: the first question for one makes Kafka create the topic
// where it keeps transactions.
func (d *doctor) mayUse(ctx context.Context, t *kafka.Transactions) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for tries := 0; ; tries++ {
		err := t.MayUse(ctx)
		if err == nil || tries == 25 || !kafka.TransactionRetry(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// family says how the generations of a log are named that a file belongs to; empty when
// nothing is to be said.
func (d *doctor) family(ctx context.Context, file string) string {
	if file == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, familyTime)
	defer cancel()
	found, err := suggest.Look(ctx, file)
	if err != nil {
		return "" // that it cannot be read is told of the file
	}
	for _, g := range found.Logs {
		i := slices.IndexFunc(g.Files, func(f suggest.File) bool { return filepath.Join(found.Dir, f.Name) == filepath.Clean(file) })
		if i < 0 {
			continue
		}
		if len(g.Files) == 1 {
			return "; no older generation beside " + filepath.Base(file)
		}
		packed := 0
		for _, f := range g.Files {
			if f.Packed != "" {
				packed++
			}
		}
		text := fmt.Sprintf("; %s beside %s, %s", plural(len(g.Files)-1, "generation", "generations"), filepath.Base(file), g.Scheme)
		if packed > 0 {
			text += fmt.Sprintf(" (%d compressed)", packed)
		}
		return text
	}
	return ""
}

// familyTime is how long one directory may be looked at.
const familyTime = 2 * time.Second
