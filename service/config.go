package service

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/conf"
	"github.com/azure-tenant-grapher/atg/service/httpapi"
	"github.com/azure-tenant-grapher/atg/service/worker"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Role is what a process of the service does.
type Role string

// The roles.
const (
	RoleAll    Role = "all"    // API and worker in one process
	RoleAPI    Role = "api"    // answers callers
	RoleWorker Role = "worker" // executes jobs
)

// Config is the service's configuration: the file's keys, with flags and variables above them. defaults has what holds
// where nothing is set. docs/reference is made of these comments.
type Config struct {
	Role    Role   `koanf:"role"`     // all, api or worker
	Listen  string `koanf:"listen"`   // host:port of the API
	DataDir string `koanf:"data_dir"` // everything that the service keeps, of the embedded NATS too; atg/server in $XDG_DATA_HOME unless set
	Dev     bool   `koanf:"dev"`      // make a certificate authority, a key and a profile for this machine

	TLS       TLS               `koanf:"tls"`
	NATS      NATS              `koanf:"nats"`
	Backend   Backend           `koanf:"backend"`
	Worker    Worker            `koanf:"worker"`
	Limits    Limits            `koanf:"limits"`
	Retention Retention         `koanf:"retention"`
	API       API               `koanf:"api"`
	Traces    Traces            `koanf:"traces"`
	Tenants   map[string]Tenant `koanf:"tenants"` // how the service reaches tenants, by tenant id; none lets the settings of the backend serve every tenant
}

// TLS is the API's certificate.
type TLS struct {
	Cert string `koanf:"cert"` // PEM file of the API's certificate chain
	Key  string `koanf:"key"`  // PEM file of its private key
}

// NATS is an external cluster with JetStream; without a URL the service embeds a server of its own.
type NATS struct {
	URL      string `koanf:"url"`      // external cluster: tls://host:4222,…; none is a server of its own
	Creds    string `koanf:"creds"`    // credentials file for the cluster
	CA       string `koanf:"ca"`       // PEM file of its certificate authority
	Replicas int    `koanf:"replicas"` // of everything in an external cluster; fewer are taken only when they are asked for
}

// Backend is the program that the workers run.
type Backend struct {
	Name     string         `koanf:"name"`     // what the workers run
	Path     string         `koanf:"path"`     // its program; beside atg-server unless set
	SHA256   string         `koanf:"sha256"`   // of the program, checked at each start of it; empty is not pinned
	Env      []string       `koanf:"env"`      // variables that it gets beside the usual ones
	Settings map[string]any `koanf:"settings"` // its settings, for every tenant
}

// Worker is how a worker works.
type Worker struct {
	Name        string        `koanf:"name"`        // in logs and histories; machine and process unless set
	Concurrency int           `koanf:"concurrency"` // jobs at once, each in a process of its own
	Shards      int           `koanf:"shards"`      // into how many jobs a large scan is split at most, so that many workers do it; 1 is never
	Attempts    int           `koanf:"attempts"`    // of one job, at most
	RetryDelay  conf.Duration `koanf:"retry_delay"` // before the second attempt, doubled for each further one
	Grace       conf.Duration `koanf:"grace"`       // for a backend to stop its work
	Lease       conf.Duration `koanf:"lease"`       // how long a worker may show no life before its job goes to another; the same in every process
}

// Limits are what callers may ask for.
type Limits struct {
	RequestBytes      int64         `koanf:"request_bytes"`        // of a JSON body
	InputBytes        int64         `koanf:"input_bytes"`          // of an input file
	Rate              float64       `koanf:"rate"`                 // requests of one key per second; 0 is no limit
	Burst             int           `koanf:"burst"`                // requests of one key at once
	Concurrent        int           `koanf:"concurrent"`           // requests of one key under way together, watchers included; 0 is no limit
	JobsPerKey        int           `koanf:"jobs_per_key"`         // jobs of one key with workers at a time; 0 is no limit
	JobsWaiting       int           `koanf:"jobs_waiting"`         // jobs that wait for workers, altogether: each takes about 1 kB of memory in every process. About, since submissions under way are not counted; 0 is no limit
	JobsWaitingPerKey int           `koanf:"jobs_waiting_per_key"` // the same, of one key
	Connections       int           `koanf:"connections"`          // open connections, WebSockets included; fewer if the system lets the process open fewer files (a warning at the start says so: LimitNOFILE of systemd, ulimit -Hn). Each takes about 50 KiB; 0 is no limit
	Submissions       int           `koanf:"submissions"`          // submissions at work at a time, batches included: enough for the store to write many as one; 0 is no limit
	Reads             int           `koanf:"reads"`                // other calls at work at a time; 0 is no limit
	Transfers         int           `koanf:"transfers"`            // files under way at a time, up or down; 0 is no limit
	Watchers          int           `koanf:"watchers"`             // WebSockets, long polls and cancellations: they cost memory, about 50 KiB each; 0 is no limit
	Waiting           int           `koanf:"waiting"`              // requests that wait for their turn, of each of submissions, reads and transfers; in overload an eighth of it
	Patience          conf.Duration `koanf:"patience"`             // how long they wait; in overload an eighth of it. More serves nobody more, and makes the first of a flood late
	JobTimeout        conf.Duration `koanf:"job_timeout"`          // from submission to end; 0 is none
	StoreBytes        int64         `koanf:"store_bytes"`          // what the embedded NATS keeps altogether; 0 is three quarters of what the disk has
}

// Retention is how long things are kept.
type Retention struct {
	Jobs      conf.Duration `koanf:"jobs"`      // ended jobs with their events and files
	Snapshots conf.Duration `koanf:"snapshots"` // snapshots; 0 is for ever
	Bytes     int64         `koanf:"bytes"`     // of all files: while there are more, the oldest ended jobs go with theirs. Snapshots count, but go by retention.snapshots alone; 0 is no limit
}

// API is how the API behaves.
type API struct {
	CORSOrigins   []string `koanf:"cors_origins"`   // web pages that may call the API; none
	PublicMetrics bool     `koanf:"public_metrics"` // /metrics without a key
}

// Traces are OpenTelemetry's.
type Traces struct {
	Endpoint string `koanf:"endpoint"` // URL of an OTLP/HTTP collector for OpenTelemetry traces, as https://otel.example.com:4318 (/v1/traces there, unless it has a path); empty is off
}

// Tenant is how the service reaches one tenant of Azure.
type Tenant struct {
	Name     string            `koanf:"name"`     // for people
	Settings map[string]any    `koanf:"settings"` // settings of the backend for this tenant, over those for every tenant: auth, client_id, …
	Files    map[string]string `koanf:"files"`    // settings whose values are the contents of files, such as secrets
}

// defaults are the lowest layer.
func defaults(environ func(string) string) conf.Layer {
	home := environ("XDG_DATA_HOME")
	if home == "" && environ("HOME") != "" {
		home = filepath.Join(environ("HOME"), ".local", "share")
	}
	data := ""
	if home != "" {
		data = filepath.Join(home, "atg", "server")
	}
	return conf.Layer{
		Source: func(string) string { return "default" },
		Values: map[string]any{
			"role": string(RoleAll), "listen": "127.0.0.1:8443", "data_dir": data, "dev": false,
			"nats":    map[string]any{"replicas": 3},
			"backend": map[string]any{"name": "local"},
			"worker":  map[string]any{"concurrency": 2, "shards": worker.DefaultShards, "attempts": 3, "retry_delay": "5s", "grace": "15s", "lease": "8s"},
			"limits": map[string]any{
				"request_bytes": 1 << 20, "input_bytes": 256 << 20, "rate": 2000.0, "burst": 4000, "concurrent": 5000, "job_timeout": "24h",
				"jobs_waiting": 250_000, "jobs_waiting_per_key": 100_000,
				"connections": 25_000, "submissions": 96, "reads": 256, "transfers": 128, "watchers": 20_000, "waiting": 256, "patience": "300ms",
			},
			"retention": map[string]any{"jobs": "720h"},
		},
	}
}

// LoadConfig reads the configuration: the file (empty is none), with overrides (dotted keys of flags and variables) above it. It
// answers every problem at once, as fault.ConfigInvalid.
func LoadConfig(file string, overrides map[string]any, source func(key string) string, environ func(string) string) (Config, error) {
	document := &conf.Document{Values: map[string]any{}}
	if file != "" {
		var err error
		if document, err = conf.ReadFile(file); err != nil {
			return Config{}, err
		}
		if err := private(document); err != nil {
			return Config{}, err
		}
	}
	above := conf.Layer{Source: source}
	for key, value := range overrides {
		above.Set(key, value)
	}
	if problems := conf.Check(document.Values, &Config{}, document.At); len(problems) > 0 {
		return Config{}, wrong(file, problems)
	}
	merged, err := conf.Merge(defaults(environ), conf.Layer{Values: document.Values, Source: document.Source, At: document.At}, above)
	if err != nil {
		return Config{}, fault.New(fault.Internal, "the configuration cannot be merged", fault.Because(err))
	}
	var c Config
	if err := merged.Decode(&c); err != nil {
		return Config{}, fault.New(fault.ConfigInvalid, "the configuration cannot be read", fault.Because(err))
	}
	if problems := c.problems(merged); len(problems) > 0 {
		return Config{}, wrong(file, problems)
	}
	return c, nil
}

func wrong(file string, problems []fault.Problem) error {
	message := "the service's configuration is wrong"
	if file != "" {
		message = fmt.Sprintf("the service's configuration %s is wrong", file)
	}
	return fault.New(fault.ConfigInvalid, message, fault.Problems(problems...), fault.From(fault.OriginService))
}

// private refuses a file that others can read, if it has a place for credentials: of a tenant, or of the backend.
func private(document *conf.Document) error {
	key := ""
	if settings, _ := document.Values["backend"].(map[string]any); settings["settings"] != nil {
		key = "backend.settings"
	}
	if document.Values["tenants"] != nil {
		key = "tenants"
	}
	if nats, _ := document.Values["nats"].(map[string]any); nats != nil {
		if url, _ := nats["url"].(string); strings.Contains(url, "@") { // with a user and a password, or a token
			key = "nats.url"
		}
	}
	if key == "" {
		return nil
	}
	return conf.CheckPrivate(document, key, document.At(key))
}

// interactive are the ways to get a credential that need a person, or a person's own login.
var interactive = []string{"cli", "device-code"}

// problems are those of values that make no sense.
func (c Config) problems(merged *conf.Merged) (problems []fault.Problem) {
	complain := func(key, hint, format string, args ...any) {
		at := merged.At(key)
		p := fault.Problem{Key: key, Message: fmt.Sprintf(format, args...), Hint: hint, Line: at.Line, Column: at.Column}
		if source := merged.Source(key); p.Line == 0 && source != "" {
			p.Message += " (from " + source + ")"
		}
		problems = append(problems, p)
	}
	if !slices.Contains([]Role{RoleAll, RoleAPI, RoleWorker}, c.Role) {
		complain("role", "all, api or worker", "%q is no role", c.Role)
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		complain("listen", "as 127.0.0.1:8443", "%q is no address to listen on", c.Listen)
	}
	if c.DataDir == "" {
		complain("data_dir", "name a folder", "is missing")
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		complain("tls", "give both tls.cert and tls.key", "half of a certificate and key is missing")
	}
	if c.Role != RoleWorker && c.TLS.Cert == "" && !c.Dev {
		complain("tls.cert", "give tls.cert and tls.key, or --dev for a certificate of this machine's own", "the API is served over HTTPS alone and needs a certificate")
	}
	if c.Role == RoleWorker && c.Dev {
		complain("dev", "give it to the process with the API", "--dev makes what an API needs, which a worker is not")
	}
	for key, n := range map[string]int{"worker.concurrency": c.Worker.Concurrency, "worker.shards": c.Worker.Shards, "worker.attempts": c.Worker.Attempts, "nats.replicas": c.NATS.Replicas} {
		if n < 1 {
			complain(key, "1 or more", "%d is too few", n)
		}
	}
	if c.Worker.Lease.Value() < time.Second {
		complain("worker.lease", "1s or more", "%s is too short to show life in", c.Worker.Lease.Value())
	}
	for key, n := range map[string]float64{
		"limits.rate": c.Limits.Rate, "limits.burst": float64(c.Limits.Burst), "limits.concurrent": float64(c.Limits.Concurrent),
		"limits.jobs_per_key": float64(c.Limits.JobsPerKey), "limits.jobs_waiting": float64(c.Limits.JobsWaiting), "limits.jobs_waiting_per_key": float64(c.Limits.JobsWaitingPerKey),
		"limits.connections": float64(c.Limits.Connections), "limits.submissions": float64(c.Limits.Submissions), "limits.reads": float64(c.Limits.Reads), "limits.transfers": float64(c.Limits.Transfers),
		"limits.watchers": float64(c.Limits.Watchers), "limits.waiting": float64(c.Limits.Waiting), "limits.patience": c.Limits.Patience.Value().Seconds(),
		"limits.store_bytes": float64(c.Limits.StoreBytes), "retention.bytes": float64(c.Retention.Bytes),
	} {
		if !(n >= 0) { // nor is NaN
			complain(key, "0 or more", "%v is below 0", n)
		}
	}
	if u, err := url.Parse(c.Traces.Endpoint); c.Traces.Endpoint != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		complain("traces.endpoint", "as https://otel.example.com:4318", "%q is no URL of a collector", c.Traces.Endpoint)
	}
	if c.Limits.RequestBytes < 1024 || c.Limits.InputBytes < 1024 {
		complain("limits", "1024 bytes or more", "nothing could be sent within limits.request_bytes or limits.input_bytes")
	}
	for _, id := range slices.Sorted(maps.Keys(c.Tenants)) {
		for _, settings := range []map[string]any{c.Backend.Settings, c.Tenants[id].Settings} {
			if auth, _ := settings["auth"].(string); slices.Contains(interactive, auth) {
				complain("tenants."+id+".settings.auth", "client-secret, client-certificate, workload-identity, managed-identity or env",
					"the service cannot use %s: nobody is there to sign in", auth)
			}
		}
	}
	if auth, _ := c.Backend.Settings["auth"].(string); len(c.Tenants) == 0 && slices.Contains(interactive, auth) {
		complain("backend.settings.auth", "client-secret, client-certificate, workload-identity, managed-identity or env",
			"the service cannot use %s: nobody is there to sign in", auth)
	}
	slices.SortFunc(problems, func(a, b fault.Problem) int { return strings.Compare(a.Key, b.Key) })
	return problems
}

// settingsFor are the backend's settings with the credential for a tenant.
func (c Config) settingsFor(tenant string) (backend.Settings, error) {
	settings := backend.Settings{}
	maps.Copy(settings, c.Backend.Settings)
	if len(c.Tenants) == 0 {
		return settings, nil
	}
	for id, t := range c.Tenants {
		if !strings.EqualFold(id, tenant) {
			continue
		}
		maps.Copy(settings, t.Settings)
		for name, file := range t.Files {
			content, err := os.ReadFile(file)
			if err != nil {
				return nil, fault.New(fault.AzureAuthRequired, fmt.Sprintf("the service cannot read its credential for tenant %s", tenant),
					fault.Because(err), fault.On(tenant), fault.From(fault.OriginService))
			}
			settings[name] = strings.TrimRight(string(content), "\r\n")
		}
		return settings, nil
	}
	return nil, fault.New(fault.AzureAuthRequired, fmt.Sprintf("the service has no credential for tenant %s", tenant), fault.On(tenant),
		fault.From(fault.OriginService), fault.Hint("ask the service's operator: tenants.%s is missing in the service's configuration", tenant))
}

// span is a duration of the configuration.
func span(d conf.Duration) time.Duration { return d.Value() }

// admission is how many requests the API serves at a time.
func (l Limits) admission() httpapi.Admission {
	return httpapi.Admission{
		Reads: l.Reads, Submissions: l.Submissions, Transfers: l.Transfers, Watchers: l.Watchers, Waiting: l.Waiting, Patience: span(l.Patience),
	}
}
