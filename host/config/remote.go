package config

import (
	"maps"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// Client is the common view of the host and of the remote backend. What has no proper form keeps its
// default here; CheckRemote tells.
func (c *Config) Client() backend.ATGClientConfig {
	client, _ := c.client()
	return client
}

func (c *Config) client() (backend.ATGClientConfig, []fault.Problem) {
	client := backend.DefaultClientConfig()
	problems := client.Apply(c.Settings(Remote))
	client.RemoteMode, client.ShowProgress, client.ProgressUpdateInterval = c.IsRemoteMode(), c.ShowProgress, c.ProgressUpdateInterval
	return client, problems
}

// CheckRemote says what the remote mode still lacks or has wrong, as fault.ConfigInvalid. It is nil in
// any other mode. Call it before an operation starts.
func (c *Config) CheckRemote() error {
	if !c.IsRemoteMode() {
		return nil
	}
	client, problems := c.client()
	if err := client.Validate(); err != nil {
		problems = append(problems, fault.Of(err).Problems...)
	}
	for i := range problems {
		if p := &problems[i]; p.Key == apiKey && client.APIKey.IsZero() {
			p.Hint = "store one with atg auth login, or set ATG_API_KEY"
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return fault.New(fault.ConfigInvalid, "the remote mode is not configured", fault.Problems(c.located(Remote, problems)...),
		fault.From(fault.OriginHost))
}

// The settings of the remote backend that a command may bring along.
const (
	apiKey     = "api_key"
	serviceURL = "service_url"
)

// UseKey gives the remote backend a key that stands in no layer; source says to people where it is kept.
func (c *Config) UseKey(key secret.String, source string) { c.use(apiKey, key.Reveal(), source) }

// UseService lets the remote backend speak with the service at url; source says to people who wants that.
func (c *Config) UseService(url, source string) { c.use(serviceURL, url, source) }

func (c *Config) use(setting, value, source string) {
	b := c.Backends[Remote]
	b.Settings = maps.Clone(b.Settings)
	if b.Settings == nil {
		b.Settings = backend.Settings{}
	}
	b.Settings[setting] = value
	c.Backends = maps.Clone(c.Backends)
	if c.Backends == nil {
		c.Backends = map[string]Backend{}
	}
	c.Backends[Remote] = b
	if c.given == nil {
		c.given = map[string]string{}
	}
	c.given[setting] = source
}

// KeySource says where the key for the service comes from, for people; empty if there is none.
func (c *Config) KeySource() string {
	if source, ok := c.given[apiKey]; ok {
		return source
	}
	if c.Client().APIKey.IsZero() {
		return ""
	}
	return c.merged.Source(remoteSettings + apiKey)
}
