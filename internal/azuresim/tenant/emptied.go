package tenant

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// EmptyWith is a directory with so many subscriptions in which nothing is. Their ids are those of
// the generated tenant of the same number and seed.
func EmptyWith(subscriptions int, seed uint64) (*Tenant, error) {
	if subscriptions == 0 {
		return Empty()
	}
	generated, err := Synthetic(SyntheticOptions{Resources: 1, Subscriptions: subscriptions, Seed: seed})
	if err != nil {
		return nil, err
	}
	return generated.Emptied()
}

// Emptied is a tenant with the subscriptions and management groups of this one, and with what
// Microsoft defines in every tenant, but without resource groups and resources. Its directory is the same.
func (t *Tenant) Emptied() (*Tenant, error) {
	tables := map[string]Table{}
	for name, table := range t.tables {
		kept := &memoryTable{columns: columns}
		rows := slices.Clone(table.InSubscription(""))
		if name == tableContainers {
			for _, s := range t.Subscriptions {
				rows = append(rows, table.InSubscription(s.ID)...)
			}
		}
		for _, row := range rows {
			if !survives(name, Row{table, row}) {
				continue
			}
			cells := map[string]json.RawMessage{}
			for i, c := range table.Columns() {
				if raw := table.AppendJSON(nil, row, i); string(raw) != emptyCell(c) {
					cells[c.Name] = raw
				}
			}
			if err := kept.append(cells); err != nil {
				return nil, fmt.Errorf("keep %s: %w", table.Text(row, idColumn), err)
			}
		}
		tables[name] = kept
	}
	return newTenant(t.ID, tables, t.Directory)
}

// WithoutIdentities is the tenant with a directory in which nothing is, and with no managed
// identities but those of its resources.
func (t *Tenant) WithoutIdentities() (*Tenant, error) {
	return newTenant(t.ID, t.tables, directory.NewList())
}

// survives says whether a row is there in a tenant in which nothing has been made.
func survives(table string, r Row) bool {
	if table == tableContainers {
		return r.Type() != typeGroup
	}
	id := strings.ToLower(r.ID())
	if !strings.HasPrefix(id, "/providers/microsoft.authorization/") {
		return false
	}
	var properties struct {
		Type       string `json:"type"`
		PolicyType string `json:"policyType"`
	}
	if err := json.Unmarshal(r.JSON("properties"), &properties); err != nil {
		return false
	}
	return strings.EqualFold(properties.Type, "BuiltInRole") || strings.EqualFold(properties.PolicyType, "BuiltIn") || strings.EqualFold(properties.PolicyType, "Static")
}
