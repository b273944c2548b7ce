package discovery

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/nearest"
	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// scope is what a scan covers.
type scope struct {
	session       *azure.Session
	tenant        azure.Tenant
	subscriptions []azure.Subscription // by id; those in scope, the disabled ones included
	delegated     int                  // subscriptions of other tenants, left out
	whole         bool                 // one query that names no subscription covers just these, and the tenant
}

// narrow says that a filter chooses places, so that what stands above them is out of scope.
func narrow(f backend.Filter) bool { return len(f.Subscriptions)+len(f.ResourceGroups) > 0 }

// resolve finds the tenant and the subscriptions that a request is about.
func resolve(ctx context.Context, client *azure.Client, request *backend.ScanRequest) (*scope, error) {
	session, tenant, err := ResolveTenant(ctx, client, request.TenantID)
	if err != nil {
		return nil, err
	}
	visible, err := session.Subscriptions(ctx)
	if err != nil {
		return nil, err
	}
	s := &scope{session: session, tenant: tenant}
	if len(request.Filter.Subscriptions) > 0 {
		s.subscriptions, err = choose(visible, request.Filter.Subscriptions)
		if err != nil {
			return nil, err
		}
	} else {
		for _, v := range visible {
			if v.TenantID != "" && !strings.EqualFold(v.TenantID, tenant.ID) {
				s.delegated++
				continue
			}
			s.subscriptions = append(s.subscriptions, v)
		}
	}
	slices.SortFunc(s.subscriptions, func(a, b azure.Subscription) int {
		return strings.Compare(strings.ToLower(a.ID), strings.ToLower(b.ID))
	})
	s.subscriptions = slices.CompactFunc(s.subscriptions, func(a, b azure.Subscription) bool {
		return strings.EqualFold(a.ID, b.ID)
	})
	s.whole = !narrow(request.Filter) && s.delegated == 0 && len(s.subscriptions) <= azure.MaxSubscriptions
	return s, nil
}

// ResolveTenant finds the tenant, and the session for it: as asked for, as configured, or the only one that the credential
// reaches.
func ResolveTenant(ctx context.Context, client *azure.Client, asked string) (*azure.Session, azure.Tenant, error) {
	if asked == "" {
		asked = client.Config().TenantID
	} else if err := azure.CheckTenant(asked); err != nil {
		return nil, azure.Tenant{}, err
	}
	session := client.Session(asked)
	if _, _, err := session.Authenticate(ctx); err != nil { // on its own: a person may have to sign in
		return nil, azure.Tenant{}, err
	}
	tenants, err := session.Tenants(ctx)
	if err != nil {
		return nil, azure.Tenant{}, err
	}
	if asked == "" {
		switch len(tenants) {
		case 0:
			return nil, azure.Tenant{}, fault.New(fault.InvalidArgument, "the credential reaches no tenant", fault.Hint("name one with --tenant-id"))
		case 1:
			return session, tenants[0], nil
		}
		return nil, azure.Tenant{}, fault.New(fault.InvalidArgument, fmt.Sprintf("the credential reaches %d tenants, and none is chosen", len(tenants)),
			fault.Hint("choose one with --tenant-id: %s", listTenants(tenants)))
	}
	for _, t := range tenants {
		if strings.EqualFold(t.ID, asked) || strings.EqualFold(t.DefaultDomain, asked) ||
			slices.ContainsFunc(t.Domains, func(d string) bool { return strings.EqualFold(d, asked) }) {
			return session, t, nil
		}
	}
	if strings.Contains(asked, ".") {
		return nil, azure.Tenant{}, fault.New(fault.InvalidArgument, fmt.Sprintf("the credential reaches no tenant with the domain %q", asked),
			fault.Hint("it reaches %s", listTenants(tenants)))
	}
	// A token came for it, so the tenant is there. An application is not always shown its tenant.
	return session, azure.Tenant{ID: strings.ToLower(asked)}, nil
}

func listTenants(tenants []azure.Tenant) string {
	names := make([]string, len(tenants))
	for i, t := range tenants {
		names[i] = strings.TrimSpace(t.ID + " " + t.Name)
	}
	return list(names)
}

// choose finds the subscriptions that a filter names by id or by name.
func choose(visible []azure.Subscription, names []string) ([]azure.Subscription, error) {
	var chosen []azure.Subscription
	var problems []fault.Problem
	for _, name := range names {
		found := false
		for _, v := range visible {
			if strings.EqualFold(v.ID, name) || strings.EqualFold(v.Name, name) {
				chosen, found = append(chosen, v), true
			}
		}
		if !found {
			problems = append(problems, fault.Problem{Key: "subscriptions",
				Message: fmt.Sprintf("no subscription %q is visible to the credential", name), Hint: instead(visible, name)})
		}
	}
	if len(problems) > 0 {
		return nil, fault.New(fault.InvalidArgument, problems[0].Message, fault.Problems(problems...), fault.Hint("%s", problems[0].Hint))
	}
	return chosen, nil
}

// instead says which subscription was perhaps meant, or which there are.
func instead(visible []azure.Subscription, name string) string {
	if len(visible) == 0 {
		return "the credential sees no subscription at all in this tenant; ask an owner for the role Reader"
	}
	var known []string
	for _, v := range visible {
		known = append(known, v.Name, v.ID)
	}
	if near := nearest.To(name, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	all := make([]string, len(visible))
	for i, v := range visible {
		all[i] = fmt.Sprintf("%s (%s)", v.Name, v.ID)
	}
	return "visible are " + list(all)
}

// list names a few things, and says how many more there are.
func list(names []string) string {
	const most = 10
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
