package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type configInitCmd struct {
	Force  bool `help:"Replace the file if it exists."`
	Stdout bool `help:"Print the file in which everything is explained instead."`
}

// Help is the long help.
func (configInitCmd) Help() string {
	return `On a terminal it asks what you want of atg, a few questions with defaults, and writes that: into the
configuration, or into a profile of its own beside it. A service's key is kept where atg auth login keeps it. Where
there is nobody to ask, and with --no-input, it writes a file in which everything is explained and nothing is set.
The file is for you alone to read. One that exists is replaced only if you say so.

Examples:
  atg config init
  atg --profile prod config init                # a profile of that name
  atg --no-input config init                    # everything explained, nothing set
  atg --config ./atg.yaml config init --force
  atg config init --stdout > atg.yaml`
}

// initialized is what was written.
type initialized struct {
	config.Paths
	Written string `json:"written"` // the file
	Profile string `json:"profile,omitempty"`
	Login   *login `json:"login,omitempty"` // the key that was kept
}

// Run writes.
func (c *configInitCmd) Run(ctx context.Context, a *app) error {
	if c.Stdout {
		return a.console.Show(func(p *ui.Page) { p.Lines(string(config.Template())) })
	}
	paths, err := config.FindPaths(a.flags.ConfigFile, a.process.Environ)
	if err != nil {
		return err
	}
	if a.console.CanAsk() {
		return c.interview(ctx, a, paths)
	}
	if err := config.Init(paths.Config, config.Template(), c.Force); err != nil {
		return err
	}
	return a.console.Print(ui.Document{
		Data: initialized{Paths: paths, Written: paths.Config}, Page: func(p *ui.Page) { p.Line("wrote ", paths.Config) },
	})
}

// interview asks, writes what was answered, and says how to go on.
func (c *configInitCmd) interview(ctx context.Context, a *app, paths config.Paths) error {
	i := interview{a: a, paths: paths}
	done := initialized{Paths: paths}
	var err error
	if done.Profile, done.Written, err = i.where(ctx); err != nil {
		return err
	}
	if _, err := os.Lstat(done.Written); !errors.Is(err, fs.ErrNotExist) && !c.Force {
		if err := a.confirm(ctx, done.Written+" exists. Replace it?"); err != nil {
			return err
		}
	}
	content, key, err := i.answers(ctx)
	if err != nil {
		return err
	}
	if err := config.Init(done.Written, content, true); err != nil {
		return err
	}
	if !key.IsZero() {
		if done.Login, err = i.login(ctx, done.Profile, key); err != nil {
			a.console.Fault(fault.Of(err)) // the file is written all the same
		}
	}
	return a.console.Print(ui.Document{Data: done, Page: func(p *ui.Page) {
		p.Line("wrote ", ui.Link{Toned: ui.Toned{Text: done.Written}, To: done.Written})
		if done.Login != nil {
			p.Line("the key is kept in ", place(done.Login.KeptIn, done.Login.File))
		}
		p.Gap()
		again := i.command(done.Profile)
		p.Line(ui.Toned{Tone: ui.Faint, Text: "next: "}, again, " doctor", ui.Toned{Tone: ui.Faint, Text: "   says what is still missing"})
		p.Line("      ", again, " scan", ui.Toned{Tone: ui.Faint, Text: "     reads the tenant"})
	}})
}
