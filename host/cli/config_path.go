package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/ui"
)

type configPathCmd struct{}

// Help is the long help.
func (configPathCmd) Help() string {
	return `Prints where the configuration file is, or would be. -o json also has the folders of data, cache and state.

Examples:
  atg config path
  atg config path --jq .state`
}

// Run prints.
func (configPathCmd) Run(_ context.Context, a *app) error {
	paths, err := config.FindPaths(a.flags.ConfigFile, a.process.Environ)
	if err != nil {
		return err
	}
	return a.console.Print(ui.Document{Data: paths, Page: func(p *ui.Page) { p.Line(paths.Config) }})
}
