package azuresim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// resourcesVersions are the versions of Microsoft.Resources that messages name. Any well-formed
// version is served: they differ in nothing that is simulated.
var resourcesVersions = []string{"2025-04-01", "2024-11-01", "2023-07-01", "2022-12-01", "2022-09-01", "2021-04-01", "2021-01-01", "2020-01-01", "2019-11-01", "2018-05-01"}

func (s *Server) listSubscriptions(w http.ResponseWriter, r *http.Request, _ *call) *armError {
	t := s.Tenant()
	p, failure := s.listWindow(r)
	if failure != nil {
		return failure
	}
	total := len(t.Subscriptions)
	from := min(p.from, total)
	to := min(from+p.size, total)
	items := make([]json.RawMessage, 0, to-from)
	for _, subscription := range t.Subscriptions[from:to] {
		items = append(items, subscriptionBody(t, subscription))
	}
	next := to
	if to == total {
		next = 0
	}
	s.writePageOf(w, r, items, next, map[string]any{
		"count": map[string]any{"type": "Total", "value": total},
	})
	return nil
}

func (s *Server) getSubscription(w http.ResponseWriter, _ *http.Request, c *call) *armError {
	t := s.Tenant()
	subscription, _ := t.Subscription(c.lower[1])
	writeBody(w, http.StatusOK, subscriptionBody(t, subscription))
	return nil
}

func subscriptionBody(t *tenant.Tenant, subscription tenant.Subscription) json.RawMessage {
	body := map[string]any{
		"id":                  "/subscriptions/" + subscription.ID,
		"authorizationSource": "RoleBased",
		"managedByTenants":    []any{},
		"subscriptionId":      subscription.ID,
		"tenantId":            t.ID,
		"displayName":         subscription.Name,
		"state":               subscription.State,
		"subscriptionPolicies": map[string]any{
			"locationPlacementId": "Public_2014-09-01", "quotaId": "EnterpriseAgreement_2014-09-01", "spendingLimit": "Off",
		},
	}
	if len(subscription.Policies) > 0 {
		body["subscriptionPolicies"] = subscription.Policies
	}
	if len(subscription.Tags) > 2 && string(subscription.Tags) != "null" {
		body["tags"] = subscription.Tags
	}
	return mustJSON(body)
}

// mustJSON encodes values that the simulator has made itself.
func mustJSON(value any) json.RawMessage {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return raw
}

func (s *Server) listTenants(w http.ResponseWriter, r *http.Request, _ *call) *armError {
	t := s.Tenant()
	return s.writeList(w, r, []json.RawMessage{mustJSON(map[string]any{
		"id": "/tenants/" + t.ID, "tenantId": t.ID, "countryCode": "DE", "displayName": t.Name,
		"domains": []string{t.Domain}, "tenantCategory": "Home", "defaultDomain": t.Domain, "tenantType": "AAD",
	})})
}

// locations are the regions in which simulated resources stand, with their display names.
var locations = [][2]string{
	{"eastus", "East US"}, {"eastus2", "East US 2"}, {"westus2", "West US 2"}, {"centralus", "Central US"},
	{"northeurope", "North Europe"}, {"westeurope", "West Europe"}, {"uksouth", "UK South"},
	{"germanywestcentral", "Germany West Central"}, {"francecentral", "France Central"},
	{"southeastasia", "Southeast Asia"}, {"australiaeast", "Australia East"}, {"global", "Global"},
}

func (s *Server) listLocations(w http.ResponseWriter, r *http.Request, c *call) *armError {
	var items []json.RawMessage
	for _, location := range locations {
		items = append(items, mustJSON(map[string]any{
			"id": fmt.Sprintf("/subscriptions/%s/locations/%s", c.segments[1], location[0]), "name": location[0],
			"type": "Region", "displayName": location[1], "regionalDisplayName": location[1],
			"metadata": map[string]any{"regionType": "Physical", "regionCategory": "Recommended"},
		}))
	}
	return s.writeList(w, r, items)
}

// managementGroups answers the list, one group, its tree, and its descendants.
// https://learn.microsoft.com/rest/api/managementgroups/management-groups/get
func (s *Server) managementGroups(w http.ResponseWriter, r *http.Request, c *call) *armError {
	t := s.Tenant()
	if len(c.lower) == 3 {
		var items []json.RawMessage
		for _, group := range t.ManagementGroups {
			items = append(items, mustJSON(map[string]any{
				"id": groupID(group.Name), "type": "Microsoft.Management/managementGroups", "name": group.Name,
				"properties": map[string]any{"tenantId": t.ID, "displayName": group.DisplayName},
			}))
		}
		return s.writeList(w, r, items)
	}
	group, ok := t.ManagementGroup(c.segments[3])
	switch {
	case !ok:
		return newARMError(http.StatusNotFound, "NotFound",
			fmt.Sprintf("'%s' not found", groupID(c.segments[3])))
	case len(c.lower) == 5 && c.lower[4] == "descendants":
		return s.writeList(w, r, descendants(t, group))
	case len(c.lower) == 5:
		return notFound(c)
	}
	query := r.URL.Query()
	properties := map[string]any{
		"tenantId": t.ID, "displayName": group.DisplayName,
		"details": map[string]any{"version": 1, "updatedTime": "2024-01-15T09:00:00.0000000Z", "updatedBy": servicePrincipalObject, "parent": parentOf(t, group)},
	}
	if strings.EqualFold(query.Get("$expand"), "children") {
		properties["children"] = children(t, group, strings.EqualFold(query.Get("$recurse"), "true"))
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"id": groupID(group.Name), "type": "Microsoft.Management/managementGroups", "name": group.Name, "properties": properties,
	})
	return nil
}

func groupID(name string) string {
	return "/providers/Microsoft.Management/managementGroups/" + name
}

func parentOf(t *tenant.Tenant, group tenant.ManagementGroup) any {
	if len(group.Ancestors) == 0 {
		return nil
	}
	parent, _ := t.ManagementGroup(group.Ancestors[0])
	return map[string]any{"id": groupID(parent.Name), "name": parent.Name, "displayName": parent.DisplayName}
}

// children lists what stands directly below a group, and with recurse what stands below that.
func children(t *tenant.Tenant, group tenant.ManagementGroup, recurse bool) []any {
	list := []any{}
	for _, child := range t.ManagementGroups {
		if len(child.Ancestors) == 0 || !strings.EqualFold(child.Ancestors[0], group.Name) {
			continue
		}
		item := map[string]any{
			"id": groupID(child.Name), "type": "Microsoft.Management/managementGroups",
			"name": child.Name, "displayName": child.DisplayName,
		}
		if recurse {
			item["children"] = children(t, child, true)
		}
		list = append(list, item)
	}
	for _, subscription := range t.Subscriptions {
		if len(subscription.Ancestors) > 0 && strings.EqualFold(subscription.Ancestors[0], group.Name) {
			list = append(list, map[string]any{
				"id": "/subscriptions/" + subscription.ID, "type": "/subscriptions",
				"name": subscription.ID, "displayName": subscription.Name,
			})
		}
	}
	return list
}

func descendants(t *tenant.Tenant, group tenant.ManagementGroup) []json.RawMessage {
	var items []json.RawMessage
	add := func(id, typ, name, displayName, parent string) {
		items = append(items, mustJSON(map[string]any{
			"id": id, "type": typ, "name": name,
			"properties": map[string]any{"displayName": displayName, "parent": map[string]any{"id": groupID(parent)}},
		}))
	}
	for _, child := range t.ManagementGroups {
		if containsFold(child.Ancestors, group.Name) {
			add(groupID(child.Name), "Microsoft.Management/managementGroups", child.Name, child.DisplayName, child.Ancestors[0])
		}
	}
	for _, subscription := range t.Subscriptions {
		if containsFold(subscription.Ancestors, group.Name) {
			add("/subscriptions/"+subscription.ID, "/subscriptions", subscription.ID, subscription.Name, subscription.Ancestors[0])
		}
	}
	return items
}

func containsFold(list []string, name string) bool {
	for _, item := range list {
		if strings.EqualFold(item, name) {
			return true
		}
	}
	return false
}
