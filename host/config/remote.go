package config

import (
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
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
	if len(problems) == 0 {
		return nil
	}
	return fault.New(fault.ConfigInvalid, "the remote mode is not configured", fault.Problems(c.located(Remote, problems)...),
		fault.From(fault.OriginHost))
}
