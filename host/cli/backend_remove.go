package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/ui"
)

type backendRemoveCmd struct {
	Names []string `arg:"" name:"name" help:"Backends that atg has installed."`
}

// Help is the long help.
func (backendRemoveCmd) Help() string {
	return `Removes the programs of backends that atg backend install has installed, and what the lock file says of
them. One that runs goes on to its end.

Examples:
  atg backend remove acme`
}

// Run removes.
func (c *backendRemoveCmd) Run(ctx context.Context, a *app) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	i, err := a.installer(settings, fromFlags{})
	if err != nil {
		return err
	}
	removed := struct {
		Removed []string `json:"removed"`
	}{[]string{}}
	for _, name := range c.Names {
		if _, err := i.Remove(ctx, name); err != nil {
			return err
		}
		removed.Removed = append(removed.Removed, name)
	}
	return a.console.Print(ui.Document{Data: removed, Page: func(p *ui.Page) {
		for _, name := range removed.Removed {
			p.Line("removed ", name)
		}
	}})
}
