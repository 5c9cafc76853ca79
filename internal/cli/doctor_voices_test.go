package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"
	clientv3 "go.etcd.io/etcd/client/v3"

	"logctl/etcdcfg"
	"logctl/internal/testkit"
)

func passwordFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// An etcd that asks for users: an agent with the keys of its own alone, one with the rights
// of all agents, and one whose grant forgot the slash.
func TestDoctorUnderEtcdUsers(t *testing.T) {
	server := testkit.Etcd(t, testkit.EmbeddedEtcd())
	c, key := server.Client(t), "collect_log_conf"
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	grant := func(user, key, end string, right clientv3.PermissionType) {
		t.Helper()
		must(c.RoleGrantPermission(t.Context(), user, key, end, right))
	}
	const agents = etcdcfg.AgentsPrefix
	read, both := clientv3.PermissionType(clientv3.PermRead), clientv3.PermissionType(clientv3.PermReadWrite)
	for _, user := range []string{"root", "own", "all", "slash"} {
		must(c.RoleAdd(t.Context(), user))
		must(c.UserAdd(t.Context(), user, "pw"))
		must(c.UserGrantRole(t.Context(), user, user))
		if user != "root" {
			grant(user, key, "", read)
		}
	}
	grant("own", agents+"web1", "", both)
	grant("own", agents+"web1/", clientv3.GetPrefixRangeEnd(agents+"web1/"), both)
	grant("slash", agents+"web1", clientv3.GetPrefixRangeEnd(agents+"web1"), both)
	grant("all", "\x00", "\x00", both)
	must(c.Put(t.Context(), key, "[]"))
	must(c.AuthEnable(t.Context()))

	k := testkit.Kafka(t)
	for user, want := range map[string]struct {
		fine, warned []string
	}{
		"own":   {[]string{agents + "web1: may be written", "other agents' presences: cannot", "other agents' commands: cannot", "begins with web1: cannot", "collect key: cannot", "history of edits: cannot"}, nil},
		"all":   {nil, []string{"other agents' presences: can be", "other agents' commands: can be", "begins with web1: can be", "collect key: can be", "history of edits: can be"}},
		"slash": {[]string{"other agents' presences: cannot", "collect key: cannot"}, []string{"begins with web1: can be"}},
	} {
		t.Run(user, func(t *testing.T) {
			b := &bench{args: []string{"--etcd", strings.Join(server.Endpoints(), ","), "--key", key, "--kafka", strings.Join(k.Addrs(), ",")},
				env: []string{"HOME=" + t.TempDir(), "LOGCTL_AGENT_ID=web1", "LOGCTL_ETCD_USERNAME=" + user, "LOGCTL_ETCD_PASSWORD_FILE=" + passwordFile(t, "pw"),
					"LOGCTL_AGENT_DATA_DIR=" + filepath.Join(t.TempDir(), "data"), "LOGCTL_AGENT_REPORT_TOPIC="}}
			got := (&fleet{bench: b, t: t}).findings(ExitOK, "doctor")
			for _, part := range want.fine {
				if !strings.Contains(got[levelOK], part) {
					t.Errorf("%q is not fine:\n%s", part, got[levelOK])
				}
			}
			for _, part := range want.warned {
				if !strings.Contains(got[levelWarning], part) {
					t.Errorf("%q is not warned of:\n%s", part, got[levelWarning])
				}
			}
			if n := strings.Count(got[levelWarning], "can be written"); n != len(want.warned) {
				t.Errorf("%d warnings, want %d:\n%s", n, len(want.warned), got[levelWarning])
			}
		})
	}
}

// A broker with ACLs: an agent with its own transactional id alone, with all of them, and
// with none.
func TestDoctorUnderKafkaACLs(t *testing.T) {
	_, server, key := newBench(t)
	k := testkit.Kafka(t, testkit.Embedded(kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", "pw"),
		kfake.User("PLAIN", "own", "pw"), kfake.User("PLAIN", "all", "pw"), kfake.User("PLAIN", "none", "pw")))
	admin := k.As(k.ConfigSASL(t, "PLAIN", "admin", "pw"))
	topic, lines := k.Topic(t, 1), k.Topic(t, 1)
	(&bench{args: []string{"--etcd", strings.Join(server.Endpoints(), ","), "--key", key}, env: []string{"HOME=" + t.TempDir()}}).ok(t, "entries", "add", filepath.Join(t.TempDir(), "a.log"), lines)
	admin.Grant(t, "User:all", lines, sarama.AclOperationRead)
	for _, user := range []string{"own", "all", "none"} {
		admin.Grant(t, "User:"+user, lines, sarama.AclOperationWrite)
		admin.Grant(t, "User:"+user, topic, sarama.AclOperationWrite)
		admin.Grant(t, "User:"+user, topic, sarama.AclOperationDescribe)
	}
	admin.GrantTransactionalID(t, "User:own", "web1", sarama.AclOperationWrite)
	admin.GrantTransactionalID(t, "User:all", "*", sarama.AclOperationWrite)
	for user, want := range map[string][2]string{
		"own":  {"transactional id web1: may be used", "other agents' transactional ids: cannot be taken"},
		"all":  {"transactional id web1: may be used", "other agents' transactional ids: can be taken"},
		"none": {"transactional id web1: our user may not use it", "other agents' transactional ids: cannot be taken"},
	} {
		t.Run(user, func(t *testing.T) {
			b := &bench{args: []string{"--etcd", strings.Join(server.Endpoints(), ","), "--key", key, "--kafka", strings.Join(k.Addrs(), ",")},
				env: []string{"HOME=" + t.TempDir(), "LOGCTL_AGENT_ID=web1", "LOGCTL_KAFKA_SASL_MECHANISM=PLAIN", "LOGCTL_KAFKA_SASL_USER=" + user,
					"LOGCTL_KAFKA_SASL_PASSWORD_FILE=" + passwordFile(t, "pw"), "LOGCTL_AGENT_DATA_DIR=" + filepath.Join(t.TempDir(), "data"), "LOGCTL_AGENT_REPORT_TOPIC=" + topic}}
			got := (&fleet{bench: b, t: t}).findings(ExitOK, "doctor")
			all := got[levelOK] + got[levelWarning]
			for _, part := range want {
				if !strings.Contains(all, part) {
					t.Errorf("%q is not in\n%s", part, all)
				}
			}
			if unread := strings.Contains(got[levelWarning], lines+": our user may write to the topic and not read it"); unread != (user != "all") {
				t.Errorf("warned that lines cannot be looked for: %v\n%s", unread, got[levelWarning])
			}
			if bad := strings.Contains(want[1], "can be"); strings.Contains(got[levelWarning], "other agents' transactional") != bad {
				t.Errorf("warned: %v\n%s", !bad, got[levelWarning])
			}
		})
	}
}
