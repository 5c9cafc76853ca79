package decode

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Schemas says where the schemas of Avro and Protobuf come from: files, or else a
// registry.
type Schemas struct {
	Registry     string // base URL; user and password may be in it
	User         string // for basic authentication
	PasswordFile string // file whose first line is the password

	AvroFiles  []string // .avsc, each may use the types of those before it; the last one is the record's
	ProtoFiles []string // .proto
	ProtoPaths []string // directories of imports
	Message    string   // full name of the message
}

// Limits of the registry client.
const (
	registryTimeout = 5 * time.Second
	registryRetry   = 10 * time.Second // before a schema that failed is asked for again
	maxSchema       = 8 << 20          // bytes of an answer
	maxReferences   = 200              // schemas that one may depend on
)

var errFrame = errors.New("it does not start with the five bytes of a schema registry (0 and a schema id)")

// registryFrame splits what a registry's serializer wrote into the id of the schema
// and the rest.
func registryFrame(b []byte) (id int, rest []byte, err error) {
	if len(b) < 5 || b[0] != 0 {
		return 0, nil, errFrame
	}
	return int(binary.BigEndian.Uint32(b[1:])), b[5:], nil
}

// schemaDoc is a schema as the registry answers.
type schemaDoc struct {
	Schema     string      `json:"schema"`
	Type       string      `json:"schemaType"` // "": AVRO
	References []reference `json:"references"`
}

// reference names a schema that another one uses.
type reference struct {
	Name    string `json:"name"`
	Subject string `json:"subject"`
	Version int    `json:"version"`
}

// registry asks a schema registry and remembers its answers.
type registry struct {
	base           *url.URL
	user, password string
	client         *http.Client

	down  error // it gave no answer; nil: it did
	until time.Time
}

func newRegistry(s Schemas) (*registry, error) {
	u, err := url.Parse(s.Registry)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("registry %q is no URL; write one like http://127.0.0.1:8081", redact(s.Registry))
	}
	r := &registry{base: u, user: s.User, client: &http.Client{Timeout: registryTimeout}}
	if u.User != nil {
		r.user = u.User.Username()
		r.password, _ = u.User.Password()
		u.User = nil
	}
	if s.PasswordFile != "" {
		b, err := os.ReadFile(s.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("password of the registry: %w", err)
		}
		line, _, _ := strings.Cut(string(b), "\n")
		r.password = strings.TrimSuffix(line, "\r")
	}
	return r, nil
}

// redact returns a URL without its password.
func redact(s string) string {
	if u, err := url.Parse(s); err == nil {
		return u.Redacted()
	}
	return s
}

// byID fetches the schema of that id.
func (r *registry) byID(ctx context.Context, id int) (schemaDoc, error) {
	doc, err := r.get(ctx, fmt.Sprintf("schemas/ids/%d", id))
	if err != nil {
		return doc, fmt.Errorf("schema %d: %w", id, err)
	}
	return doc, nil
}

// withReferences fetches all schemas that doc uses, directly or not, each before
// those that use it, named as the imports of its users name it.
func (r *registry) withReferences(ctx context.Context, doc schemaDoc) ([]namedSchema, error) {
	var out []namedSchema
	seen := map[string]bool{}
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
			d, err := r.get(ctx, fmt.Sprintf("subjects/%s/versions/%d", url.PathEscape(ref.Subject), ref.Version))
			if err != nil {
				return fmt.Errorf("schema %s version %d: %w", ref.Subject, ref.Version, err)
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

// get asks the registry. One that gives no answer is left alone for a while,
// whichever schema is wanted: each question would take its whole patience.
func (r *registry) get(ctx context.Context, path string) (schemaDoc, error) {
	var doc schemaDoc
	if r.down != nil && time.Now().Before(r.until) {
		return doc, r.down
	}
	r.down = nil
	target := strings.TrimSuffix(r.base.String(), "/") + "/" + path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return doc, err
	}
	req.Header.Set("Accept", "application/vnd.schemaregistry.v1+json, application/json")
	if r.user != "" {
		req.SetBasicAuth(r.user, r.password)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		r.down, r.until = fmt.Errorf("the registry cannot be asked: %w", err), time.Now().Add(registryRetry)
		return doc, r.down
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSchema))
	if err != nil {
		r.down, r.until = fmt.Errorf("the registry's answer breaks off: %w", err), time.Now().Add(registryRetry)
		return doc, r.down
	}
	if resp.StatusCode != http.StatusOK {
		var problem struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(body, &problem) // an empty message is fine
		return doc, fmt.Errorf("the registry answers %s: %s", resp.Status, problem.Message)
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return doc, fmt.Errorf("the registry's answer is no schema: %w", err)
	}
	return doc, nil
}

// schemaCache keeps what was made of schemas by their ids.
type schemaCache[T any] struct {
	known map[int]schemaEntry[T]
}

type schemaEntry[T any] struct {
	schema T
	err    error
	until  time.Time // err holds until then
}

// get returns the schema, made by load when it is not known. A failure is kept for a
// while, so that a dead registry is not asked for each record.
func (c *schemaCache[T]) get(id int, load func() (T, error)) (T, error) {
	if e, ok := c.known[id]; ok && (e.err == nil || time.Now().Before(e.until)) {
		return e.schema, e.err
	}
	s, err := load()
	if c.known == nil {
		c.known = map[int]schemaEntry[T]{}
	}
	c.known[id] = schemaEntry[T]{schema: s, err: err, until: time.Now().Add(registryRetry)}
	return s, err
}
