package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/credential"
	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

type authLoginCmd struct {
	URL         string `arg:"" optional:"" placeholder:"URL" help:"Service (default: the configured one)."`
	APIKeyStdin bool   `name:"api-key-stdin" help:"Read the key from standard input instead of asking for it."`
	NoVerify    bool   `help:"Do not ask the service whether it takes the key."`
}

// Help is the long help.
func (authLoginCmd) Help() string {
	return `Asks for the key of a job service, tries it there, and keeps it in the system's keyring; where there is
none, in a file that you alone can read. A key belongs to one service, so that several services may
each have theirs. ATG_API_KEY wins over it.

Examples:
  atg auth login https://atg.example.com
  atg --profile prod auth login
  pass show atg/prod | atg --profile prod auth login --api-key-stdin`
}

// login is what was kept.
type login struct {
	Service  string            `json:"service"`
	KeptIn   credential.Source `json:"kept_in"`
	File     string            `json:"file,omitempty"`
	Verified bool              `json:"verified"`
}

// Run asks, tries and keeps.
func (c *authLoginCmd) Run(ctx context.Context, a *app) error {
	settings, address, _, err := a.service(c.URL)
	if err != nil {
		return err
	}
	if !c.APIKeyStdin && !a.console.CanAsk() {
		return fault.New(fault.InvalidArgument, "there is nobody to ask for the key", fault.Hint("give it with --api-key-stdin"), fault.From(fault.OriginHost))
	}
	var key secret.String
	if c.APIKeyStdin {
		key, err = a.console.ReadSecret()
	} else {
		key, err = a.console.AskSecret(ctx, "Key for "+address+" (it does not show):")
	}
	if err != nil {
		return err
	}
	if key.IsZero() {
		return usage("the key is empty")
	}
	done, err := a.keep(ctx, settings, key, !c.NoVerify)
	if err != nil {
		return err
	}
	return a.console.Print(ui.Document{Data: done, Page: func(p *ui.Page) {
		p.Line("logged in to ", ui.Toned{Tone: ui.Strong, Text: address}, "; the key is kept in ", place(done.KeptIn, done.File))
		if c.URL != "" {
			p.Gap()
			p.Line(ui.Toned{Tone: ui.Faint, Text: "next: "}, "export ATG_SERVICE_URL="+address+", or set backends.remote.settings.service_url; then atg --remote scan")
		}
	}})
}

// keep tries the key of the configured service, if that is wanted, and keeps it.
func (a *app) keep(ctx context.Context, settings *config.Config, key secret.String, verify bool) (login, error) {
	address, configured := settings.Client().ServiceURL, settings.KeySource()
	settings.UseKey(key, "this login")
	if err := settings.Client().Validate(); err != nil {
		return login{}, err
	}
	if verify {
		if _, err := a.accepts(ctx, settings); err != nil {
			return login{}, notKept(err)
		}
	}
	source, err := a.keys(settings).Put(ctx, credential.Origin(address), key)
	if err != nil {
		return login{}, err
	}
	if configured != "" {
		a.console.Note("the key of %s wins over the one that was kept now", configured)
	}
	done := login{Service: address, KeptIn: source, Verified: verify}
	if source == credential.File {
		done.File = settings.Paths.Credentials
	}
	return done, nil
}

func place(source credential.Source, file string) string {
	if source == credential.File {
		return file
	}
	return "the keyring"
}

// notKept says that a key which could not be tried was not kept either.
func notKept(err error) error {
	f := *fault.Of(err)
	switch f.Code {
	case fault.AuthRequired, fault.AuthFailed, fault.Forbidden:
		f.Message = "the service does not take the key, which was not kept: " + f.Message
	case fault.ServiceUnavailable, fault.Throttled, fault.RemoteFailed:
		f.Message = "the key could not be tried and was not kept: " + f.Message
		if f.Hint != "" {
			f.Hint += "\n"
		}
		f.Hint += "keep it all the same with --no-verify"
	}
	return &f
}

// theKey is the dependency by which the remote backend says whether the service takes the key.
const theKey = "key"

// accepts asks the service whether it takes the key that settings have; the fault is its reason. What else may
// be wrong with the service is not asked.
func (a *app) accepts(ctx context.Context, settings *config.Config) (backend.Health, error) {
	h, err := a.dispatcherFor(settings, finder(settings)).Health(ctx, config.Remote)
	if err != nil || h.Healthy {
		return h, err
	}
	for _, d := range h.Dependencies {
		if d.Name == theKey && d.Healthy {
			return h, nil
		}
		if d.Name == theKey && d.Fault != nil {
			return h, d.Fault
		}
	}
	return h, dispatch.Unhealthy(config.Remote, h)
}
