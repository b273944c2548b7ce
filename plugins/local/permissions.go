package local

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// duty is something that a principal needs permissions for, and the least of Azure's own roles that has them.
// docs/permissions.md has the rest.
type duty struct {
	name    string
	actions []string
	role    string
}

var duties = []duty{
	{"permission to scan", []string{
		"Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Resources/subscriptions/resources/read", "Microsoft.Compute/virtualMachines/read",
		"Microsoft.Authorization/roleAssignments/read", "Microsoft.Authorization/policyAssignments/read", "Microsoft.Authorization/locks/read",
	}, "Reader"},
	{"permission to create", []string{
		"Microsoft.Resources/deployments/validate/action", "Microsoft.Resources/deployments/write", "Microsoft.Resources/subscriptions/resourceGroups/write",
		"Microsoft.Network/virtualNetworks/write",
	}, "Contributor"},
	{"permission to assign roles", []string{"Microsoft.Authorization/roleAssignments/write"}, "Role Based Access Control Administrator"},
}

// mostAsked is of how many subscriptions the permissions are asked.
const mostAsked = 20

// checkPermissions says in how many subscriptions the principal may do what atg does. None of it keeps the backend from working.
func checkPermissions(ctx context.Context, session *azure.Session) []backend.Dependency {
	var asked []azure.Subscription
	var permissions []azure.Permissions
	began := time.Now()
	failed := check(ctx, "permissions", func(ctx context.Context) (string, error) {
		visible, err := session.Subscriptions(ctx)
		if err != nil {
			return "", err
		}
		visible = slices.DeleteFunc(visible, func(s azure.Subscription) bool { return !s.Enabled() })
		asked = visible[:min(len(visible), mostAsked)]
		for _, s := range asked {
			p, err := session.Permissions(ctx, s.ID)
			if err != nil && fault.CodeOf(err) != fault.AzureForbidden {
				return "", err
			}
			permissions = append(permissions, p)
		}
		return "", nil
	})
	if !failed.Healthy {
		failed.Optional = true
		return []backend.Dependency{failed}
	}
	each := time.Since(began).Seconds() / float64(len(duties))
	var found []backend.Dependency
	for _, d := range duties {
		found = append(found, d.check(asked, permissions, each))
	}
	return found
}

// check says in which subscriptions the duty can be done.
func (d duty) check(asked []azure.Subscription, permissions []azure.Permissions, seconds float64) backend.Dependency {
	var lacking []string
	for i, p := range permissions {
		if slices.ContainsFunc(d.actions, func(action string) bool { return !p.Allow(action) }) {
			lacking = append(lacking, asked[i].Name)
		}
	}
	to := backend.Dependency{Name: d.name, Healthy: len(lacking) == 0 && len(asked) > 0, Optional: true, LatencySeconds: seconds,
		Message: fmt.Sprintf("in %d of %d subscriptions", len(asked)-len(lacking), len(asked))}
	if to.Healthy {
		return to
	}
	if len(lacking) > 0 {
		shown := lacking[:min(len(lacking), 3)]
		to.Message += "; not in " + strings.Join(shown, ", ")
		if len(lacking) > len(shown) {
			to.Message += fmt.Sprintf(" and %d more", len(lacking)-len(shown))
		}
	}
	to.Fault = fault.New(fault.AzureForbidden, to.Message, fault.From(fault.OriginAzure),
		fault.Hint("the least role for that is %s: ask an owner to assign it, on a management group for all subscriptions below it", d.role))
	return to
}

// clockSlack is how far the clock may be off. Tokens and certificates are refused from five minutes on; half of it is a
// warning in time.
const clockSlack = 150 * time.Second

// checkClock compares this machine's clock with Azure's, which its answers tell.
func (e *engine) checkClock() backend.Dependency {
	off := e.azure.Skew().Round(time.Second)
	d := backend.Dependency{Name: "clock", Healthy: off.Abs() <= clockSlack, Optional: true, Message: "agrees with Azure's"}
	if d.Healthy {
		return d
	}
	d.Message = fmt.Sprintf("is %s ahead of Azure's", off)
	if off < 0 {
		d.Message = fmt.Sprintf("is %s behind Azure's", -off)
	}
	d.Fault = fault.New(fault.AzureAuthRequired, "this machine's clock "+d.Message,
		fault.Hint("set the clock, best by a time service: Azure refuses tokens from a clock that is five minutes off"))
	return d
}
