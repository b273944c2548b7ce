package cli

import (
	"context"
	"fmt"

	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type healthCmd struct{}

// Help is the long help.
func (healthCmd) Help() string {
	return `Starts the backend and asks it whether it and what it depends on work: credential, endpoints, store.
Exits with 0 if everything does, and with 5 otherwise.

Examples:
  atg health
  atg --backend remote health --jq .healthy`
}

// Run asks.
func (healthCmd) Run(ctx context.Context, a *app) error {
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	h, err := d.Health(ctx, d.Backend())
	if err != nil {
		return err
	}
	document := ui.Document{
		Data: struct {
			Backend string `json:"backend"`
			backend.Health
		}{d.Backend(), h},
		Page: func(p *ui.Page) { p.Health(d.Backend(), h) },
	}
	if err := a.console.Print(document); err != nil {
		return err
	}
	if !h.Healthy {
		return fault.New(fault.ServiceUnavailable, fmt.Sprintf("backend %s is not healthy", d.Backend()), fault.From(fault.OriginHost))
	}
	return nil
}
