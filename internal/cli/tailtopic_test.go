package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"logctl/internal/testkit"
)

// tailTopic runs the command and returns its exit code and streams.
func tailTopic(t *testing.T, k *testkit.KafkaServer, env []string, args ...string) (int, string, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testkit.Hang)
	defer cancel()
	var out, errs bytes.Buffer
	args = append([]string{"tail-topic", "--kafka", strings.Join(k.Addrs(), ",")}, args...)
	code := Main(ctx, args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs, Environ: append(env, "HOME="+t.TempDir())})
	return code, out.String(), errs.String()
}

func produceJSON(t *testing.T, k *testkit.KafkaServer, topic string, n int, opts ...kgo.Opt) {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(k.Addrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	base := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for i := range n {
		level := "info"
		if i%4 == 3 {
			level = "error"
		}
		r := &kgo.Record{Topic: topic, Partition: int32(i % 2), Key: fmt.Appendf(nil, "k%d", i), Timestamp: base.Add(time.Duration(i) * time.Minute),
			Value: fmt.Appendf(nil, `{"n":%d,"level":%q}`, i, level), Headers: []kgo.RecordHeader{{Key: "host", Value: []byte("web")}}}
		if err := cl.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTailTopicOutputs(t *testing.T) {
	k := testkit.Kafka(t)
	topic := k.Topic(t, 2)
	produceJSON(t, k, topic, 20)
	lines := func(n int) func(string) error {
		return func(out string) error {
			if got := strings.Count(out, "\n"); got != n {
				return fmt.Errorf("%d lines, want %d: %q", got, n, out)
			}
			return nil
		}
	}
	is := func(want string) func(string) error {
		return func(out string) error {
			if out != want {
				return fmt.Errorf("%q, want %q", out, want)
			}
			return nil
		}
	}
	for _, tc := range []struct {
		args  string
		check func(string) error
	}{
		{"--from oldest --no-follow", lines(20)},
		{"--no-follow", lines(0)},
		{"--from oldest --to end", lines(20)},
		{"--from oldest --to +3 -p 1", lines(3)},
		{"--from 0=8,1=-3 --no-follow", lines(5)},
		{"--from 2026-11-22T10:18 --no-follow --utc", lines(2)},
		{"--from 2026-11-22T18:18 --no-follow --timezone Asia/Shanghai", lines(2)},
		{"--from oldest --to 2026-11-22T10:05Z --no-follow", lines(5)},
		{"--from oldest --no-follow -w level=error", lines(5)},
		{"--from oldest --no-follow -w level=error -w n<8", lines(2)},
		{"--from oldest --no-follow -i error -i info -e error", lines(15)},
		{"--from oldest --no-follow --key ^k1$ -o raw", is(`{"n":1,"level":"info"}` + "\n")},
		{"--from oldest --no-follow --header host=web --header missing", lines(0)},
		{"-n 2 --no-follow -o raw", is(`{"n":18,"level":"info"}` + "\n" + `{"n":19,"level":"error"}` + "\n")},
		{"-n 1 --per-partition --no-follow", lines(2)},
		{"--from oldest --no-follow -o count", is("20\n")},
		{"--from oldest --count 3", lines(3)},
		{"-n 1 --no-follow --utc", is(`p1 9 2026-11-22T10:19:00.000 k19 {"n":19,"level":"error"}` + "\n")},
		{"-n 1 --no-follow --utc --headers --timezone= --color always -H 19",
			is("\x1b[33mp1\x1b[0m 9 \x1b[2m2026-11-22T10:19:00.000\x1b[0m \x1b[36mk19\x1b[0m \x1b[2;36m{host=web}\x1b[0m {\"n\":\x1b[1;30;43m19\x1b[0m,\"level\":\"error\"}\n")},
		{"-n 1 --no-follow -f %p@%o:%k%h{;%k=%v}", is("1@9:k19;host=web")},
		{"-n 1 --no-follow -o raw --show hex", is("7b226e223a31392c226c6576656c223a226572726f72227d\n")},
		{"-n 1 --no-follow -o json -d json --utc", func(out string) error {
			var v struct {
				Value struct{ N int }
				Time  string
			}
			if err := json.Unmarshal([]byte(out), &v); err != nil || v.Value.N != 19 || v.Time != "2026-11-22T10:19:00.000Z" {
				return fmt.Errorf("%q: %v", out, err)
			}
			return nil
		}},
		{"-n 1 --no-follow -o table", lines(2)},
		{"-n 2 --no-follow -o raw --separator=", is(`{"n":18,"level":"info"}{"n":19,"level":"error"}`)},
	} {
		code, out, errs := tailTopic(t, k, nil, append([]string{topic}, strings.Fields(tc.args)...)...)
		if code != ExitOK {
			t.Errorf("%s: exit code %d, %s", tc.args, code, errs)
		}
		if err := tc.check(out); err != nil {
			t.Errorf("%s: %v", tc.args, err)
		}
	}
}

func TestTailTopicRefusals(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.Topic(t, 2)
	for _, tc := range []struct {
		args, want string
		code       int
	}{
		{"", "needs the name of a topic", ExitUsage},
		{topic + "x", `near it: "` + topic + `"`, ExitFailure},
		{topic + " -p 5", "has no partition 5", ExitFailure},
		{topic + " -p x", "--partitions", ExitUsage},
		{topic + " --from soon", "--from", ExitUsage},
		{topic + " --to soon", "--to", ExitUsage},
		{topic + " -o xml", "xml", ExitUsage},
		{topic + " -i (", "expression", ExitUsage},
		{topic + " -w =", "condition", ExitUsage},
		{topic + " -f %y", "%y", ExitUsage},
		{topic + " -n -3", "-n", ExitUsage},
		{topic + " --color blue", "--color", ExitUsage},
		{topic + " --timezone Mars/Base", "--timezone", ExitUsage},
		{topic + " --isolation none", "--isolation", ExitUsage},
		{topic + " --decode avro", "--registry", ExitUsage},
		{topic + " -o count", "--no-follow", ExitUsage},
		{topic + " --utc --timezone UTC", "--utc", ExitUsage},
		{"--regex nothing.* --no-follow", "no topic matches", ExitFailure},
		{"--regex (", "expression", ExitUsage},
		{topic + " --rate -o json", "--rate", ExitUsage},
		{topic + " --rate -f %v", "--rate", ExitUsage},
		{topic + " --from 7=3", "no topic has a partition 7; there are the partitions 0 to 1", ExitFailure},
		{topic + " --to 0=3,2-9=3", "no topic has a partition 2", ExitFailure},
	} {
		code, out, errs := tailTopic(t, k, nil, strings.Fields(tc.args)...)
		if code != tc.code || !strings.Contains(errs, tc.want) || out != "" {
			t.Errorf("%q: exit code %d, %q, %q; want %d and %q", tc.args, code, out, errs, tc.code, tc.want)
		}
	}
	k.Stop()
	if code, _, errs := tailTopic(t, k, nil, topic); code != ExitFailure || !strings.Contains(errs, k.Addr()) {
		t.Errorf("no broker: exit code %d, %q", code, errs)
	}
}

// A user without the right to read is told which right is missing.
func TestTailTopicNoPermission(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded(kfake.EnableACLs(), kfake.EnableSASL(), kfake.Superuser("PLAIN", "root", "pw"),
		kfake.User("PLAIN", "eve", "pw", kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: "*", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationDescribe, Allow: true})))
	topic := k.Topic(t, 1)
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("pw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"LOGCTL_KAFKA_SASL_MECHANISM=PLAIN", "LOGCTL_KAFKA_SASL_USER=eve", "LOGCTL_KAFKA_SASL_PASSWORD_FILE=" + password}
	code, out, errs := tailTopic(t, k, env, topic, "--from", "oldest")
	if code != ExitFailure || out != "" || !strings.Contains(errs, "needs the right READ") {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
	env[1] = "LOGCTL_KAFKA_SASL_USER=root"
	if code, _, errs = tailTopic(t, k, env, topic, "--from", "oldest", "--no-follow"); code != ExitOK {
		t.Errorf("root: exit code %d, %q", code, errs)
	}
}

// One topic that may not be read is a failure also when another one was.
func TestTailTopicPartlyWithoutPermission(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded(kfake.EnableACLs(), kfake.EnableSASL(), kfake.Superuser("PLAIN", "root", "pw"),
		kfake.User("PLAIN", "eve", "pw",
			kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: "open", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationRead, Allow: true},
			kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: "*", Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: kmsg.ACLOperationDescribe, Allow: true})))
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("pw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.Create(t, "open", 2)
	k.Create(t, "closed", 2)
	login := kgo.SASL(plain.Auth{User: "root", Pass: "pw"}.AsMechanism())
	produceJSON(t, k, "open", 4, login)
	produceJSON(t, k, "closed", 4, login)
	env := []string{"LOGCTL_KAFKA_SASL_MECHANISM=PLAIN", "LOGCTL_KAFKA_SASL_USER=eve", "LOGCTL_KAFKA_SASL_PASSWORD_FILE=" + password}
	code, out, errs := tailTopic(t, k, env, "open", "closed", "--from", "oldest", "--no-follow", "-q", "-o", "raw")
	if code != ExitFailure || strings.Count(out, "\n") != 4 || !strings.Contains(errs, "partitions 0-1 of closed were not read to their ends") {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
}

func TestTailTopicCompletion(t *testing.T) {
	k := testkit.Kafka(t, testkit.Embedded())
	topic := k.Topic(t, 3)
	complete := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		args = append([]string{"__complete", "tail-topic", "--kafka", k.Addr()}, args...)
		if code := Main(t.Context(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs, Environ: []string{"HOME=" + t.TempDir()}}); code != ExitOK {
			t.Fatalf("exit code %d: %s", code, errs.String())
		}
		return out.String()
	}
	// A shell is not kept waiting: what the broker does not tell in time is not offered.
	testkit.Eventually(t, "topics are offered", func() bool { return strings.Contains(complete(topic[:5]), topic+"\t3 partitions") })
	testkit.Eventually(t, "partitions are offered", func() bool { return strings.Contains(complete(topic, "-p", "0,"), "0,1\n0,2\n") })
	k.Stop()
	testkit.Soon(t, 2*time.Second, "completing without a broker", func() time.Duration {
		return testkit.Took(func() { complete(topic[:5]) })
	})
}
