package cli

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/discover"
	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type backendListCmd struct {
	fromFlags
	Describe bool `help:"Start each, and ask what it is."`
	Outdated bool `help:"List only installed ones whose source has something else by now."`
}

// Help is the long help.
func (backendListCmd) Help() string {
	return `Lists the backends that atg finds: local and remote beside the atg program; others by
backends.NAME.path, in the folders of $ATG_BACKEND_PATH, as atg backend install has recorded them in the lock
file, and in $XDG_DATA_HOME/atg/backends, as programs named atg-backend-NAME. None of them is started, unless --describe says so. One that
cannot be used is listed with the reason.

With --outdated, the source of each backend that atg has installed is asked whether it has something else by
now. What was installed by its digest never has.

Examples:
  atg backend list
  atg backend list --describe -o json
  atg backend list --outdated`
}

// listed is a backend in the list.
type listed struct {
	discover.Program
	Chosen      bool                 `json:"chosen"` // what commands use as they stand
	Description *backend.Description `json:"description,omitempty"`
}

// Run lists.
func (c *backendListCmd) Run(ctx context.Context, a *app) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	if c.Outdated {
		return c.outdated(ctx, a, settings)
	}
	if _, err := lockfile.Read(settings.Paths.Lock); err != nil {
		a.console.Note("%s", err)
	}
	d := a.dispatcherFor(settings, finder(settings))
	backends := []listed{}
	for _, p := range discover.List(discover.From(settings)) {
		b := listed{Program: p, Chosen: p.Name == settings.Backend}
		if c.Describe && p.Fault == nil {
			description, err := d.Describe(ctx, p.Name)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err != nil {
				b.Fault = fault.Of(err)
			} else {
				b.Description = &description
			}
		}
		backends = append(backends, b)
	}
	return a.console.Print(ui.Document{
		Data: struct {
			Backends []listed `json:"backends"`
		}{backends},
		Items: ui.Items(backends),
		Page:  func(p *ui.Page) { backendTable(p, backends, c.Describe) },
	})
}

func backendTable(p *ui.Page, backends []listed, described bool) {
	t := ui.Table{
		Columns: []ui.Column{{}, {Title: "NAME", Whole: true}, {Title: "STATE", Whole: true}, {Title: "PATH"}, {Title: "FOUND BY"}},
		Empty:   "no backends",
		Tone: func(row, column int) ui.Tone {
			switch {
			case column == 2 && backends[row].Fault != nil:
				return ui.Bad
			case column == 1 && backends[row].Chosen:
				return ui.Strong
			}
			return ui.Normal
		},
	}
	if described {
		t.Columns = append(t.Columns, ui.Column{Title: "VERSION", Whole: true}, ui.Column{Title: "SUMMARY"})
	}
	for _, b := range backends {
		mark, state := "", "ok"
		if b.Chosen {
			mark = "*"
		}
		if b.Fault != nil {
			state = "broken"
		}
		row := []string{mark, b.Name, state, b.Path, b.Source}
		if described {
			version, summary := "", ""
			if b.Description != nil {
				version, summary = b.Description.Version, b.Description.Summary
			}
			row = append(row, version, summary)
		}
		t.Rows = append(t.Rows, row)
	}
	p.Table(t)
	for _, b := range backends {
		if b.Fault != nil {
			p.Prose(0, 2, ui.Toned{Tone: ui.Bad, Text: b.Name + ":"}, " ", b.Fault.Error())
		}
	}
}
