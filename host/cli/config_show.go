package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/ui"
)

type configShowCmd struct{}

// Help is the long help.
func (configShowCmd) Help() string {
	return `Shows the values in effect, and for each whether it comes from a flag, a variable, a profile, a file
or the default. To know which settings of a backend are secret it asks the backend; those of one
that cannot answer are all hidden.

Examples:
  atg config show
  atg --profile prod config show -o json`
}

// Run shows.
func (configShowCmd) Run(ctx context.Context, a *app) error {
	c, err := a.config()
	if err != nil {
		return err
	}
	if c.IsRemoteMode() {
		if err := a.unlock(ctx, c); err != nil {
			return err
		}
	}
	d := a.dispatcherFor(c, finder(c))
	schemas := map[string]json.RawMessage{}
	for name, b := range c.Backends {
		if len(b.Settings) == 0 {
			continue
		}
		if description, err := d.Describe(ctx, name); err == nil {
			schemas[name] = description.SettingsSchema
		} else if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	values := c.Values(schemas)
	return a.console.Print(ui.Document{
		Data: struct {
			Values []config.Value `json:"values"`
		}{values},
		Items: ui.Items(values),
		Page: func(p *ui.Page) {
			t := ui.Table{Columns: []ui.Column{{Title: "KEY", Whole: true}, {Title: "VALUE"}, {Title: "FROM"}}}
			for _, v := range values {
				t.Rows = append(t.Rows, []string{v.Key, fmt.Sprint(v.Value), v.Source})
			}
			p.Table(t)
		},
	})
}
