// Package tenant holds the data that the simulator serves: tables of rows as Azure Resource Graph
// returns them, from which subscriptions, groups and everything that Resource Manager answers follow.
package tenant

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/kql"
)

// The types of the containers that every tenant has.
const (
	typeSubscription    = "microsoft.resources/subscriptions"
	typeGroup           = "microsoft.resources/subscriptions/resourcegroups"
	typeManagementGroup = "microsoft.management/managementgroups"
)

// Table is a table with the lookups that Resource Manager's calls need. Subscriptions and group
// names are taken in any case; the rows they return are ascending and must not be changed.
type Table interface {
	kql.Table
	// InSubscription lists the rows of a subscription; "" those that belong to none.
	InSubscription(subscription string) []uint32
	// InGroup lists the rows of a resource group.
	InGroup(subscription, group string) []uint32
	// Find returns the row of an id, in any case.
	Find(id string) (row uint32, ok bool)
}

// Tenant is a directory with its subscriptions and resources. It does not change once made.
type Tenant struct {
	// ID is the directory's GUID, Name and Domain what /tenants shows.
	ID, Name, Domain string
	// Subscriptions by ascending id, ManagementGroups by ascending name, the root among them.
	Subscriptions    []Subscription
	ManagementGroups []ManagementGroup
	// Directory are the users, groups, applications and service principals, without those of managed
	// identities, which follow from the resources: see Identities.
	Directory directory.Source

	tables    map[string]Table
	inARM     []Table
	once      sync.Once
	providers []Provider

	byNamespace map[string]Provider
}

// Subscription is what the row of a subscription says.
type Subscription struct {
	ID, Name, State string
	// Ancestors are the names of the management groups above, the nearest first.
	Ancestors []string
	Policies  json.RawMessage
	Tags      json.RawMessage
}

// ManagementGroup is what the row of a management group says.
type ManagementGroup struct {
	Name, DisplayName string
	// Ancestors are the names of the groups above, the nearest first; the root has none.
	Ancestors []string
}

// Table returns a table by its lower-case name. One that Resource Graph documents but of which the
// tenant has no rows is empty.
func (t *Tenant) Table(name string) (Table, bool) {
	if table, ok := t.tables[name]; ok {
		return table, true
	}
	if slices.Contains(documented, name) {
		return emptyTable, true
	}
	return nil, false
}

// Subscription finds a subscription by its id, in any case.
func (t *Tenant) Subscription(id string) (Subscription, bool) {
	i, ok := slices.BinarySearchFunc(t.Subscriptions, strings.ToLower(id), func(s Subscription, id string) int {
		return cmp.Compare(s.ID, id)
	})
	if !ok {
		return Subscription{}, false
	}
	return t.Subscriptions[i], true
}

// ManagementGroup finds a management group by its name, in any case.
func (t *Tenant) ManagementGroup(name string) (ManagementGroup, bool) {
	for _, group := range t.ManagementGroups {
		if strings.EqualFold(group.Name, name) {
			return group, true
		}
	}
	return ManagementGroup{}, false
}

// Under lists the subscriptions below a management group, by ascending id.
func (t *Tenant) Under(group string) []string {
	var ids []string
	for _, s := range t.Subscriptions {
		if containsFold(s.Ancestors, group) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

func containsFold(list []string, name string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, name) })
}

// domain is where the names of users end.
const domain = "contoso.onmicrosoft.com"

// newTenant completes tables with the containers that they imply and reads the tree from them.
func newTenant(id string, tables map[string]Table, source directory.Source) (*Tenant, error) {
	t := &Tenant{ID: id, Name: "Contoso", Domain: domain, Directory: source, tables: tables}
	if err := t.addImplied(); err != nil {
		return nil, err
	}
	t.findInARM()
	containers := t.tables[tableContainers]
	typeColumn, nameColumn := columnOf(containers, "type"), columnOf(containers, "name")
	for row := range uint32(containers.Len()) {
		var properties containerProperties
		raw := containers.AppendJSON(nil, row, columnOf(containers, "properties"))
		if err := json.Unmarshal(raw, &properties); err != nil {
			return nil, err
		}
		name := containers.Text(row, nameColumn)
		switch containers.Text(row, typeColumn) {
		case typeSubscription:
			t.Subscriptions = append(t.Subscriptions, Subscription{
				ID:        strings.ToLower(containers.Text(row, columnOf(containers, "subscriptionId"))),
				Name:      name,
				State:     cmp.Or(properties.State, "Enabled"),
				Ancestors: names(properties.Ancestors),
				Policies:  properties.Policies,
				Tags:      containers.AppendJSON(nil, row, columnOf(containers, "tags")),
			})
		case typeManagementGroup:
			t.ManagementGroups = append(t.ManagementGroups, ManagementGroup{
				Name:        name,
				DisplayName: cmp.Or(properties.DisplayName, name),
				Ancestors:   names(properties.Details.Ancestors),
			})
		}
	}
	slices.SortFunc(t.Subscriptions, func(a, b Subscription) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(t.ManagementGroups, func(a, b ManagementGroup) int { return cmp.Compare(a.Name, b.Name) })
	return t, nil
}

// containerProperties are the properties of subscriptions and management groups in Resource Graph.
type containerProperties struct {
	State       string          `json:"state"`
	DisplayName string          `json:"displayName"`
	Policies    json.RawMessage `json:"subscriptionPolicies"`
	Ancestors   []ancestor      `json:"managementGroupAncestorsChain"`
	Details     struct {
		Ancestors []ancestor `json:"managementGroupAncestorsChain"`
	} `json:"details"`
}

type ancestor struct {
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
}

func names(chain []ancestor) []string {
	var list []string
	for _, a := range chain {
		list = append(list, a.Name)
	}
	return list
}

// positions are those of the columns of every table.
var positions = func() map[string]int {
	m := map[string]int{}
	for i, c := range columns {
		m[c.Name] = i
	}
	return m
}()

// columnOf is the position of a column, -1 if a table has none of that name.
func columnOf(table kql.Table, name string) int {
	if i, ok := positions[name]; ok {
		return i
	}
	return slices.IndexFunc(table.Columns(), func(c kql.Column) bool { return c.Name == name })
}
