package cli

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/agent/report"
	"logctl/internal/config"
	"logctl/internal/testkit"
	"logctl/internal/tlsfile"
)

func (d *doctor) text() string {
	data, err := json.Marshal(d.found)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// TestDoctorSeesServersCertificates connects to a server whose certificate ends within a month.
func TestDoctorSeesServersCertificates(t *testing.T) {
	certs := testkit.NewCerts(t)
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = certs.Server.Clone()
	s.StartTLS()
	defer s.Close()
	base, err := tlsfile.Files{CAFile: certs.CAFile}.Config()
	if err != nil {
		t.Fatal(err)
	}
	d := &doctor{}
	d.serverCertificates(t.Context(), "kafka", "broker 1", base, s.Listener.Addr().String())
	if got := d.text(); !strings.Contains(got, `"level":"warning","area":"kafka","where":"broker 1","what":"the certificate \"localhost\" that it shows ends in `) {
		t.Error(got)
	}
	d = &doctor{}
	d.serverCertificates(t.Context(), "kafka", "broker 1", &tls.Config{MinVersion: tls.VersionTLS12}, s.Listener.Addr().String())
	if got := d.text(); !strings.Contains(got, "its certificate cannot be looked at") {
		t.Error(got)
	}
}

// TestDoctorSeesClocks asks a server whose clock is two hours behind, and one that is right.
func TestDoctorSeesClocks(t *testing.T) {
	for name, off := range map[string]time.Duration{"right": 0, "behind": -2 * time.Hour} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
		}))
		defer s.Close()
		u, err := url.Parse(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		d := &doctor{}
		d.etcdClock(t.Context(), u, nil)
		want := map[bool]string{true: "agree within 10s", false: "this host's clock is 2h0m0s ahead of the broker's"}[off == 0]
		if got := d.text(); !strings.Contains(got, want) && !strings.Contains(strings.ReplaceAll(got, "1h59m59s", "2h0m0s"), want) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// TestDoctorTriesWhatAnAgentNeeds has old generations beside a file, a transactional id that
// may be used, and a report that the broker stamps while it looks.
func TestDoctorTriesWhatAnAgentNeeds(t *testing.T) {
	f := newFleet(t)
	f.topic = f.kafka.Topic(t, 1, "message.timestamp.type", "LogAppendTime")
	dir := t.TempDir()
	f.env = append(f.env, "LOGCTL_AGENT_DATA_DIR="+filepath.Join(dir, "data"), "LOGCTL_AGENT_ALLOW_PATHS="+filepath.ToSlash(dir)+"/**", "LOGCTL_AGENT_REPORT_TOPIC="+f.topic)
	path := filepath.ToSlash(filepath.Join(dir, "a.log"))
	for i, name := range []string{"a.log", "a.log.1", "a.log.2.gz"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("line\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-time.Duration(i) * time.Hour)
		if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	f.ok(t, "entries", "add", path, f.kafka.Topic(t, 1))
	got := f.findings(ExitOK, "doctor")
	for _, part := range []string{"2 generations beside a.log, a number behind the name", "may be used (Describe and Write)", "etcd " + strings.TrimPrefix(f.etcd.Endpoints()[0], "http://") + ": its clock and that of this host agree within 10s", "clock of the brokers: is not known: no agent reports now"} {
		if !strings.Contains(got[levelOK], part) {
			t.Errorf("%q is not in\n%s", part, got[levelOK])
		}
	}
	c := &config.Config{}
	c.Kafka.Address, c.Agent.ReportTopic = f.kafka.Addrs(), f.topic
	d := &doctor{c: c}
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		d.reportedClock(t.Context())
	}()
	for waiting := true; waiting; {
		f.publish(report.Report{Agent: "web-1", At: time.Now()})
		select {
		case <-looked:
			waiting = false
		case <-time.After(50 * time.Millisecond):
		}
	}
	want := "its clock and that of this host agree within 10s"
	if os.Getenv("LOGCTL_TEST_KAFKA") == "" {
		want = "is not known: " + f.topic + " has not message.timestamp.type=LogAppendTime" // kfake stamps nothing
	}
	if got := d.text(); !strings.Contains(got, want) {
		t.Error(got)
	}
}
