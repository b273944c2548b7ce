package config

import (
	"fmt"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// CheckRemote says what the remote mode still lacks, as fault.ConfigInvalid. It is nil in any other
// mode. Call it before an operation starts: it connects with nothing.
func (c *Config) CheckRemote() error {
	if !c.IsRemoteMode() {
		return nil
	}
	settings := c.Settings(Remote)
	var problems []fault.Problem
	for _, need := range []struct{ key, variable string }{{"service_url", "ATG_SERVICE_URL"}, {"api_key", "ATG_API_KEY"}} {
		if settings[need.key] == nil || settings[need.key] == "" {
			problems = append(problems, fault.Problem{
				Key: remoteSettings + need.key, Message: "is needed in remote mode", Hint: "set it, or " + need.variable,
			})
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return invalid(fmt.Sprintf("remote mode (from %s) lacks what it needs", c.merged.Source("backend")), problems)
}
