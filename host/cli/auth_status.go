package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type authStatusCmd struct {
	URL string `arg:"" optional:"" placeholder:"URL" help:"Service (default: the configured one)."`
}

// Help is the long help.
func (authStatusCmd) Help() string {
	return `Says for which job service atg has a key, where that comes from, and whether the service takes it; never
the key. Exits with 0 if it does, 4 if there is none or it is refused, and 5 if the service cannot
be reached.

Examples:
  atg auth status
  atg --profile prod auth status --jq .accepted`
}

// authStatus is what is known of the key for a service.
type authStatus struct {
	Service   string               `json:"service"`
	KeyFrom   string               `json:"key_from,omitempty"` // for people: keyring, a file, environment X; empty is none
	Accepted  *bool                `json:"accepted,omitempty"` // absent is unknown: there is none, or nobody to ask
	Fault     *fault.Fault         `json:"fault,omitempty"`
	Dependent []backend.Dependency `json:"dependencies,omitempty"` // what the service said of itself and of the key
}

// Run looks and asks.
func (c *authStatusCmd) Run(ctx context.Context, a *app) error {
	settings, address, _, err := a.service(c.URL)
	if err != nil {
		return err
	}
	if err := a.unlock(ctx, settings); err != nil {
		return err
	}
	status := authStatus{Service: address, KeyFrom: settings.KeySource()}
	if status.KeyFrom == "" {
		err = fault.New(fault.AuthRequired, "there is no key for "+address, fault.Hint("atg auth login keeps one"), fault.From(fault.OriginHost))
	} else {
		var h backend.Health
		h, err = a.accepts(ctx, settings)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		status.Dependent = h.Dependencies
		switch fault.CodeOf(err) {
		case "":
			status.Accepted = new(true)
		case fault.AuthRequired, fault.AuthFailed, fault.Forbidden:
			status.Accepted = new(false)
		}
	}
	status.Fault = fault.Of(err)
	if printed := a.console.Print(ui.Document{Data: status, Page: status.show}); printed != nil {
		return printed
	}
	return err
}

func (s *authStatus) show(p *ui.Page) {
	state := ui.Toned{Tone: ui.Warning, Text: "not known: the service could not be asked"}
	switch {
	case s.KeyFrom == "":
		state = ui.Toned{Tone: ui.Bad, Text: "none"}
	case s.Accepted != nil && *s.Accepted:
		state = ui.Toned{Tone: ui.Good, Text: "accepted"}
	case s.Accepted != nil:
		state = ui.Toned{Tone: ui.Bad, Text: "refused"}
	}
	for _, d := range s.Dependent {
		if d.Healthy && d.Message != "" && d.Name == theKey {
			state.Text += ": " + d.Message
		}
	}
	p.Pairs(
		ui.Pair{Name: "service", Value: ui.Toned{Tone: ui.Strong, Text: s.Service}}, ui.Pair{Name: "key", Value: state},
		ui.Pair{Name: "from", Value: s.KeyFrom},
	)
}
