package azuresim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// clockAt is a clock that stands until it is moved.
type clockAt struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clockAt { return &clockAt{now: time.Now().Truncate(time.Second)} }

func (c *clockAt) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clockAt) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// caller is a client with a token.
type caller struct {
	t      *testing.T
	server *Server
	client *http.Client
	token  string
}

func startServer(t *testing.T, config Config) *Server {
	t.Helper()
	server, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func start(t *testing.T, config Config) *caller {
	t.Helper()
	server := startServer(t, config)
	c := &caller{t: t, server: server, client: server.HTTPClient()}
	t.Cleanup(c.client.CloseIdleConnections)
	c.signIn()
	return c
}

func (c *caller) signIn() {
	c.t.Helper()
	answer := c.post("/"+c.server.Tenant().ID+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {c.server.ClientID()},
		"client_secret": {c.server.ClientSecret()}, "scope": {"https://management.azure.com/.default"},
	})
	if answer.status != http.StatusOK {
		c.t.Fatalf("sign-in answered %d: %s", answer.status, answer.body)
	}
	c.token = answer.text("access_token")
}

// answer is a response, read to its end.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// get is the member at a path of names of the answer's JSON.
func (a *answer) get(path ...string) any {
	a.t.Helper()
	var value any
	if err := json.Unmarshal(a.body, &value); err != nil {
		a.t.Fatalf("status %d: %v in %.200s", a.status, err, a.body)
	}
	for _, name := range path {
		members, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = members[name]
	}
	return value
}

func (a *answer) text(path ...string) string {
	a.t.Helper()
	text, _ := a.get(path...).(string)
	return text
}

func (a *answer) list(path ...string) []any {
	a.t.Helper()
	list, _ := a.get(path...).([]any)
	return list
}

func (c *caller) send(request *http.Request) *answer {
	c.t.Helper()
	response, err := c.client.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return &answer{t: c.t, status: response.StatusCode, header: response.Header, body: body}
}

func (c *caller) request(method, path string, body []byte) *http.Request {
	c.t.Helper()
	target := path
	if !strings.HasPrefix(path, "https://") {
		target = c.server.URL() + path
	}
	request, err := http.NewRequestWithContext(c.t.Context(), method, target, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	return request
}

func (c *caller) get(path string) *answer {
	c.t.Helper()
	return c.send(c.request(http.MethodGet, path, nil))
}

func (c *caller) post(path string, form url.Values) *answer {
	c.t.Helper()
	request := c.request(http.MethodPost, path, []byte(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.send(request)
}

const graphPath = "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01"

func (c *caller) graphRequest(body map[string]any) *http.Request {
	c.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.request(http.MethodPost, graphPath, raw)
}

func (c *caller) graph(body map[string]any) *answer {
	c.t.Helper()
	return c.send(c.graphRequest(body))
}

func mustSynthetic(t *testing.T, resources, subscriptions int) *tenant.Tenant {
	t.Helper()
	made, err := tenant.Synthetic(tenant.SyntheticOptions{Resources: resources, Subscriptions: subscriptions, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return made
}
