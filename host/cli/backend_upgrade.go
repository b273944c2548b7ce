package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/azure-tenant-grapher/atg/host/install"
	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type backendUpgradeCmd struct {
	fromFlags
	Names []string `arg:"" optional:"" name:"name" help:"Backends (default: all that atg has installed)."`
	Yes   bool     `short:"y" help:"Do not ask."`
}

// Help is the long help.
func (backendUpgradeCmd) Help() string {
	return `Installs again what each backend was installed from, if there is something else by now. A backend that was
signed is replaced only by one that the same key has signed. What was installed by its digest stays: install
another digest. A command that is running goes on with the program that it has started.

Examples:
  atg backend list --outdated
  atg backend upgrade
  atg backend upgrade acme --yes`
}

// upgraded is what became of a backend.
type upgraded struct {
	Name   string       `json:"name"`
	State  string       `json:"state"` // upgraded, current, pinned, failed
	Before string       `json:"before,omitempty"`
	After  string       `json:"after,omitempty"`
	Fault  *fault.Fault `json:"fault,omitempty"`
}

// Run upgrades each on its own; the fault is that of the first that failed.
func (c *backendUpgradeCmd) Run(ctx context.Context, a *app) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	i, err := a.installer(settings, c.fromFlags)
	if err != nil {
		return err
	}
	lock, err := lockfile.Read(settings.Paths.Lock)
	if err != nil {
		return err
	}
	if !c.Yes && !a.console.CanAsk() {
		return needsFlag("upgrading backends")
	}
	names := c.Names
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(lock.Backends))
	}
	rows, first := []upgraded{}, error(nil)
	for _, name := range names {
		e, ok := lock.Backends[name]
		if !ok {
			return fault.New(fault.BackendNotFound, fmt.Sprintf("the backend %q was not installed by atg", name), fault.From(fault.OriginHost), fault.Hint("atg backend install installs one"))
		}
		row, err := c.one(ctx, a, i, name, e)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			row = upgraded{Name: name, State: "failed", Before: e.Version, Fault: fault.Of(err)}
			if first == nil {
				first = err
			}
		}
		rows = append(rows, row)
	}
	if err := a.console.Print(ui.Document{
		Data: struct {
			Backends []upgraded `json:"backends"`
		}{rows},
		Items: ui.Items(rows),
		Page:  func(p *ui.Page) { upgradeTable(p, rows) },
	}); err != nil {
		return err
	}
	return first
}

func (c *backendUpgradeCmd) one(ctx context.Context, a *app, i *install.Installer, name string, e lockfile.Entry) (upgraded, error) {
	row := upgraded{Name: name, State: "current", Before: e.Version, After: e.Version}
	fresh := i.Look(ctx, e)
	switch {
	case fresh.Fault != nil:
		return row, fresh.Fault
	case fresh.Pinned:
		row.State = "pinned"
		return row, nil
	case !fresh.Outdated:
		return row, nil
	}
	done, err := a.install(ctx, i, install.Request{Source: e.Source, Name: name}, true, c.Yes)
	if err != nil {
		return row, err
	}
	row.State, row.After = "upgraded", done.Version
	return row, nil
}

func upgradeTable(p *ui.Page, rows []upgraded) {
	t := ui.Table{Columns: []ui.Column{{Title: "NAME", Whole: true}, {Title: "STATE", Whole: true}, {Title: "BEFORE"}, {Title: "AFTER"}}, Empty: "atg has installed no backend"}
	for _, r := range rows {
		t.Rows = append(t.Rows, []string{r.Name, r.State, r.Before, r.After})
	}
	p.Table(t)
	for _, r := range rows {
		if r.Fault != nil {
			p.Prose(0, 2, ui.Toned{Tone: ui.Bad, Text: r.Name + ":"}, " ", r.Fault.Error())
		}
	}
}
