package local_test

import (
	"context"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/plugins/local"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/conformance"
)

func TestConformance(t *testing.T) {
	_, settings := simulate(t, azuresim.Config{})
	_, err := conformance.Run(t.Context(), &conformance.Subject{
		Start: func(ctx context.Context) (backend.Backend, func(), error) {
			b := local.New()
			return b, func() { _ = b.Close(context.WithoutCancel(ctx)) }, nil
		},
		Settings: settings,
		Scan:     backend.ScanRequest{Depth: backend.DepthResources, Filter: backend.Filter{Locations: []string{"westeurope"}}},
	}, func(o conformance.Outcome) {
		if o.Err != nil {
			t.Errorf("%s: %v (%s)", o.Check.Name, o.Err, o.Check.Requirement)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestHealth(t *testing.T) {
	cases := map[string]struct {
		faults  azuresim.Faults
		change  backend.Settings
		healthy map[string]bool
	}{
		"all is well": {azuresim.Faults{}, nil, map[string]bool{"snapshot store": true, "credential": true, "Azure Resource Manager": true, "Resource Graph": true,
			"permission to scan": true, "permission to create": true, "permission to assign roles": true, "clock": true}},
		"no credential": {azuresim.Faults{}, backend.Settings{"client_secret": "wrong"},
			map[string]bool{"snapshot store": true, "credential": false, "Azure Resource Manager": false, "Resource Graph": false}},
		"no Resource Graph": {azuresim.Faults{Rules: []azuresim.Fault{{Path: graphPath, Status: 403}}}, nil,
			map[string]bool{"snapshot store": true, "credential": true, "Azure Resource Manager": true, "Resource Graph": false,
				"permission to scan": true, "permission to create": true, "permission to assign roles": true, "clock": true}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			sim, settings := simulate(t, azuresim.Config{})
			for k, v := range c.change {
				settings[k] = v
			}
			b := start(t, settings)
			inject(t, sim, c.faults)
			h := b.CheckHealth(t.Context())
			whole := true
			for _, d := range h.Dependencies {
				if d.Healthy != c.healthy[d.Name] || !d.Healthy && d.Message == "" {
					t.Errorf("%+v", d)
				}
				whole = whole && d.Healthy
			}
			if len(h.Dependencies) != len(c.healthy) || h.Healthy != whole || !whole && h.Message == "" {
				t.Errorf("health = %+v", h)
			}
		})
	}
}

// TestPermissions: what the principal lacks does not make the backend unhealthy, and the least role is named.
func TestPermissions(t *testing.T) {
	for name, c := range map[string]struct {
		role  azuresim.Role
		deny  int // subscriptions
		lacks map[string]string
	}{
		"owner":       {azuresim.RoleOwner, 0, map[string]string{}},
		"contributor": {azuresim.RoleContributor, 0, map[string]string{"permission to assign roles": "in 0 of 3"}},
		"reader":      {azuresim.RoleReader, 0, map[string]string{"permission to create": "in 0 of 3", "permission to assign roles": "in 0 of 3"}},
		"owner of two": {azuresim.RoleOwner, 1, map[string]string{
			"permission to scan": "in 2 of 3", "permission to create": "in 2 of 3", "permission to assign roles": "in 2 of 3"}},
	} {
		t.Run(name, func(t *testing.T) {
			sim, settings := simulate(t, azuresim.Config{Role: c.role})
			for _, s := range sim.Tenant().Subscriptions[:c.deny] {
				inject(t, sim, azuresim.Faults{Deny: []string{s.ID}})
			}
			h := start(t, settings).CheckHealth(t.Context())
			for _, d := range h.Dependencies {
				want, lacks := c.lacks[d.Name]
				if lacks == d.Healthy || !strings.HasPrefix(d.Message, want) || lacks && (d.Fault == nil || d.Fault.Hint == "" || !d.Optional) {
					t.Errorf("%+v", d)
				}
			}
			if !h.Healthy {
				t.Errorf("not healthy: %s", h.Message)
			}
		})
	}
}
