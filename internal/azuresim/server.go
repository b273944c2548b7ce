// Package azuresim simulates Azure's control plane over HTTPS: sign-in, Resource Manager,
// Resource Graph and Microsoft Graph, as their documentation describes them. Any client of Azure that lets its
// endpoints be configured works against it; it knows nothing of its own repository's clients.
package azuresim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/deployment"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/msgraph"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// Config says what a simulator serves and how it limits its callers. Its zero value is the tenant
// of Contoso on a free loopback port, with Azure's documented limits.
type Config struct {
	// Tenant is what is served; nil is tenant.Contoso.
	Tenant *tenant.Tenant
	// Listen is the TCP address, 127.0.0.1:0 if empty.
	Listen string
	// StateDir receives the CA certificate, ca.pem. Empty: a temporary folder that Close removes.
	StateDir string
	// ClientID and ClientSecret are the application that may sign in; when empty the id is
	// DefaultClientID and the secret random.
	ClientID, ClientSecret string
	// MoreClientIDs are further applications with the same secret, each a principal with limits of its own.
	MoreClientIDs []string
	// Role is what they may do in every subscription; RoleOwner if empty.
	Role Role
	// TokenLifetime is how long access tokens last, one hour if zero.
	TokenLifetime time.Duration
	// Quota is how many Resource Graph queries a principal may send in a QuotaWindow: 0 is 15 and
	// a negative number no limit; the window is 5 seconds if zero.
	Quota       int
	QuotaWindow time.Duration
	// NoARMLimits switches off Resource Manager's token buckets. ARMBucket is the size of those for
	// reads, 250 if zero, and ARMRate the tokens that they gain in a second, 25 if zero.
	NoARMLimits bool
	ARMBucket   int
	ARMRate     float64
	// WriteBucket and WriteRate are the same of writes and of deletes, 200 and 10 if zero.
	WriteBucket int
	WriteRate   float64
	// NoMSGraphLimits switches off Microsoft Graph's throttling. MSGraphUnits is how many resource
	// units an application may spend in ten seconds; if zero, what is documented for a tenant of that
	// size. MSGraphPermissions are the permissions that it grants, all that it asks for if nil.
	NoMSGraphLimits    bool
	MSGraphUnits       int
	MSGraphPermissions []string
	// WriteTime is how long a provider takes to write a resource. StrictVersions takes only listed
	// versions of types in writes, not any that could be one.
	WriteTime      time.Duration
	StrictVersions bool
	// RetryAfter is the number of seconds after which clients shall poll what goes on, 1 if zero
	// and none if negative.
	RetryAfter int
	// Regions are those of Resource Manager that connections reach in turn; westeurope if empty.
	// Each has buckets of its own.
	Regions []string
	// PageSize is the number of items on a page of Resource Manager's lists, 1000 if zero.
	PageSize int
	// MaxPayload bounds a Resource Graph answer in bytes, 16,777,216 if zero.
	MaxPayload int
	// Latency delays every answer, and a random time up to LatencySpread, drawn by Seed, further.
	Latency       time.Duration
	LatencySpread time.Duration
	Seed          uint64
	// Control serves the endpoints under /_sim/ that inject faults and report requests.
	Control bool
	// Now is the clock of tokens, quotas and faults, time.Now if nil.
	Now func() time.Time
	// Log receives a line for each request at debug level; nil discards.
	Log *slog.Logger
}

// DefaultClientID is the application that signs in unless Config names another.
const DefaultClientID = "a7c0f3de-0000-4000-8000-00000000a001"

func (c *Config) setDefaults() error {
	setDefault(&c.Listen, "127.0.0.1:0")
	setDefault(&c.ClientID, DefaultClientID)
	setDefault(&c.Role, RoleOwner)
	setDefault(&c.TokenLifetime, time.Hour)
	setDefault(&c.Quota, 15)
	setDefault(&c.QuotaWindow, 5*time.Second)
	setDefault(&c.ARMBucket, int(reads.size))
	setDefault(&c.ARMRate, reads.rate)
	setDefault(&c.WriteBucket, int(writes.size))
	setDefault(&c.WriteRate, writes.rate)
	setDefault(&c.RetryAfter, 1)
	if c.MSGraphPermissions == nil {
		c.MSGraphPermissions = msgraph.AllPermissions()
	}
	if len(c.Regions) == 0 {
		c.Regions = []string{"westeurope"}
	}
	setDefault(&c.PageSize, 1000)
	setDefault(&c.MaxPayload, 16777216)
	if c.ClientSecret == "" {
		c.ClientSecret = randomSecret()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Tenant == nil {
		contoso, err := tenant.Contoso()
		if err != nil {
			return err
		}
		c.Tenant = contoso
	}
	return nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Server is a running or startable simulator. Its methods may be called from many goroutines.
type Server struct {
	config      Config
	tenant      atomic.Pointer[tenant.Tenant]
	authority   *authority
	tokens      *tokenIssuer
	devices     *deviceCodes
	queries     *queryCache
	quota       *quota
	buckets     *buckets
	faults      *faultInjector
	requests    *requestLog
	gates       gateTable
	settings    atomic.Pointer[Settings]
	writes      sync.Mutex // held while the tenant changes
	guards      guards
	versions    versionSet
	operations  operations
	past        past
	deployments *deployment.Runner
	accepted    atomic.Uint64 // connections
	graph       *msgraph.Service

	directoryMu sync.Mutex
	directory   *directory.Directory

	randomMu sync.Mutex
	random   *rand.Rand // of latencies

	stateDir  string
	temporary bool
	listener  net.Listener
	http      *http.Server
	done      chan struct{}
}

// New makes a simulator that does not listen yet.
func New(config Config) (*Server, error) {
	if err := config.setDefaults(); err != nil {
		return nil, fmt.Errorf("make the simulator: %w", err)
	}
	authority, err := newAuthority(config.Now())
	if err != nil {
		return nil, fmt.Errorf("make the simulator's certificate authority: %w", err)
	}
	tokens, err := newTokenIssuer(&config)
	if err != nil {
		return nil, fmt.Errorf("make the simulator's signing key: %w", err)
	}
	s := &Server{
		config:      config,
		authority:   authority,
		tokens:      tokens,
		devices:     newDeviceCodes(),
		queries:     newQueryCache(),
		quota:       newQuota(config.Now),
		buckets:     newBuckets(config.Now),
		faults:      newFaultInjector(),
		requests:    newRequestLog(),
		random:      rand.New(rand.NewPCG(config.Seed, 0)),
		deployments: deployment.NewRunner(),
		done:        make(chan struct{}),
	}
	s.graph = s.newMSGraph()
	if err := s.SetSettings(Settings{
		Quota: config.Quota, QuotaWindow: Duration(config.QuotaWindow),
		ARMLimits: !config.NoARMLimits, ARMBucket: config.ARMBucket, ARMRate: config.ARMRate,
		WriteBucket: config.WriteBucket, WriteRate: config.WriteRate, WriteTime: Duration(config.WriteTime),
		StrictVersions: config.StrictVersions, RetryAfter: max(0, config.RetryAfter),
		MSGraphPermissions: config.MSGraphPermissions, MSGraphLimits: !config.NoMSGraphLimits, MSGraphUnits: config.MSGraphUnits,
		MSGraphWrites: msgraph.WriteQuota, MSGraphWindow: Duration(10 * time.Second),
		Latency: Duration(config.Latency), LatencySpread: Duration(config.LatencySpread),
		TokenLifetime: Duration(config.TokenLifetime),
	}); err != nil {
		return nil, fmt.Errorf("make the simulator: %w", err)
	}
	s.tenant.Store(config.Tenant)
	return s, nil
}

// Start listens and serves until Close.
func (s *Server) Start() error {
	if err := s.prepareStateDir(); err != nil {
		return err
	}
	if err := os.WriteFile(s.CAFile(), s.authority.certificatePEM(), 0o600); err != nil {
		return fmt.Errorf("write the CA certificate: %w", err)
	}
	listener, err := net.Listen("tcp", s.config.Listen) //nolint:noctx // ends with Close
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.config.Listen, err)
	}
	s.listener = listener
	s.http = &http.Server{
		Handler:           s,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{s.authority.leaf}, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 30 * time.Second,
		ConnContext:       s.withRegion,
		ErrorLog:          slog.NewLogLogger(s.config.Log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(s.done)
		if err := s.http.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			s.config.Log.Error("the simulator stopped serving", "error", err)
		}
	}()
	return nil
}

func (s *Server) prepareStateDir() error {
	s.stateDir = s.config.StateDir
	if s.stateDir == "" {
		dir, err := os.MkdirTemp("", "atg-azuresim-")
		if err != nil {
			return fmt.Errorf("make a folder for the CA certificate: %w", err)
		}
		s.stateDir, s.temporary = dir, true
		return nil
	}
	if err := os.MkdirAll(s.stateDir, 0o700); err != nil {
		return fmt.Errorf("make the state folder: %w", err)
	}
	return nil
}

// Close ends all connections at once and removes what Start wrote to a temporary folder.
func (s *Server) Close() error {
	s.faults.releaseAll()
	s.deployments.Stop()
	var err error
	if s.http != nil {
		err = s.http.Close()
		<-s.done
	}
	if s.temporary {
		err = errors.Join(err, os.RemoveAll(s.stateDir))
	}
	return err
}

// Address is host:port once started, as are URL and what rests on it.
func (s *Server) Address() string { return s.listener.Addr().String() }

// URL is the base of every endpoint, without a trailing slash.
func (s *Server) URL() string { return "https://" + s.Address() }

// CAFile is where the CA certificate stands once started.
func (s *Server) CAFile() string { return filepath.Join(s.stateDir, "ca.pem") }

// Tenant is the tenant that is served at present.
func (s *Server) Tenant() *tenant.Tenant { return s.tenant.Load() }

// SetTenant replaces the tenant between two requests, and its directory with all that was written
// into it. Skip tokens handed out before go on in the new one.
func (s *Server) SetTenant(t *tenant.Tenant) {
	s.directoryMu.Lock()
	defer s.directoryMu.Unlock()
	s.setTenant(t)
	s.directory = nil
}

// setTenant serves a tenant that differs from the one before by what has been written into it.
func (s *Server) setTenant(t *tenant.Tenant) {
	s.past.add(s.tenant.Swap(t), s.config.Now(), time.Duration(s.Settings().GraphDelay))
	s.queries.clear()
}

// ClientID is the application that may sign in.
func (s *Server) ClientID() string { return s.config.ClientID }

// ClientSecret is its secret.
func (s *Server) ClientSecret() string { return s.config.ClientSecret }

// Env is the environment that points a client at the simulator.
func (s *Server) Env() map[string]string {
	return map[string]string{
		"AZURE_TENANT_ID":                     s.Tenant().ID,
		"AZURE_CLIENT_ID":                     s.config.ClientID,
		"AZURE_CLIENT_SECRET":                 s.config.ClientSecret,
		"AZURE_AUTHORITY_HOST":                s.URL() + "/",
		"ATG_AZURE_CLOUD":                     "custom",
		"ATG_AZURE_AUTHORITY_HOST":            s.URL() + "/",
		"ATG_AZURE_RESOURCE_MANAGER_ENDPOINT": s.URL(),
		"ATG_AZURE_GRAPH_ENDPOINT":            s.URL(),
		"SSL_CERT_FILE":                       s.CAFile(),
	}
}

// HTTPClient trusts the simulator's CA and reaches it under its own address and under the names of
// Azure's public cloud, so that code with those names built in can be tested too.
func (s *Server) HTTPClient() *http.Client {
	var dialer net.Dialer
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: s.authority.pool(), MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if host, _, err := net.SplitHostPort(address); err == nil && isPublicName(host) {
				address = s.Address()
			}
			return dialer.DialContext(ctx, network, address)
		},
	}}
}

// drain reads a request's body up to a limit that no call of Azure's comes near.
func drain(r *http.Request) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r.Body, 8<<20))
}
