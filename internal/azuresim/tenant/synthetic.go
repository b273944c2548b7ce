package tenant

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/kql"
)

// templates are the resources of a generated group. Each line holds a row with places for what
// differs, written ${name}, and how often it stands in a group; 0 puts it among those that take
// turns in the places left over. The shares follow a published census of a tenant: interfaces,
// disks, machines and extensions over a tenth each, then security groups, vaults and the rest.
//
//go:embed synthetic.jsonl
var templates []byte

const (
	// groupSize is the number of resources in a full resource group.
	groupSize = 100
	// maxSynthetic keeps row numbers within 32 bits.
	maxSynthetic = 100_000_000
)

// SyntheticOptions describe a generated tenant. The same options give the same tenant.
type SyntheticOptions struct {
	Resources     int
	Subscriptions int
	Seed          uint64
	// Users is the number of users, DefaultUsers if zero and none if negative; Members is how many of
	// them the largest group has, at most all, DefaultMembers if zero and none if negative.
	Users, Members int
}

// Synthetic makes a tenant of generated resources. Rows are made when they are read: the tenant
// itself takes four bytes a resource, and some hundred a resource group.
func Synthetic(options SyntheticOptions) (*Tenant, error) {
	switch {
	case options.Resources < 0 || options.Resources > maxSynthetic:
		return nil, fmt.Errorf("the number of synthetic resources must lie between 0 and %d, not %d", maxSynthetic, options.Resources)
	case options.Subscriptions < 1 || options.Subscriptions > 100_000:
		return nil, fmt.Errorf("the number of synthetic subscriptions must lie between 1 and 100000, not %d", options.Subscriptions)
	case options.Users > maxUsers:
		return nil, fmt.Errorf("the number of synthetic users must be at most %d, not %d", maxUsers, options.Users)
	}
	table, err := newSyntheticTable(options)
	if err != nil {
		return nil, fmt.Errorf("read the templates of synthetic resources: %w", err)
	}
	containers, err := table.containers()
	if err != nil {
		return nil, err
	}
	assignments, err := table.assignments()
	if err != nil {
		return nil, err
	}
	children, err := newChildTable(table)
	if err != nil {
		return nil, fmt.Errorf("read the templates of synthetic children: %w", err)
	}
	return newTenant(table.tenantID, map[string]Table{
		tableResources: table, tableContainers: containers, tableAuthorization: assignments, tableARM: children,
	}, newSyntheticDirectory(options))
}

// syntheticGroup is a resource group; its rows are groupSize consecutive ones.
type syntheticGroup struct {
	name, lower  string
	number       string // unique in the tenant
	subscription int
	location     string
	env, app     string
	octet        string
}

// slot is one place of a group: a template and the how manieth of its kind it is.
type slot struct {
	template *template // nil: taken by turns
	ordinal  int
}

type syntheticTable struct {
	options       SyntheticOptions
	tenantID      string
	subscriptions []string
	numbers       map[string]int // of the subscriptions
	groups        []syntheticGroup
	perGroup      []slot
	turns         []*template
	identity      int      // the place in a group of its user-assigned identity
	rows          []uint32 // 0, 1, 2, …
	firstRow      []int    // of each subscription, and the end

	order   lazyOrder
	indices kql.Index
}

var (
	environments = []string{"prod", "prod", "dev", "test"}
	applications = []string{"billing", "crm", "portal", "search", "ledger", "fleet", "intake", "claims", "pricing", "archive", "identity", "reports"}
	regions      = []string{"westeurope", "westeurope", "northeurope", "eastus", "eastus2", "germanywestcentral", "southeastasia", "uksouth"}
)

func newSyntheticTable(options SyntheticOptions) (*syntheticTable, error) {
	t := &syntheticTable{options: options, tenantID: guidOf(options.Seed, 0, 1)}
	if err := t.readTemplates(); err != nil {
		return nil, err
	}
	t.numbers = make(map[string]int, options.Subscriptions)
	for s := range options.Subscriptions {
		t.subscriptions = append(t.subscriptions, guidOf(options.Seed, uint64(s), 2))
		t.numbers[t.subscriptions[s]] = s
	}
	groups := (options.Resources + groupSize - 1) / groupSize
	t.firstRow = make([]int, options.Subscriptions+1)
	for i := range groups {
		random := mix(options.Seed, uint64(i), 3)
		g := syntheticGroup{
			number:       fmt.Sprintf("%05d", i),
			subscription: i * options.Subscriptions / groups,
			location:     regions[random%uint64(len(regions))],
			env:          environments[random>>8%uint64(len(environments))],
			app:          applications[random>>16%uint64(len(applications))],
			octet:        fmt.Sprint(random >> 24 % 250),
		}
		g.name = fmt.Sprintf("rg-%s-%s-%s", g.app, g.env, g.number)
		if i%7 == 3 { // as people name them
			g.name = strings.ToUpper(g.name)
		}
		g.lower = strings.ToLower(g.name)
		t.groups = append(t.groups, g)
		t.firstRow[g.subscription+1] = min((i+1)*groupSize, options.Resources)
	}
	for s := range options.Subscriptions {
		t.firstRow[s+1] = max(t.firstRow[s+1], t.firstRow[s])
	}
	t.rows = make([]uint32, options.Resources)
	for i := range t.rows {
		t.rows[i] = uint32(i)
	}
	return t, nil
}

// readTemplates lays out a group: each kind's first, then each one's second, and so on, so that a
// small tenant has many kinds too.
func (t *syntheticTable) readTemplates() error {
	var counted []*template
	for line := range bytes.Lines(templates) {
		var entry struct {
			Count int                        `json:"count"`
			Row   map[string]json.RawMessage `json:"row"`
		}
		if err := json.Unmarshal(line, &entry); err != nil {
			return err
		}
		parsed := parseTemplate(entry.Row, entry.Count)
		if entry.Count == 0 {
			t.turns = append(t.turns, parsed)
		} else {
			counted = append(counted, parsed)
		}
	}
	for ordinal := range groupSize {
		for _, each := range counted {
			if ordinal < each.count {
				t.perGroup = append(t.perGroup, slot{each, ordinal})
			}
		}
	}
	t.identity = slices.IndexFunc(t.perGroup, func(s slot) bool { return s.template.typ == typeIdentity })
	for ordinal := 0; len(t.perGroup) < groupSize; ordinal++ {
		t.perGroup = append(t.perGroup, slot{nil, ordinal})
	}
	return nil
}

// at is what a row is made of.
func (t *syntheticTable) at(row uint32) (*syntheticGroup, slot) {
	group, place := int(row)/groupSize, int(row)%groupSize
	s := t.perGroup[place]
	if s.template == nil {
		turn := (group*5 + s.ordinal) % len(t.turns)
		if s.ordinal == 0 && t.turns[turn].follows {
			turn-- // what it needs would be missing
		}
		s.template = t.turns[turn]
	}
	return &t.groups[group], s
}

// containers makes the rows of the management groups, subscriptions and resource groups.
func (t *syntheticTable) containers() (*memoryTable, error) {
	table := &memoryTable{columns: columns}
	type chainLink = map[string]string
	root := chainLink{"name": t.tenantID, "displayName": "Tenant Root Group"}
	work := chainLink{"name": "mg-workloads", "displayName": "Workloads"}
	addGroup := func(name, displayName string, chain ...chainLink) error {
		var parent any
		if len(chain) > 0 {
			parent = map[string]string{"id": "/providers/Microsoft.Management/managementGroups/" + chain[0]["name"], "name": chain[0]["name"], "displayName": chain[0]["displayName"]}
		}
		return table.appendAny(map[string]any{
			"id": "/providers/Microsoft.Management/managementGroups/" + name, "name": name,
			"type": typeManagementGroup, "tenantId": t.tenantID,
			"properties": map[string]any{"displayName": displayName, "tenantId": t.tenantID, "details": map[string]any{"parent": parent, "managementGroupAncestorsChain": slices.Concat([]chainLink{}, chain)}},
		})
	}
	if err := addGroup(t.tenantID, "Tenant Root Group"); err != nil {
		return nil, err
	}
	if err := addGroup("mg-workloads", "Workloads", root); err != nil {
		return nil, err
	}
	for i, id := range t.subscriptions {
		if err := table.appendAny(map[string]any{
			"id": "/subscriptions/" + id, "name": fmt.Sprintf("sub-%04d", i), "type": typeSubscription,
			"tenantId": t.tenantID, "subscriptionId": id,
			"properties": map[string]any{"managementGroupAncestorsChain": []chainLink{work, root}, "state": "Enabled", "subscriptionPolicies": map[string]string{"locationPlacementId": "Public_2014-09-01", "quotaId": "EnterpriseAgreement_2014-09-01", "spendingLimit": "Off"}},
		}); err != nil {
			return nil, err
		}
	}
	for _, g := range t.groups {
		if err := table.appendAny(map[string]any{
			"id":   "/subscriptions/" + t.subscriptions[g.subscription] + "/resourceGroups/" + g.name,
			"name": g.name, "type": typeGroup, "tenantId": t.tenantID, "location": g.location,
			"resourceGroup": g.name, "subscriptionId": t.subscriptions[g.subscription],
			"properties": map[string]string{"provisioningState": "Succeeded"},
			"tags":       map[string]string{"environment": g.env, "application": g.app},
		}); err != nil {
			return nil, err
		}
	}
	return table, nil
}

const (
	readerRole      = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
	contributorRole = "b24988ac-6180-42a0-ab88-20f7382dd24c"
)

// assignments makes two role definitions, an assignment of each to every subscription and one to
// every resource group.
func (t *syntheticTable) assignments() (*memoryTable, error) {
	table := &memoryTable{columns: columns}
	for name, role := range map[string]string{"Reader": readerRole, "Contributor": contributorRole} {
		if err := table.appendAny(map[string]any{
			"id": "/providers/Microsoft.Authorization/RoleDefinitions/" + role, "name": role,
			"type": "microsoft.authorization/roledefinitions", "tenantId": t.tenantID,
			"properties": map[string]any{"roleName": name, "type": "BuiltInRole", "assignableScopes": []string{"/"}, "isServiceRole": false},
		}); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(table.cells, func(a, b []json.RawMessage) int { return bytes.Compare(a[idColumn], b[idColumn]) })
	assign := func(scope, subscription, role string, number uint64) error {
		name := guidOf(t.options.Seed, number, 4)
		return table.appendAny(map[string]any{
			"id": scope + "/providers/Microsoft.Authorization/RoleAssignments/" + name, "name": name,
			"type": "microsoft.authorization/roleassignments", "tenantId": t.tenantID, "subscriptionId": subscription,
			"properties": map[string]any{"roleDefinitionId": "/providers/Microsoft.Authorization/RoleDefinitions/" + role, "principalId": guidOf(t.options.Seed, number%assignedGroups, guidGroup), "principalType": "Group", "scope": scope, "createdOn": "2024-03-01T10:00:00.0000000Z", "updatedOn": "2024-03-01T10:00:00.0000000Z"},
		})
	}
	number := uint64(0)
	for _, id := range t.subscriptions {
		for _, role := range []string{readerRole, contributorRole} {
			number++
			if err := assign("/subscriptions/"+id, id, role, number); err != nil {
				return nil, err
			}
		}
	}
	for _, g := range t.groups {
		number++
		id := t.subscriptions[g.subscription]
		if err := assign("/subscriptions/"+id+"/resourceGroups/"+g.name, id, contributorRole, number); err != nil {
			return nil, err
		}
	}
	return table, nil
}
