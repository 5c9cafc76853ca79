package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// issuer is an identity provider of two addresses: /token gives tokens to a client with
// its secret, or to one with an assertion, and /keys the key that signs them.
type issuer struct {
	key  *rsa.PrivateKey
	life time.Duration
}

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	part := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/keys":
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256",
			"n": part(i.key.N.Bytes()), "e": part(big.NewInt(int64(i.key.E)).Bytes())}}})
	case "/token":
		user, secret, _ := r.BasicAuth()
		asserted := r.PostFormValue("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer" && r.PostFormValue("assertion") == "signed.by.agent"
		if r.PostFormValue("grant_type") == "client_credentials" && user == "agent" && secret == "agent-secret" || asserted {
			_ = json.NewEncoder(w).Encode(map[string]any{"access_token": i.token("agent", "kafka"), "token_type": "Bearer", "expires_in": i.life.Seconds()})
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error":"invalid_client"}`))
	default:
		http.NotFound(w, r)
	}
}

// token returns a signed JWT.
func (i *issuer) token(subject, audience string) string {
	part := func(v any) string { b, _ := json.Marshal(v); return base64.RawURLEncoding.EncodeToString(b) }
	now := time.Now()
	text := part(map[string]string{"alg": "RS256", "kid": "1", "typ": "JWT"}) + "." +
		part(map[string]any{"sub": subject, "aud": audience, "iss": "matrix", "iat": now.Unix(), "exp": now.Add(i.life).Unix(), "scope": "logs"})
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err) // the key is ours
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// oidc starts an issuer and has the broker check its tokens.
func (l *lab) oidc() (*way, broker, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, broker{}, err
	}
	dir, err := os.MkdirTemp(l.dir, "oidc-")
	if err != nil {
		return nil, broker{}, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, broker{}, err
	}
	i := &issuer{key: key, life: 12 * time.Second}
	server := &http.Server{Handler: i, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	base := "http://" + listener.Addr().String()
	forever := &issuer{key: key, life: time.Hour}
	for name, text := range map[string]string{"secret": "agent-secret", "wrong": "wrong", "assertion": "signed.by.agent",
		"token": forever.token("agent", "kafka"), "elsewhere": forever.token("agent", "other")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600); err != nil {
			return nil, broker{}, err
		}
	}
	login := func(lines ...string) string {
		return "sasl_mechanism = OAUTHBEARER\n" + strings.ReplaceAll(strings.Join(lines, "\n"), "DIR", dir) + "\n"
	}
	endpoint, client := "sasl_oauthbearer_token_endpoint_url = "+base+"/token", "sasl_oauthbearer_client_id = agent"
	w := &way{
		principal: "agent",
		settings:  login(endpoint, client, "sasl_oauthbearer_client_secret_file = DIR/secret", "sasl_oauthbearer_scope = logs"),
		same: map[string]string{
			"assertion": login(endpoint, "sasl_oauthbearer_assertion_file = DIR/assertion"),
			"file":      login("sasl_oauthbearer_token_file = DIR/token"),
			"command":   login("sasl_oauthbearer_token_command = cat DIR/token"),
			"extension": login("sasl_oauthbearer_token_file = DIR/token", "sasl_oauthbearer_extensions = logicalCluster=lkc-1,identityPoolId=pool-1"),
		},
		refused: map[string][2]string{
			"wrong secret":              {login(endpoint, client, "sasl_oauthbearer_client_secret_file = DIR/wrong"), "invalid_client"},
			"token for somebody else":   {login("sasl_oauthbearer_token_file = DIR/elsewhere"), "refused the login"},
			"command that says nothing": {login("sasl_oauthbearer_token_command = false"), "sasl_oauthbearer_token_command"},
		},
		close: func() { _ = server.Close(); <-done },
	}
	return w, broker{
		java: []string{"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=" + base + "/keys"},
		settings: fmt.Sprintf(`sasl.enabled.mechanisms=OAUTHBEARER
connections.max.reauth.ms=60000
sasl.oauthbearer.jwks.endpoint.url=%s/keys
sasl.oauthbearer.expected.audience=kafka
sasl.oauthbearer.expected.issuer=matrix
listener.name.sasl_plaintext.oauthbearer.sasl.server.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler
listener.name.sasl_plaintext.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
`, base),
	}, nil
}
