package kafka_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/internal/kafka"

	"github.com/IBM/sarama"
	"github.com/jcmturner/gokrb5/v8/keytab"
)

const krb5conf = "[libdefaults]\n default_realm = R.TEST\n[realms]\n R.TEST = {\n  kdc = 127.0.0.1:1\n }\n"

// kerberosFiles writes settings, and a cache as kinit writes one (version 4, no header),
// of a principal without tickets.
func kerberosFiles(t *testing.T) (dir string, cfg kafka.Config) {
	t.Helper()
	dir = t.TempDir()
	be := binary.BigEndian
	cache := []byte{5, 4, 0, 0}
	cache = be.AppendUint32(be.AppendUint32(cache, 1), 1) // a name of one part
	for _, text := range []string{"R.TEST", "agent"} {
		cache = append(be.AppendUint32(cache, uint32(len(text))), text...)
	}
	table := keytab.New()
	if err := table.AddEntry("agent", "R.TEST", "secret", time.Unix(1700000000, 0), 1, 18); err != nil {
		t.Fatal(err)
	}
	keys, err := table.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"krb5.conf": []byte(krb5conf), "cache": cache, "empty": nil, "text": []byte("x\n"), "keytab": keys} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, kafka.Config{Addresses: []string{"127.0.0.1:1"}, SASLMechanism: "GSSAPI", Kerberos: kafka.Kerberos{ConfigFile: filepath.Join(dir, "krb5.conf")}}
}

// A cache of tickets is enough for a login: its principal is the user.
func TestTicketsNameTheirUser(t *testing.T) {
	t.Parallel()
	dir, cfg := kerberosFiles(t)
	cfg.Kerberos.CacheFile = "FILE:" + filepath.Join(dir, "cache")
	s, err := cfg.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	if g := s.Net.SASL.GSSAPI; g.Username != "agent" || g.Realm != "R.TEST" {
		t.Errorf("user %q of realm %q", g.Username, g.Realm)
	}
}

// gokrb5 panics at a cache without a byte, which is what others see while kinit writes.
func TestEmptyCacheOfTicketsIsAnError(t *testing.T) {
	t.Parallel()
	dir, cfg := kerberosFiles(t)
	cfg.Kerberos.CacheFile = filepath.Join(dir, "empty")
	if _, err := cfg.Sarama(); err == nil || !strings.Contains(err.Error(), "no file of tickets") {
		t.Errorf("at the start: %v", err)
	}
	cfg.Kerberos.CacheFile = filepath.Join(dir, "cache")
	s, err := cfg.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(cfg.Kerberos.CacheFile, 0); err != nil {
		t.Fatal(err)
	}
	_, err = kafka.Dial(t.Context(), s, "127.0.0.1:1")
	var kerberos *kafka.KerberosError
	if !errors.As(err, &kerberos) || kafka.IsLoginRefused(err) {
		t.Errorf("later: %v", err)
	}
}

func TestKerberosFilesAreReadAtTheStart(t *testing.T) {
	t.Parallel()
	dir, cfg := kerberosFiles(t)
	cfg.SASLUser = "agent@R.TEST"
	for want, change := range map[string]func(c *kafka.Config){
		"is no keytab":          func(c *kafka.Config) { c.Kerberos.KeytabFile = filepath.Join(dir, "text") },
		"is no file of tickets": func(c *kafka.Config) { c.Kerberos.CacheFile = filepath.Join(dir, "text") },
		"sasl_kerberos_config ": func(c *kafka.Config) {
			c.Kerberos.ConfigFile = writeFile(t, dir, "[libdefaults]\n dns_lookup_kdc = 127.0.0.1\n")
		},
		"needs sasl_user as user": func(c *kafka.Config) { c.SASLUser, c.Kerberos.KeytabFile = "agent", filepath.Join(dir, "keytab") },
	} {
		c := cfg
		change(&c)
		if _, err := c.Sarama(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestKerberosInWords has what gokrb5 said when MIT's KDC (1.20.1) and its files refused.
func TestKerberosInWords(t *testing.T) {
	t.Parallel()
	const as = "[Root cause: KDC_Error] KDC_Error: AS Exchange Error: kerberos error response from KDC: KRB Error: "
	dir, cfg := kerberosFiles(t)
	cfg.SASLUser = "agent@R.TEST"
	cfg.Kerberos.KeytabFile = filepath.Join(dir, "keytab")
	keys, err := cfg.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Kerberos.KeytabFile, cfg.SASLPasswordFile = "", filepath.Join(dir, "text")
	password, err := cfg.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Kerberos.CacheFile = filepath.Join(dir, "cache")
	cache, err := cfg.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		s       *sarama.Config
		said    string
		refused bool
		want    string
	}{
		{password, as + "(6) KDC_ERR_C_PRINCIPAL_UNKNOWN Client not found in Kerberos database - CLIENT_NOT_FOUND", true,
			"the KDC does not know agent@R.TEST: check sasl_user and its realm ((6) KDC_ERR_C_PRINCIPAL_UNKNOWN"},
		{keys, "[Root cause: KDC_Error] KDC_Error: TGS Exchange Error: kerberos error response from KDC when requesting for kafka/b: KRB Error: (7) KDC_ERR_S_PRINCIPAL_UNKNOWN Server not found in Kerberos database", true,
			"the KDC does not know the service kafka/b:"},
		{password, "[Root cause: Decrypting_Error] KRBMessage_Handling_Error: AS Exchange Error: AS_REP is not valid or client password/keytab incorrect < Decrypting_Error: error decrypting EncPart of AS_REP", true,
			"the password of agent@R.TEST in sasl_password_file is wrong"},
		{keys, as + "(24) KDC_ERR_PREAUTH_FAILED Pre-authentication information was invalid", true, "the key was changed since"},
		{keys, "matching key not found in keytab. Looking for \"agent\" realm: R.TEST kvno: 0 etype: 18", true, "klist -ke"},
		{password, as + "(23) KDC_ERR_KEY_EXPIRED Password has expired; change password to reset", true, "has ended or is locked"},
		{password, as + "(14) KDC_ERR_ETYPE_NOSUPP KDC has no support for encryption type", true, "permitted_enctypes"},
		{cache, "[Root cause: KRBMessage_Handling_Error] KRBMessage_Handling_Error: cannot login, no user credentials available and no valid existing session", true, "run kinit"},
		{keys, as + "(37) KRB_AP_ERR_SKEW Clock skew too great", false, "set the clock"},
		{keys, "[Root cause: Networking_Error] Networking_Error: AS Exchange Error: failed sending AS_REQ to KDC: communication error with KDC via TCP: no KDCs defined in configuration for realm R.TEST", false, "includedir"},
		{keys, "[Root cause: Networking_Error] Networking_Error: AS Exchange Error: failed sending AS_REQ to KDC: communication error with KDC via TCP: error sending to a KDC: connection refused", false, "no KDC of the realm R.TEST answers"},
	} {
		err := error(&kafka.BrokerError{Address: "b:9092", Err: kafka.ExplainLogin(t.Context(), c.s, "b:9092", errors.New(c.said))})
		start := "kafka cannot be logged in to: "
		if c.refused {
			start = "kafka refused the login: "
		}
		if text := kafka.Explain(err); !strings.HasPrefix(text, start) || !strings.Contains(text, c.want) || kafka.IsLoginRefused(err) != c.refused {
			t.Errorf("%s\nbecame %s\nwant %s", c.said, text, c.want)
		}
	}
	other := errors.New("connection refused")
	if got := kafka.ExplainLogin(t.Context(), keys, "b:9092", other); !errors.Is(got, other) || kafka.Explain(got) != other.Error() {
		t.Errorf("another error became %v", got)
	}
}

// A broker's refusal names the user, or where the token comes from.
func TestRefusedLoginNamesItsUser(t *testing.T) {
	t.Parallel()
	file := writeFile(t, t.TempDir(), "x\n")
	for want, cfg := range map[string]kafka.Config{
		`kafka refused the login of user "alice": check sasl_user, the password in sasl_password_file and sasl_mechanism PLAIN`: {SASLMechanism: "PLAIN", SASLUser: "alice", SASLPasswordFile: file},
		"kafka refused the login with the token from sasl_oauthbearer_token_file " + file:                                       {SASLMechanism: "OAUTHBEARER", OAuth: kafka.OAuth{TokenFile: file}},
	} {
		cfg.Addresses = []string{"127.0.0.1:1"}
		s, err := cfg.Sarama()
		if err != nil {
			t.Fatal(err)
		}
		err = kafka.ExplainLogin(t.Context(), s, "b:9092", sarama.Wrap(sarama.ErrSASLAuthenticationFailed, errors.New("Authentication failed")))
		if text := kafka.Explain(&kafka.BrokerError{Address: "b:9092", Err: err}); !kafka.IsLoginRefused(err) || !strings.HasPrefix(text, want) {
			t.Errorf("%q, want %q", text, want)
		}
	}
}
