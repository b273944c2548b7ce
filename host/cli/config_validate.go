package cli

import (
	"context"
	"maps"
	"slices"

	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type configValidateCmd struct{}

// Help is the long help.
func (configValidateCmd) Help() string {
	return `Checks the file, the variables and the flags, and asks each backend that has settings for their schema.
Every problem is shown at once.

Examples:
  atg config validate
  atg --profile prod config validate`
}

// Run checks.
func (configValidateCmd) Run(ctx context.Context, a *app) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	if c.IsRemoteMode() {
		if err := a.unlock(ctx, c); err != nil {
			return err
		}
	}
	if err := c.CheckRemote(); err != nil {
		return err
	}
	d := a.dispatcherFor(c, finder(c))
	all := fault.New(fault.ConfigInvalid, "the configuration is wrong", fault.On(c.File), fault.From(fault.OriginHost))
	for _, name := range slices.Sorted(maps.Keys(c.Backends)) {
		if len(c.Backends[name].Settings) == 0 {
			continue
		}
		description, err := d.Describe(ctx, name)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			all.Problems = append(all.Problems, fault.Problem{Key: "backends." + name, Message: err.Error()})
			continue
		}
		if f := fault.Of(c.CheckSettings(name, description.SettingsSchema)); f != nil {
			all.Problems = append(all.Problems, f.Problems...)
		}
	}
	if len(all.Problems) > 0 {
		return all
	}
	return a.console.Print(ui.Document{
		Data: struct {
			Valid bool   `json:"valid"`
			File  string `json:"file,omitempty"`
		}{true, c.File},
		Page: func(p *ui.Page) {
			where := c.File
			if where == "" {
				where = "there is no file, and nothing else is wrong"
			}
			p.Line(ui.Toned{Tone: ui.Good, Text: "valid"}, "  ", where)
		},
	})
}
