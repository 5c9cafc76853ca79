package kafka_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"logctl/internal/kafka"
	"logctl/internal/testkit"
)

// bearerBroker is an embedded broker that takes any OAUTHBEARER token that accept takes,
// and keeps what it was sent.
func bearerBroker(t *testing.T, accept func(message string) bool) (k *testkit.KafkaServer, seen func() []string) {
	t.Helper()
	return saslBroker(t, "OAUTHBEARER", accept)
}

// saslBroker is one of a mechanism whose logins are one message.
func saslBroker(t *testing.T, mechanism string, accept func(message string) bool) (k *testkit.KafkaServer, seen func() []string) {
	t.Helper()
	k = testkit.Kafka(t, testkit.Embedded())
	c := k.Cluster()
	var mu sync.Mutex
	var list []string
	c.ControlKey(17, func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		resp := req.ResponseKind().(*kmsg.SASLHandshakeResponse)
		resp.SupportedMechanisms = []string{mechanism}
		if req.(*kmsg.SASLHandshakeRequest).Mechanism != mechanism {
			resp.ErrorCode = 33
		}
		return resp, nil, true
	})
	c.ControlKey(36, func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		message := string(req.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes)
		mu.Lock()
		list = append(list, message)
		mu.Unlock()
		resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		if !accept(message) {
			resp.ErrorCode, resp.ErrorMessage = 58, kmsg.StringPtr("invalid token")
		}
		return resp, nil, true
	})
	return k, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(list)
	}
}

// login makes a connection of its own and asks one thing.
func login(t *testing.T, cfg kafka.Config) error {
	t.Helper()
	a, ctx := open(t, cfg)
	_, err := a.Brokers(ctx)
	return err
}

// logins returns what logs in over a connection of its own, each time it is called, with
// the settings as they were read once.
func logins(t *testing.T, cfg kafka.Config) func() {
	t.Helper()
	s, err := cfg.Sarama()
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), testkit.Hang)
		defer cancel()
		c, err := kafka.Dial(ctx, s, cfg.Addresses[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestTokensOfAnEndpoint(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	var fail atomic.Bool
	endpoint := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		user, secret, _ := r.BasicAuth()
		if err := r.ParseForm(); err != nil || fail.Load() {
			http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
			return
		}
		if user != "id" || secret != "s3cret" || r.Form.Get("grant_type") != "client_credentials" || r.Form.Get("scope") != "a b" {
			t.Errorf("asked with %q, %q, %v", user, secret, r.Form)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": fmt.Sprintf("token-%d", n), "token_type": "Bearer", "expires_in": 3600})
	}))
	t.Cleanup(endpoint.Close)
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: endpoint.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	k, seen := bearerBroker(t, func(string) bool { return true })
	cfg := k.Config()
	cfg.SASLMechanism = "OAUTHBEARER"
	cfg.OAuth = kafka.OAuth{TokenEndpointURL: endpoint.URL, ClientID: "id", ClientSecretFile: writeFile(t, dir, "s3cret\n"), Scope: "a b", CAFile: ca,
		Extensions: "logicalCluster=lkc-1"}
	again := logins(t, cfg)
	for range 3 {
		again()
	}
	list := seen()
	if asked.Load() != 1 || len(list) < 2 {
		t.Errorf("the endpoint was asked %d times for %d logins", asked.Load(), len(list))
	}
	for _, m := range list {
		if !strings.Contains(m, "auth=Bearer token-1\x01") || !strings.Contains(m, "logicalCluster=lkc-1") {
			t.Errorf("sent %q", m)
		}
	}
	fail.Store(true)
	err := login(t, cfg)
	if text := kafka.Explain(err); !strings.Contains(text, "no token from sasl_oauthbearer_token_endpoint_url "+endpoint.URL+": it answers 401 Unauthorized: {\"error\":\"invalid_client\"}") {
		t.Errorf("%s", text)
	}
}

// The next connection logs in with the password that stands in the file then. A file that
// is gone for a moment leaves the last one.
func TestChangedPasswordOfPLAIN(t *testing.T) {
	t.Parallel()
	k, seen := saslBroker(t, "PLAIN", func(string) bool { return true })
	file := writeFile(t, t.TempDir(), "first\n")
	again := logins(t, kafka.Config{Addresses: []string{k.Addr()}, SASLMechanism: "PLAIN", SASLUser: "ann", SASLPasswordFile: file})
	again()
	if err := os.WriteFile(file, []byte("second\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	again()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	again()
	want := []string{"\x00ann\x00first", "\x00ann\x00second", "\x00ann\x00second"}
	if got := seen(); !slices.Equal(got, want) {
		t.Errorf("logins %q, want %q", got, want)
	}
}

func TestAssertionInPlaceOfASecret(t *testing.T) {
	t.Parallel()
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.Form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || r.Form.Get("assertion") != "a.b.c" {
			t.Errorf("asked with %v", r.Form)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"x","token_type":"Bearer"}`)
	}))
	t.Cleanup(endpoint.Close)
	k, seen := bearerBroker(t, func(string) bool { return true })
	cfg := k.Config()
	cfg.SASLMechanism = "OAUTHBEARER"
	cfg.OAuth = kafka.OAuth{TokenEndpointURL: endpoint.URL, AssertionFile: writeFile(t, t.TempDir(), "a.b.c\n")}
	if err := login(t, cfg); err != nil {
		t.Fatal(err)
	}
	if list := seen(); len(list) == 0 || !strings.Contains(list[0], "auth=Bearer x\x01") {
		t.Errorf("sent %q", list)
	}
}

// A token that names no end is read at each login, one that does is used until then.
func TestTokensOfAFileAndACommand(t *testing.T) {
	t.Parallel()
	jwt := func(name string, ends time.Time) string {
		claims := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"sub":%q,"exp":%d}`, name, ends.Unix()))
		return "e30." + claims + ".x"
	}
	dir := t.TempDir()
	file := writeFile(t, dir, "one")
	k, seen := bearerBroker(t, func(string) bool { return true })
	cfg := k.Config()
	cfg.SASLMechanism = "OAUTHBEARER"
	cfg.OAuth = kafka.OAuth{TokenFile: file}
	again := logins(t, cfg)
	long := jwt("long", time.Now().Add(time.Hour))
	for _, step := range []struct{ content, want string }{
		{"one", "one"}, {"two", "two"}, {`{"access_token":"three"}`, "three"}, {long, long}, {"not read any more", long},
	} {
		if err := os.WriteFile(file, []byte(step.content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		again()
		list := seen()
		if last := list[len(list)-1]; !strings.Contains(last, "auth=Bearer "+step.want+"\x01") {
			t.Errorf("file with %q: sent %q", step.content, last)
		}
	}

	cfg.OAuth = kafka.OAuth{TokenCommand: `echo '{"access_token":"made","expires_in":60}'`}
	if err := login(t, cfg); err != nil {
		t.Fatal(err)
	}
	if list := seen(); !strings.Contains(list[len(list)-1], "auth=Bearer made\x01") {
		t.Errorf("sent %q", list[len(list)-1])
	}
	cfg.OAuth.TokenCommand = "echo no vault here >&2; exit 3"
	if text := kafka.Explain(login(t, cfg)); !strings.Contains(text, "no token from sasl_oauthbearer_token_command: exit status 3: no vault here") {
		t.Errorf("%s", text)
	}
	cfg.OAuth = kafka.OAuth{TokenCommand: "echo two words"}
	if text := kafka.Explain(login(t, cfg)); !strings.Contains(text, "is no token") {
		t.Errorf("%s", text)
	}
}

// The signature of AWS_MSK_IAM is computed again here, as the brokers do it.
func TestMSKSignature(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	var bad atomic.Pointer[string]
	k, seen := bearerBroker(t, func(message string) bool {
		token := strings.TrimSuffix(strings.TrimPrefix(message, "n,,\x01auth=Bearer "), "\x01\x01")
		err := checkMSK(token, "eu-central-1", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
		if err != nil {
			text := err.Error()
			bad.Store(&text)
		}
		return err == nil
	})
	cfg := k.Config()
	cfg.SASLMechanism, cfg.AWS.Region = "AWS_MSK_IAM", "eu-central-1"
	err := login(t, cfg)
	if text := bad.Load(); text != nil {
		t.Fatal(*text)
	}
	if err != nil || len(seen()) == 0 {
		t.Fatalf("%v, %d logins", err, len(seen()))
	}
	cfg.AWS.Region = ""
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	if err := login(t, cfg); err == nil || !strings.Contains(err.Error(), "sasl_aws_region") {
		t.Errorf("%v", err)
	}
}

// checkMSK verifies a token: a presigned URL of Signature Version 4.
func checkMSK(token, region, id, secret string) error {
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return err
	}
	u, err := url.Parse(string(text))
	if err != nil {
		return err
	}
	q := u.Query()
	day := q.Get("X-Amz-Date")[:8]
	scope := day + "/" + region + "/kafka-cluster/aws4_request"
	if u.Host != "kafka."+region+".amazonaws.com" || q.Get("Action") != "kafka-cluster:Connect" || q.Get("X-Amz-Credential") != id+"/"+scope {
		return fmt.Errorf("signed is %s", u)
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if name != "X-Amz-Signature" && name != "User-Agent" { // added behind the signature
			pairs = append(pairs, awsEscape(name)+"="+awsEscape(q.Get(name)))
		}
	}
	empty := sha256.Sum256(nil)
	canonical := "GET\n/\n" + strings.Join(pairs, "&") + "\nhost:" + u.Host + "\n\nhost\n" + hex.EncodeToString(empty[:])
	hashed := sha256.Sum256([]byte(canonical))
	toSign := "AWS4-HMAC-SHA256\n" + q.Get("X-Amz-Date") + "\n" + scope + "\n" + hex.EncodeToString(hashed[:])
	key := []byte("AWS4" + secret)
	for _, part := range []string{day, region, "kafka-cluster", "aws4_request", toSign} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	if want := hex.EncodeToString(key); q.Get("X-Amz-Signature") != want {
		return fmt.Errorf("the signature is %s, want %s over:\n%s", q.Get("X-Amz-Signature"), want, canonical)
	}
	return nil
}

func awsEscape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

// A mechanism that the broker does not have is refused with the names of those it has.
func TestWrongMechanismNamesWhatTheBrokerOffers(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded(kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "agent", "password")))
	cfg := k.Config()
	cfg.SASLMechanism = "OAUTHBEARER"
	cfg.OAuth = kafka.OAuth{TokenFile: writeFile(t, t.TempDir(), "token")}
	err := login(t, cfg)
	var wrong *kafka.MechanismError
	if !errors.As(err, &wrong) || !slices.Contains(wrong.Offered, "SCRAM-SHA-512") {
		t.Fatalf("%v", err)
	}
	if text := kafka.Explain(err); !strings.Contains(text, "the broker does not offer sasl_mechanism OAUTHBEARER on this port: it offers ") {
		t.Errorf("%s", text)
	}
}

// A certificate that is renewed on disk is shown at the next connection.
func TestRenewedCertificateIsShown(t *testing.T) {
	t.Parallel()
	certs, stranger := testkit.NewCerts(t), testkit.NewCerts(t)
	k := testkit.Kafka(t, testkit.Embedded(kfake.TLS(certs.ServerDemandsClients)))
	dir := t.TempDir()
	cfg := k.Config()
	cfg.CAFile, cfg.CertFile, cfg.KeyFile = certs.CAFile, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	show := func(c testkit.Certs) {
		for from, to := range map[string]string{c.CertFile: cfg.CertFile, c.KeyFile: cfg.KeyFile} {
			data, err := os.ReadFile(from)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(to, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	show(stranger)
	a, ctx := open(t, cfg)
	if _, err := a.Brokers(ctx); err == nil {
		t.Fatal("a stranger's certificate is taken")
	}
	show(certs)
	if _, err := a.Brokers(ctx); err != nil {
		t.Errorf("with the renewed one: %v", err)
	}
}

func TestSettingsOfLogins(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := writeFile(t, dir, "x\n")
	for want, change := range map[string]func(c *kafka.Config){
		"needs one of sasl_oauthbearer_token_endpoint_url": func(c *kafka.Config) { c.SASLMechanism = "OAUTHBEARER" },
		"is no http or https URL":                          func(c *kafka.Config) { c.SASLMechanism, c.OAuth.TokenEndpointURL = "OAUTHBEARER", "example.org/token" },
		"needs sasl_oauthbearer_client_id": func(c *kafka.Config) {
			c.SASLMechanism, c.OAuth.TokenEndpointURL = "OAUTHBEARER", "https://example.org/token"
		},
		"is not name=value": func(c *kafka.Config) {
			c.SASLMechanism, c.OAuth.TokenFile, c.OAuth.Extensions = "OAUTHBEARER", file, "a"
		},
		"sasl_oauthbearer_token_file: open": func(c *kafka.Config) { c.SASLMechanism, c.OAuth.TokenFile = "OAUTHBEARER", file+"x" },
		"sasl_kerberos_config: open":        func(c *kafka.Config) { c.SASLMechanism, c.Kerberos.ConfigFile = "GSSAPI", file+"x" },
		"sasl_user as user@REALM":           func(c *kafka.Config) { c.SASLMechanism, c.Kerberos.ConfigFile, c.SASLUser = "GSSAPI", file, "me" },
		"sasl_kerberos_keytab: open": func(c *kafka.Config) {
			c.SASLMechanism, c.Kerberos.ConfigFile, c.SASLUser, c.Kerberos.KeytabFile = "GSSAPI", file, "me@R", file+"x"
		},
		"sasl_kerberos_keytab, sasl_kerberos_ccache or sasl_password_file": func(c *kafka.Config) { c.SASLMechanism, c.Kerberos.ConfigFile, c.SASLUser = "GSSAPI", file, "me@R" },
		"sasl_delegation_token goes with SCRAM-SHA-256":                    func(c *kafka.Config) { c.SASLMechanism, c.DelegationToken = "PLAIN", true },
		"two sources of credentials": func(c *kafka.Config) {
			c.SASLMechanism, c.AWS = "AWS_MSK_IAM", kafka.AWS{Region: "r", Profile: "p", RoleARN: "a"}
		},
	} {
		cfg := kafka.Config{Addresses: []string{"127.0.0.1:1"}}
		change(&cfg)
		if _, err := cfg.Sarama(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// What lacks when a topic cannot be created is Create, and neither Describe nor Write.
func TestDeniedCreateNamesTheRight(t *testing.T) {
	t.Parallel()
	k := testkit.Kafka(t, testkit.Embedded())
	k.Cluster().ControlKey(19, func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.Cluster().KeepControl()
		resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
		rt := kmsg.NewCreateTopicsResponseTopic()
		rt.Topic, rt.ErrorCode = req.(*kmsg.CreateTopicsRequest).Topics[0].Topic, 29
		resp.Topics = append(resp.Topics, rt)
		return resp, nil, true
	})
	a, ctx := open(t, k.Config())
	err := a.CreateTopic(ctx, "new", 1, -1, nil)
	if text := kafka.Explain(err); !strings.Contains(text, "needs the right Create on the topic or on the cluster") || strings.Contains(text, "Write") {
		t.Errorf("%s", text)
	}
}
