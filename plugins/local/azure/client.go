package azure

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Client talks to one cloud with one way to get credentials. It is for concurrent use.
type Client struct {
	config    Config
	transport *transport
	wire      *http.Client
	share     share

	mu       sync.Mutex
	sessions map[string]*Session
}

// New checks the configuration, and the files and variables it depends on; fault.ConfigInvalid with
// every problem. It calls nobody.
func New(config Config) (*Client, error) {
	problems := config.resolve()
	authorities, more := config.authorities()
	if problems = append(problems, more...); len(problems) > 0 {
		return nil, fault.New(fault.ConfigInvalid, "the settings for Azure are wrong", fault.Problems(problems...))
	}
	transport := &transport{authorities: authorities}
	return &Client{
		config: config, transport: transport, sessions: map[string]*Session{},
		wire: &http.Client{Transport: transport, CheckRedirect: noRedirects},
	}, nil
}

// Config is the configuration, completed from the environment.
func (c *Client) Config() Config { return c.config }

// Close ends the connections that wait for use.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Session is what the client may do in one tenant. Everyone who asks for the same tenant shares one,
// with its tokens and what is known of its quota. An empty tenant is the configured one or else the
// credential's own.
func (c *Client) Session(tenant string) *Session {
	if tenant == "" {
		tenant = c.config.TenantID
	}
	tenant = strings.ToLower(tenant)
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.sessions[tenant]
	if !ok {
		s = newSession(&c.config, tenant, c.wire, &c.share)
		c.sessions[tenant] = s
	}
	return s
}

// Session makes calls in one tenant as one principal.
type Session struct {
	config     *Config
	tenant     string // empty is the credential's own
	credential *credential
	pipeline   runtime.Pipeline // to Resource Manager, with Resource Graph
	directory  runtime.Pipeline // to Microsoft Graph
	limits     *limits
	tops       tops
	versions   versions
	seams      seams
	// unselective says that objects read by their ids come with what properties they come.
	unselective atomic.Bool
}

func newSession(config *Config, tenant string, wire *http.Client, of *share) *Session {
	credential := newCredential(config, tenant, &watched{client: wire})
	pipeline := func(scope string) runtime.Pipeline {
		bearer := runtime.NewBearerTokenPolicy(credential, []string{scope}, nil)
		// The retries are our own: they cover the reading of the body, wait together, and are seen.
		return runtime.NewPipeline("atg", "", runtime.PipelineOptions{PerRetry: []policy.Policy{bearer}}, &policy.ClientOptions{
			Retry: policy.RetryOptions{MaxRetries: -1}, Telemetry: policy.TelemetryOptions{Disabled: true}, Transport: wire,
		})
	}
	return &Session{
		config: config, tenant: tenant, credential: credential,
		pipeline: pipeline(config.scope()), directory: pipeline(config.directoryScope()), limits: newLimits(config.MaxRPS, of),
	}
}

// Authenticate gets a token, and says which source it came from and how long it took.
func (s *Session) Authenticate(ctx context.Context) (source string, took time.Duration, err error) {
	began := time.Now()
	_, err = s.credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{s.config.scope()}, EnableCAE: true})
	return s.credential.source(), time.Since(began), err
}

// TryResourceGraph asks Resource Graph for a single row, to see that it answers.
func (s *Session) TryResourceGraph(ctx context.Context) error {
	var page Page[struct{}]
	return Read(ctx, s, Query{KQL: "resourcecontainers | project id | order by id asc", Limit: 1}, Reader[struct{}]{
		New:  func(context.Context) (*Page[struct{}], error) { return &page, nil },
		Set:  func(*struct{}, Column) error { return nil },
		Take: func(*Page[struct{}]) error { return nil },
	})
}
