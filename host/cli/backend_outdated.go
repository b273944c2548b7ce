package cli

import (
	"context"
	"maps"
	"slices"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/install"
	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/host/ui"
)

// outdatedBackend is an installed backend whose source has something else, or cannot be asked.
type outdatedBackend struct {
	Name      string            `json:"name"`
	Installed lockfile.Entry    `json:"installed"`
	Available install.Freshness `json:"available"`
}

// outdated lists what atg backend upgrade would replace.
func (c *backendListCmd) outdated(ctx context.Context, a *app, settings *config.Config) error {
	if c.Describe {
		return usage("--describe starts what is here, and --outdated asks what is elsewhere: give one of them")
	}
	i, err := a.installer(settings, c.fromFlags)
	if err != nil {
		return err
	}
	lock, err := lockfile.Read(settings.Paths.Lock)
	if err != nil {
		return err
	}
	found := []outdatedBackend{}
	for _, name := range slices.Sorted(maps.Keys(lock.Backends)) {
		e := lock.Backends[name]
		fresh := i.Look(ctx, e)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if fresh.Outdated || fresh.Fault != nil {
			found = append(found, outdatedBackend{name, e, fresh})
		}
	}
	return a.console.Print(ui.Document{
		Data: struct {
			Backends []outdatedBackend `json:"backends"`
		}{found},
		Items: ui.Items(found),
		Page:  func(p *ui.Page) { outdatedTable(p, found) },
	})
}

func outdatedTable(p *ui.Page, found []outdatedBackend) {
	t := ui.Table{
		Columns: []ui.Column{{Title: "NAME", Whole: true}, {Title: "INSTALLED"}, {Title: "AVAILABLE"}, {Title: "SOURCE"}},
		Empty:   "what atg has installed is up to date",
	}
	for _, b := range found {
		available := nameOr(b.Available.Version, "something else")
		if b.Available.Fault != nil {
			available = "unknown"
		}
		t.Rows = append(t.Rows, []string{b.Name, b.Installed.Version, available, b.Installed.Source})
	}
	p.Table(t)
	for _, b := range found {
		if f := b.Available.Fault; f != nil {
			p.Prose(0, 2, ui.Toned{Tone: ui.Bad, Text: b.Name + ":"}, " ", f.Error())
		}
	}
}
