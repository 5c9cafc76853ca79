package kafka

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"logctl/internal/tlsfile"
)

// OAuth says where OAUTHBEARER gets its tokens: from one of a token endpoint, a file
// and a command. The names are those of KIP-768 and KIP-1139 (sasl.oauthbearer.*).
type OAuth struct {
	TokenEndpointURL string // answers to a grant of client_credentials, or of an assertion
	ClientID         string
	ClientSecretFile string // its first line
	Scope            string // several are separated by blanks
	AssertionFile    string // holds a signed JWT, used as the grant jwt-bearer (RFC 7523) in place of the client's secret; read each time
	CAFile           string // authorities of the endpoint's certificate; empty: the system's

	TokenFile    string // holds the token; read each time (Kubernetes renews such files)
	TokenCommand string // prints the token, or JSON with access_token and expires_in; run by the shell
	Extensions   string // name=value, comma separated, sent with each token (KIP-342)
}

// tokenTimeout bounds how long one token may take.
const tokenTimeout = 10 * time.Second

// TokenError says that there is no token to log in with.
type TokenError struct {
	From string // the endpoint, the file or the command
	Err  error
}

func (e *TokenError) Error() string { return fmt.Sprintf("no token from %s: %v", e.From, e.Err) }

// Unwrap returns the cause.
func (e *TokenError) Unwrap() error { return e.Err }

// tokenSource gives tokens to sarama, which asks at each login. A token is used again
// until four fifths of its life are over.
type tokenSource struct {
	from       string
	fetch      func(context.Context) (token string, ends time.Time, err error) // ends: zero not known
	extensions map[string]string

	mu     sync.Mutex
	token  string
	renew  time.Time // zero: at each login
	flight chan struct{}
}

// Token implements sarama.AccessTokenProvider.
func (s *tokenSource) Token() (*sarama.AccessToken, error) {
	// sarama passes no context; a login may come long after the one it was dialled with.
	ctx, cancel := context.WithTimeout(context.Background(), tokenTimeout)
	defer cancel()
	for {
		s.mu.Lock()
		if s.token != "" && time.Now().Before(s.renew) {
			defer s.mu.Unlock()
			return s.access(), nil
		}
		other := s.flight
		if other == nil {
			s.flight = make(chan struct{})
			s.mu.Unlock()
			return s.ask(ctx)
		}
		s.mu.Unlock()
		select {
		case <-other: // its token is good for us too
		case <-ctx.Done():
			return nil, &TokenError{From: s.from, Err: context.Cause(ctx)}
		}
	}
}

// ask fetches a token for all that wait.
func (s *tokenSource) ask(ctx context.Context) (*sarama.AccessToken, error) {
	began := time.Now()
	token, ends, err := s.fetch(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.flight)
	s.flight = nil
	if err != nil {
		return nil, &TokenError{From: s.from, Err: err}
	}
	if ends.IsZero() {
		ends = endOfJWT(token)
	}
	s.token, s.renew = token, time.Time{}
	if !ends.IsZero() {
		s.renew = began.Add(ends.Sub(began) * 4 / 5)
	}
	return s.access(), nil
}

func (s *tokenSource) access() *sarama.AccessToken {
	return &sarama.AccessToken{Token: s.token, Extensions: s.extensions}
}

// endOfJWT returns the time that a token's claim exp names; zero for another token.
func endOfJWT(token string) time.Time {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}
	}
	var claims struct {
		Exp float64 `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims.Exp <= 0 {
		return time.Time{}
	}
	return time.Unix(int64(claims.Exp), 0)
}

// source returns where tokens come from, or what is wrong with the settings.
func (o OAuth) source() (*tokenSource, error) {
	s := &tokenSource{}
	given := 0
	for _, set := range []string{o.TokenEndpointURL, o.TokenFile, o.TokenCommand} {
		if set != "" {
			given++
		}
	}
	if given != 1 {
		return nil, errors.New("kafka sasl_mechanism OAUTHBEARER needs one of sasl_oauthbearer_token_endpoint_url, sasl_oauthbearer_token_file and sasl_oauthbearer_token_command")
	}
	var err error
	switch {
	case o.TokenFile != "":
		s.from, s.fetch = "sasl_oauthbearer_token_file "+o.TokenFile, tokenOfFile(o.TokenFile)
		err = readable("sasl_oauthbearer_token_file", o.TokenFile)
	case o.TokenCommand != "":
		s.from, s.fetch = "sasl_oauthbearer_token_command", tokenOfCommand(o.TokenCommand)
	default:
		s.from = "sasl_oauthbearer_token_endpoint_url " + o.TokenEndpointURL
		s.fetch, err = o.endpoint()
	}
	if err != nil {
		return nil, err
	}
	for item := range strings.SplitSeq(o.Extensions, ",") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		name, value, ok := strings.Cut(item, "=")
		if name = strings.TrimSpace(name); !ok || name == "" || name == "auth" {
			return nil, fmt.Errorf("kafka sasl_oauthbearer_extensions: %q is not name=value (auth is reserved)", strings.TrimSpace(item))
		}
		if s.extensions == nil {
			s.extensions = map[string]string{}
		}
		s.extensions[name] = strings.TrimSpace(value)
	}
	return s, nil
}

func tokenOfFile(path string) func(context.Context) (string, time.Time, error) {
	return func(context.Context) (string, time.Time, error) {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", time.Time{}, err
		}
		return parseToken(data, time.Now())
	}
}

func tokenOfCommand(command string) func(context.Context) (string, time.Time, error) {
	return func(ctx context.Context) (string, time.Time, error) {
		shell := []string{"/bin/sh", "-c", command}
		if runtime.GOOS == "windows" {
			shell = []string{"cmd", "/C", command}
		}
		cmd := exec.CommandContext(ctx, shell[0], shell[1:]...)
		cmd.WaitDelay = time.Second
		var out, errOut bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errOut
		began := time.Now()
		if err := cmd.Run(); err != nil {
			if text := strings.TrimSpace(errOut.String()); text != "" {
				return "", time.Time{}, fmt.Errorf("%w: %.200s", err, text)
			}
			return "", time.Time{}, err
		}
		return parseToken(out.Bytes(), began)
	}
}

// parseToken reads a bare token, or the JSON that token endpoints answer with.
func parseToken(data []byte, began time.Time) (string, time.Time, error) {
	text := strings.TrimSpace(string(data))
	if strings.HasPrefix(text, "{") {
		var answer struct {
			AccessToken string  `json:"access_token"`
			ExpiresIn   float64 `json:"expires_in"`
		}
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			return "", time.Time{}, err
		}
		text = answer.AccessToken
		if answer.ExpiresIn > 0 && text != "" {
			return text, began.Add(time.Duration(answer.ExpiresIn * float64(time.Second))), nil
		}
	}
	if text == "" || strings.ContainsAny(text, " \n\x01") {
		return "", time.Time{}, errors.New("what it holds is no token")
	}
	return text, time.Time{}, nil
}

// endpoint returns how a token endpoint is asked.
func (o OAuth) endpoint() (func(context.Context) (string, time.Time, error), error) {
	u, err := url.Parse(o.TokenEndpointURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("kafka sasl_oauthbearer_token_endpoint_url %q is no http or https URL", o.TokenEndpointURL)
	}
	cfg := clientcredentials.Config{ClientID: o.ClientID, TokenURL: o.TokenEndpointURL, Scopes: strings.Fields(o.Scope)}
	switch {
	case o.AssertionFile != "":
		if err := readable("sasl_oauthbearer_assertion_file", o.AssertionFile); err != nil {
			return nil, err
		}
	case o.ClientID == "" || o.ClientSecretFile == "":
		return nil, errors.New("kafka sasl_oauthbearer_token_endpoint_url needs sasl_oauthbearer_client_id and sasl_oauthbearer_client_secret_file, or sasl_oauthbearer_assertion_file")
	default:
		if _, err := readPassword("sasl_oauthbearer_client_secret_file", o.ClientSecretFile); err != nil {
			return nil, err
		}
	}
	base, err := tlsfile.Files{CAFile: o.CAFile}.Config()
	if err != nil {
		return nil, fmt.Errorf("kafka sasl_oauthbearer_%w", err)
	}
	return func(ctx context.Context) (string, time.Time, error) { return o.ask(ctx, cfg, base) }, nil
}

// ask gets a token from the endpoint. Secrets and authorities are read each time.
func (o OAuth) ask(ctx context.Context, cfg clientcredentials.Config, base *tls.Config) (string, time.Time, error) {
	if o.AssertionFile != "" {
		assertion, err := readPassword("sasl_oauthbearer_assertion_file", o.AssertionFile)
		if err != nil {
			return "", time.Time{}, err
		}
		cfg.AuthStyle = oauth2.AuthStyleInParams
		cfg.EndpointParams = url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	} else {
		secret, err := readPassword("sasl_oauthbearer_client_secret_file", o.ClientSecretFile)
		if err != nil {
			return "", time.Time{}, err
		}
		cfg.ClientSecret, cfg.AuthStyle = secret, oauth2.AuthStyleInHeader // as Java's client does
	}
	now, err := tlsfile.Now(base)
	if err != nil {
		return "", time.Time{}, err
	}
	transport := &http.Transport{TLSClientConfig: now, Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: transport})
	token, err := cfg.Token(ctx)
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) && refused.Response != nil {
			return "", time.Time{}, fmt.Errorf("it answers %s: %.200s", refused.Response.Status, strings.TrimSpace(string(refused.Body)))
		}
		return "", time.Time{}, err
	}
	return token.AccessToken, token.Expiry, nil
}
