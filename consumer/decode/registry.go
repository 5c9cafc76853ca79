package decode

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"logctl/internal/tlsfile"
)

// Schemas says where the schemas of Avro and Protobuf come from: files, or else a
// registry.
type Schemas struct {
	Registry     string // base URLs, comma separated: asked in turn when one gives no answer; user and password may be in them
	Context      string // of Confluent's registry, as .lkc-1; "": the default one
	User         string // for basic authentication
	PasswordFile string // file whose first line is the password
	TokenFile    string // file whose first line is a bearer token; read for each question
	TLS          tlsfile.Files

	AvroFiles  []string // .avsc, each may use the types of those before it; the last one is the record's
	ProtoFiles []string // .proto
	ProtoPaths []string // directories of imports
	Message    string   // full name of the message
}

// Limits of the registry client.
const (
	registryTimeout = 5 * time.Second
	registryRetry   = 10 * time.Second // before a schema that failed is asked for again
	maxReferences   = 200              // schemas that one may depend on
)

// schemaDoc is a schema as a registry answers.
type schemaDoc struct {
	Schema     string      `json:"schema"`
	Type       string      `json:"schemaType"` // "": AVRO
	References []reference `json:"references"`
}

// reference names a schema that another one uses.
type reference struct {
	Name    string      `json:"name"`
	Subject string      `json:"subject"`
	Version looseNumber `json:"version"`

	// Apicurio's own interface:
	Group    string `json:"groupId"`
	Artifact string `json:"artifactId"`
}

// looseNumber is a number that may be written as text.
type looseNumber string

// UnmarshalJSON implements json.Unmarshaler.
func (n *looseNumber) UnmarshalJSON(b []byte) error {
	*n = looseNumber(strings.Trim(string(b), `"`))
	return nil
}

// registry asks a schema registry and remembers whether it answers.
type registry struct {
	bases          []*url.URL
	user, password string
	tokenFile      string
	client         *http.Client
	bounds         Bounds

	at    int   // of bases: the one that answered last
	down  error // none gave an answer; nil: one did
	until time.Time
}

func newRegistry(s Schemas, bounds Bounds) (*registry, error) {
	r := &registry{user: s.User, tokenFile: s.TokenFile, bounds: bounds}
	for text := range strings.SplitSeq(s.Registry, ",") {
		text = strings.TrimSpace(text)
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("registry %q is no URL; write one like http://127.0.0.1:8081", redact(text))
		}
		if u.User != nil {
			r.user = u.User.Username()
			r.password, _ = u.User.Password()
			u.User = nil
		}
		u.Path = strings.TrimSuffix(u.Path, "/")
		if s.Context != "" && !strings.Contains(u.Path, "/apis/") {
			u.Path += "/contexts/" + s.Context
		}
		r.bases = append(r.bases, u)
	}
	var err error
	if s.PasswordFile != "" {
		if r.password, err = firstLine("password of the registry", s.PasswordFile); err != nil {
			return nil, err
		}
	}
	if s.TokenFile != "" {
		if r.user != "" {
			return nil, errors.New("the registry is given a user and a token: leave one out")
		}
		if _, err = firstLine("token of the registry", s.TokenFile); err != nil {
			return nil, err
		}
	}
	base, err := s.TLS.Config()
	if err != nil {
		return nil, fmt.Errorf("registry %w", err)
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: time.Minute}
	transport.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		raw, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			host = addr
		}
		conn, err := tlsfile.Client(ctx, raw, base, host)
		if err != nil {
			_ = raw.Close()
			return nil, err
		}
		return conn, nil
	}
	r.client = &http.Client{Timeout: registryTimeout, Transport: transport, CheckRedirect: redirected}
	return r, nil
}

// redirected lets a registry send its askers elsewhere, but not with the password or the
// token: those are for the server that was configured. Go's own rule looks at the host's
// name alone, so that another port, or http in place of https, would be given them.
func redirected(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("it redirects 10 times and more")
	}
	if first := via[0].URL; req.URL.Scheme != first.Scheme || hostPort(req.URL) != hostPort(first) {
		req.Header.Del("Authorization")
	}
	return nil
}

// hostPort is the host of a URL in lower case with its port, be it the one of its scheme.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

func firstLine(what, path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}

// redact returns a URL without its password.
func redact(s string) string {
	if u, err := url.Parse(s); err == nil {
		return u.Redacted()
	}
	return s
}

// schema fetches the schema that ref names, from where registries of its kind have it.
func (r *registry) schema(ctx context.Context, ref schemaRef) (doc schemaDoc, err error) {
	id := strconv.FormatUint(ref.id, 10)
	native := strings.Contains(r.bases[0].Path, "/apis/registry/")
	switch {
	case ref.kind == confluentGUID:
		doc, err = r.document(ctx, "/schemas/guids/"+guidText(ref.guid))
	case ref.kind == globalID, ref.kind == contentID, native:
		// A frame of 4 bytes holds a content id by the settings that serializers of version 3
		// have, and a global one by those of version 2.
		order := []string{"contentIds", "globalIds"}
		if ref.kind == globalID || ref.kind != contentID && strings.Contains(r.bases[0].Path, "/apis/registry/v2") {
			order = []string{"globalIds", "contentIds"}
		}
		for _, kind := range order {
			doc, err = r.apicurio(ctx, "/ids/"+kind+"/"+id, "")
			var missing *notFoundError
			if !errors.As(err, &missing) {
				break
			}
		}
		var missing *notFoundError
		if errors.As(err, &missing) && !native { // a registry of Confluent's kind, or its interface of Apicurio
			doc, err = r.document(ctx, "/schemas/ids/"+id)
		}
	default:
		doc, err = r.document(ctx, "/schemas/ids/"+id)
	}
	if err != nil {
		return doc, fmt.Errorf("%s: %w", ref, err)
	}
	return doc, nil
}

// withReferences fetches all schemas that doc uses, directly or not, each before
// those that use it, named as the imports of its users name it.
func (r *registry) withReferences(ctx context.Context, doc schemaDoc) ([]namedSchema, error) {
	var out []namedSchema
	seen := map[string]bool{}
	left := r.bounds.schemas() - len(doc.Schema)
	var walk func(list []reference) error
	walk = func(list []reference) error {
		for _, ref := range list {
			if seen[ref.Name] {
				continue
			}
			seen[ref.Name] = true
			if len(seen) > maxReferences {
				return fmt.Errorf("the schema uses more than %d others", maxReferences)
			}
			d, err := r.referenced(ctx, ref)
			if err != nil {
				return fmt.Errorf("schema %s version %s, which is used as %s: %w", ref.Subject+ref.Artifact, ref.Version, ref.Name, err)
			}
			if left -= len(d.Schema) + len(ref.Name); left < 0 {
				return fmt.Errorf("the schema and those that it uses have more than %d bytes", r.bounds.schemas())
			}
			if err := walk(d.References); err != nil {
				return err
			}
			out = append(out, namedSchema{name: ref.Name, text: d.Schema})
		}
		return nil
	}
	return out, walk(doc.References)
}

type namedSchema struct{ name, text string }

// textOf is the size of a schema with all that it uses, bytes.
func textOf(doc schemaDoc, used []namedSchema) int {
	n := len(doc.Schema)
	for _, u := range used {
		n += len(u.text)
	}
	return n
}

// referenced fetches what another schema refers to: also a version that was deleted
// meanwhile, which its users still need.
func (r *registry) referenced(ctx context.Context, ref reference) (schemaDoc, error) {
	if ref.Artifact != "" {
		group := ref.Group
		if group == "" {
			group = "default"
		}
		path := "/groups/" + url.PathEscape(group) + "/artifacts/" + url.PathEscape(ref.Artifact) + "/versions/" + url.PathEscape(string(ref.Version))
		return r.apicurio(ctx, path, "/content")
	}
	return r.document(ctx, "/subjects/"+url.PathEscape(ref.Subject)+"/versions/"+url.PathEscape(string(ref.Version))+"?deleted=true")
}

// document asks the interface of Confluent's registry.
func (r *registry) document(ctx context.Context, path string) (doc schemaDoc, err error) {
	body, _, err := r.get(ctx, func(base *url.URL) string { return base.String() + path })
	if err != nil {
		return doc, err
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return doc, fmt.Errorf("the registry's answer is no schema: %w", err)
	}
	return doc, nil
}

// apicurio asks Apicurio's own interface, of version 3 and then 2. tail is what version
// 3 has behind the path of an artifact's text.
func (r *registry) apicurio(ctx context.Context, path, tail string) (doc schemaDoc, err error) {
	for _, version := range []string{"v3", "v2"} {
		if version == "v2" {
			tail = ""
		}
		root := func(base *url.URL) string {
			u := *base
			if i := strings.Index(u.Path, "/apis/"); i >= 0 {
				u.Path = u.Path[:i]
			}
			return u.String() + "/apis/registry/" + version
		}
		var body []byte
		var head http.Header
		body, head, err = r.get(ctx, func(base *url.URL) string { return root(base) + path + tail })
		var missing *notFoundError
		if errors.As(err, &missing) {
			continue
		}
		if err != nil {
			return doc, err
		}
		doc.Schema, doc.Type = string(body), head.Get("X-Registry-ArtifactType")
		// Version 2 (2.6.13) tells the kind by this alone, and Avro is JSON.
		if media, _, _ := strings.Cut(head.Get("Content-Type"), ";"); doc.Type == "" && media == "application/x-protobuf" {
			doc.Type = "PROTOBUF"
		}
		refs, _, err := r.get(ctx, func(base *url.URL) string { return root(base) + path + "/references" })
		if errors.As(err, &missing) {
			return doc, nil
		}
		if err == nil {
			err = json.Unmarshal(refs, &doc.References)
		}
		return doc, err
	}
	return doc, err
}

// notFoundError is the answer 404.
type notFoundError struct{ text string }

func (e *notFoundError) Error() string { return e.text }

// get asks the registry: the server that answered last, and the others when it gives no
// answer. When none does all are left alone for a while, whichever schema is wanted:
// each question would take its whole patience.
func (r *registry) get(ctx context.Context, target func(base *url.URL) string) ([]byte, http.Header, error) {
	if r.down != nil && time.Now().Before(r.until) {
		return nil, nil, r.down
	}
	r.down = nil
	var last error
	for range r.bases {
		body, head, answered, err := r.ask(ctx, target(r.bases[r.at]))
		if answered {
			return body, head, err
		}
		last = err
		r.at = (r.at + 1) % len(r.bases)
	}
	r.down, r.until = last, time.Now().Add(registryRetry)
	return nil, nil, r.down
}

// ask asks one server. answered: its answer counts, be it an error.
func (r *registry) ask(ctx context.Context, target string) (body []byte, head http.Header, answered bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, nil, true, err
	}
	req.Header.Set("Accept", "application/vnd.schemaregistry.v1+json, application/json, */*")
	switch {
	case r.tokenFile != "":
		token, err := firstLine("token of the registry", r.tokenFile)
		if err != nil {
			return nil, nil, true, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	case r.user != "":
		req.SetBasicAuth(r.user, r.password)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, nil, false, fmt.Errorf("the registry cannot be asked: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	most := 2 * r.bounds.schemas() // as JSON it is longer than the schema
	body, err = io.ReadAll(io.LimitReader(resp.Body, int64(most)+1))
	switch {
	case err != nil:
		return nil, nil, false, fmt.Errorf("the registry's answer breaks off: %w", err)
	case len(body) > most:
		return nil, nil, true, fmt.Errorf("the registry's answer has more than %d bytes", most)
	}
	if resp.StatusCode == http.StatusOK {
		return body, resp.Header, true, nil
	}
	var problem struct {
		Message string `json:"message"`
		Title   string `json:"title"`
	}
	_ = json.Unmarshal(body, &problem) // an empty message is fine
	text := fmt.Sprintf("the registry answers %s: %s", resp.Status, shortened(cmp.Or(problem.Message, problem.Title)))
	if asked := resp.Request.URL; hostPort(asked) != hostPort(req.URL) || asked.Scheme != req.URL.Scheme {
		text += fmt.Sprintf(" (it redirects to %s://%s, which is not given the login: name that server as the registry)", asked.Scheme, asked.Host)
	}
	if resp.StatusCode == http.StatusNotFound {
		return nil, nil, true, &notFoundError{text}
	}
	// Behind a broken or overloaded server another one may answer.
	return nil, nil, resp.StatusCode < 500 || len(r.bases) == 1, errors.New(text)
}

// maxMessage bounds what is shown and kept of a registry's own words, bytes.
const maxMessage = 500

func shortened(s string) string {
	if len(s) > maxMessage {
		return strings.ToValidUTF8(s[:maxMessage], "") + "…"
	}
	return s
}
