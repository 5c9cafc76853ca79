package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.ini")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLessonFileWorksUnchanged(t *testing.T) {
	c, err := Load(Sources{File: write(t, "[kafka]\naddress = 10.0.0.1:9092\nchan_size = 5000\n\n[etcd]\naddress=10.0.0.2:2379\ncollect_key=collect_log_%s_conf\n")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"10.0.0.1:9092"}, c.Kafka.Address); diff != "" {
		t.Error(diff)
	}
	if c.Kafka.ChanSize != 5000 || c.Etcd.CollectKey != "collect_log_%s_conf" {
		t.Errorf("got %d, %q", c.Kafka.ChanSize, c.Etcd.CollectKey)
	}
	if c.Etcd.DialTimeout != 5*time.Second || c.Etcd.Timeout != 2*time.Second {
		t.Errorf("timeouts: got %v and %v, want the lesson's 5s and 2s", c.Etcd.DialTimeout, c.Etcd.Timeout)
	}
}

func TestPrecedence(t *testing.T) {
	file := write(t, "[kafka]\nacks = leader ; less safe\ncompression = zstd\nsasl_mechanism = ; none\n[agent]\nmax_buffer = 8MiB\n")
	c, err := Load(Sources{
		File:    file,
		Environ: []string{"LOGCTL_KAFKA_COMPRESSION=gzip", "LOGCTL_AGENT_MAX_BUFFER=16MiB", "LOGCTL_TEST_KAFKA=x", "HOME=/nowhere"},
		Flags:   map[string]FlagText{"agent.max_buffer": {"--max-buffer", "32MiB"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, v := range c.Values() {
		got[v.Key] = v.Text + " from " + strings.Replace(v.Source, file, "F", 1)
	}
	for key, want := range map[string]string{
		"acks":        "leader from F:2",
		"compression": "gzip from environment LOGCTL_KAFKA_COMPRESSION",
		"max_buffer":  "32MiB from flag --max-buffer",
		"partitioner": "file from default",
	} {
		if got[key] != want {
			t.Errorf("%s: got %q, want %q", key, got[key], want)
		}
	}
	if c.Kafka.Login.Mechanism != "" {
		t.Errorf("an empty value before a comment came out as %q", c.Kafka.Login.Mechanism)
	}
	if c.Agent.MaxBuffer != 32<<20 {
		t.Errorf("max_buffer: got %d", c.Agent.MaxBuffer)
	}
}

func TestProblemsNameTheirPlace(t *testing.T) {
	for _, tc := range []struct {
		name, file string
		env        []string
		want       []string
	}{
		{"unknown key", "[kafka]\nadress = a:1\n", nil, []string{"config.ini:2: unknown key \"adress\" in [kafka]; did you mean address?"}},
		{"unknown section", "[kafak]\naddress = a:1\n", nil, []string{"config.ini:1: unknown section [kafak]; did you mean kafka?"}},
		{"key before section", "address = a:1\n", nil, []string{"config.ini:1: key \"address\" stands before any [section]"}},
		{"twice", "[etcd]\nusername = a\nusername = b\npassword_file = p\n", nil, []string{"config.ini:3: key \"username\" of [etcd] stands on line 2 already"}},
		{"no ini", "[kafka\naddress\n", nil, []string{"config.ini:1: not an ini file"}},
		{"bad values", "[kafka]\naddress = localhost\nacks = none\nchan_size = 0\nheaders = host,nope\n[agent]\nmax_buffer = lots\nreport_interval = soon\n", nil,
			[]string{":2: [kafka] address", ":3: [kafka] acks", ":4: [kafka] chan_size", ":5: [kafka] headers", ":7: [agent] max_buffer", ":8: [agent] report_interval"}},
		{"bad environment", "", []string{"LOGCTL_ETCD_ADRESS=x:1", "LOGCTL_KAFKA_TLS=maybe"},
			[]string{"environment LOGCTL_ETCD_ADRESS: no such setting; did you mean LOGCTL_ETCD_ADDRESS?", "environment LOGCTL_KAFKA_TLS: [kafka] tls"}},
		{"scheme of Kafka", "[kafka]\naddress = http://a:1\n", nil, []string{`"http://a:1" is not host:port`}},
		{"login without a port", "[etcd]\naddress = http://root:secret@e\n", nil, []string{`:2: [etcd] address: "http://****@e" is not host:port`}},
		{"no globs", "[agent]\nallow_paths = /ok/*, /var/[\n", nil, []string{`:2: [agent] allow_paths: "/var/[" is not a glob`}},
		{"no port to listen at", "[agent]\nlisten = 127.0.0.1\n", []string{"LOGCTL_AGENT_LISTEN=:99999"}, []string{`[agent] listen: ":99999" is not host:port`}},
		{"placeholders", "[etcd]\ncollect_key = logs_{host}\n[agent]\nid = {hostname}-{}\n", nil,
			[]string{":2: [etcd] collect_key: {host} is not replaced: {hostname}, {ip} and {node} are", ":4: [agent] id: {} is not replaced"}},
		{"half of a pair", "[kafka]\nsasl_mechanism = PLAIN\n", nil, []string{"config.ini:2: [kafka] sasl_mechanism: needs sasl_user"}},
		{"certificates without tls", "[kafka]\nca_file = ca.pem\n", nil, []string{"set tls = true"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Load(Sources{File: write(t, tc.file), Environ: tc.env})
			if err == nil {
				t.Fatal("no error")
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("a password is printed: %v", err)
			}
			for _, w := range tc.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error does not say %q:\n%v", w, err)
				}
			}
		})
	}
}

// A Windows path may end with a backslash, which joins no lines.
func TestBackslashAtTheEndOfALine(t *testing.T) {
	c, err := Load(Sources{File: write(t, "[agent]\ndata_dir = C:\\logctl\\\nid = web-07\n")})
	if err != nil {
		t.Fatal(err)
	}
	if c.Agent.DataDir != `C:\logctl\` || c.Agent.ID != "web-07" {
		t.Errorf("data_dir %q, id %q", c.Agent.DataDir, c.Agent.ID)
	}
}

// A Service with the name logctl-agent puts its address into the environment of every
// container of its namespace, the agent's too.
func TestVariablesOfKubernetesAreNoSettings(t *testing.T) {
	_, err := Load(Sources{File: write(t, ""), Environ: []string{
		"LOGCTL_AGENT_PORT=tcp://10.0.0.1:9217", "LOGCTL_AGENT_SERVICE_HOST=10.0.0.1", "LOGCTL_AGENT_SERVICE_PORT=9217",
		"LOGCTL_AGENT_SERVICE_PORT_METRICS=9217", "LOGCTL_AGENT_PORT_9217_TCP=tcp://10.0.0.1:9217", "LOGCTL_AGENT_PORT_9217_TCP_PROTO=tcp",
		"LOGCTL_AGENT_PORT_9217_TCP_PORT=9217", "LOGCTL_AGENT_PORT_9217_TCP_ADDR=10.0.0.1",
	}})
	if err != nil {
		t.Error(err)
	}
	if _, err := Load(Sources{File: write(t, ""), Environ: []string{"LOGCTL_KAFKA_PORT=9092"}}); err == nil {
		t.Error("a variable that is no setting was passed over")
	}
}

func TestGlobsAreSplitOutsideBraces(t *testing.T) {
	c, err := Load(Sources{File: write(t, "[agent]\nallow_paths = /var/log/{nginx,app}/**, /srv/{a,{b,c}}/*.log,,/x\n")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/var/log/{nginx,app}/**", "/srv/{a,{b,c}}/*.log", "/x"}, c.Agent.AllowPaths); diff != "" {
		t.Error(diff)
	}
}

func TestMissingFile(t *testing.T) {
	if _, err := Load(Sources{File: filepath.Join(t.TempDir(), "none.ini")}); err == nil || !strings.Contains(err.Error(), "none.ini") {
		t.Errorf("got %v", err)
	}
}

func TestPrintReadsBack(t *testing.T) {
	c, err := Load(Sources{File: write(t, "[kafka]\naddress = a:1, b:2\n[etcd]\naddress = http://root:hunter2@e:2379\n[agent]\nid = x\n")})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "http://****@e:2379") {
		t.Errorf("the masked address cannot be read:\n%s", out.String())
	}
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("a password is printed:\n%s", out.String())
	}
	if got := maskedAddress("root:hunter2@e:2379"); got != "****@e:2379" {
		t.Errorf("without a scheme: %s", got)
	}
	again, err := Load(Sources{File: write(t, out.String())})
	if err != nil {
		t.Fatalf("%v in:\n%s", err, out.String())
	}
	if diff := cmp.Diff(c.Agent, again.Agent); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(c.Kafka, again.Kafka); diff != "" {
		t.Error(diff)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"1": 1, "64MiB": 64 << 20, "1.5 KiB": 1536, "2GB": 2e9, "3k": 3 << 10, "7B": 7, "2 MiB": 2 << 20, "1.5k": 1536, "3MB": 3e6} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "1TiB", "1bb", "99999999999GiB", "nan", "inf", "NaN KiB"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q: got %d, want an error", text, got)
		}
	}
}

// Addresses of etcd are often written as URLs, with a slash at the end.
func TestAddressWithASlash(t *testing.T) {
	c, err := Load(Sources{File: write(t, "[etcd]\naddress = http://a:2379/, https://b:2379/\n")})
	if err != nil || len(c.Etcd.Address) != 2 {
		t.Fatalf("%v", err)
	}
	for _, bad := range []string{"a:2379/", "http://a:2379/x"} {
		if _, err := Load(Sources{File: write(t, "[etcd]\naddress = "+bad+"\n")}); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}
