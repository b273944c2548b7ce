package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/credential"
	"github.com/azure-tenant-grapher/atg/host/ui"
)

type authLogoutCmd struct {
	URL string `arg:"" optional:"" placeholder:"URL" help:"Service (default: the configured one)."`
}

// Help is the long help.
func (authLogoutCmd) Help() string {
	return `Forgets the key that atg auth login has kept for a job service. The service goes on to take it: its
operator revokes keys.

Examples:
  atg auth logout
  atg auth logout https://atg.example.com`
}

// Run forgets.
func (c *authLogoutCmd) Run(ctx context.Context, a *app) error {
	settings, address, origin, err := a.service(c.URL)
	if err != nil {
		return err
	}
	removed, err := a.keys(settings).Delete(ctx, origin)
	if err != nil {
		return err
	}
	if source := settings.KeySource(); source != "" {
		a.console.Note("there is still the key of %s", source)
	}
	if removed == nil {
		removed = []credential.Source{}
	}
	return a.console.Print(ui.Document{
		Data: struct {
			Service     string              `json:"service"`
			RemovedFrom []credential.Source `json:"removed_from"`
		}{address, removed},
		Page: func(p *ui.Page) {
			if len(removed) == 0 {
				p.Line("no key was kept for ", address)
				return
			}
			p.Line("logged out of ", ui.Toned{Tone: ui.Strong, Text: address})
		},
	})
}
