package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/credential"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// keys is the store of keys. ATG_KEYRING=off goes without the system's keyring.
func (a *app) keys(c *config.Config) *credential.Store {
	return credential.New(credential.Options{
		Keyring: a.process.Getenv("ATG_KEYRING") != "off", File: c.Paths.Credentials, Note: a.console.Note,
	})
}

// unlock gives the remote backend the key that is kept for its service, where the configuration has none.
func (a *app) unlock(ctx context.Context, c *config.Config) error {
	client := c.Client()
	origin := credential.Origin(client.ServiceURL)
	if !client.APIKey.IsZero() || origin == "" {
		return nil
	}
	key, source, err := a.keys(c).Get(ctx, origin)
	if err != nil || key.IsZero() {
		return err
	}
	c.UseKey(key, keptIn(c, source))
	return nil
}

// keptIn says to people where a key is kept.
func keptIn(c *config.Config, source credential.Source) string {
	if source == credential.File {
		return c.Paths.Credentials
	}
	return string(source)
}

// service lets the configuration speak with the service at url, or with the configured one if that is empty,
// and answers its URL and origin.
func (a *app) service(url string) (c *config.Config, address, origin string, err error) {
	if c, err = a.config(); err != nil {
		return nil, "", "", err
	}
	if url != "" {
		if url != c.Client().ServiceURL {
			c.UseService(url, "the command line")
		}
	}
	client := c.Client()
	if client.ServiceURL == "" {
		return nil, "", "", fault.New(fault.ConfigInvalid, "no job service is configured",
			fault.Hint("name one: atg auth … https://atg.example.com, ATG_SERVICE_URL, or backends.remote.settings.service_url"), fault.From(fault.OriginHost))
	}
	client.RemoteMode = false // which would want a key: that is what these commands are about
	if err := client.Validate(); err != nil {
		return nil, "", "", err
	}
	return c, client.ServiceURL, credential.Origin(client.ServiceURL), nil
}
