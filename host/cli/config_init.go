package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/ui"
)

type configInitCmd struct {
	Force  bool `help:"Replace the file if it exists."`
	Stdout bool `help:"Print the file instead."`
}

// Help is the long help.
func (configInitCmd) Help() string {
	return `Writes a configuration file in which everything is explained and nothing is set, for you alone to read.

Examples:
  atg config init
  atg --config ./atg.yaml config init`
}

// Run writes.
func (c *configInitCmd) Run(_ context.Context, a *app) error {
	if c.Stdout {
		return a.console.Show(func(p *ui.Page) { p.Lines(string(config.Template())) })
	}
	paths, err := config.FindPaths(a.flags.ConfigFile, a.process.Environ)
	if err != nil {
		return err
	}
	if err := config.Init(paths.Config, c.Force); err != nil {
		return err
	}
	return a.console.Print(ui.Document{Data: paths, Page: func(p *ui.Page) { p.Line("wrote ", paths.Config) }})
}
