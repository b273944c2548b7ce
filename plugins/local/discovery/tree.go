package discovery

import (
	"encoding/json"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// containerRows are the management groups and the subscriptions as Resource Graph would show them, from the tree
// that Resource Manager knows; nil is that it may not be seen.
func (s *scan) containerRows(tree *azure.Hierarchy) ([]graph.Row, error) {
	if tree == nil {
		tree = new(azure.Hierarchy)
	}
	var raw [][]byte
	if !narrow(s.request.Filter) {
		for _, g := range tree.Groups {
			row, err := g.Row()
			if err != nil {
				return nil, err
			}
			raw = append(raw, row)
		}
	}
	for _, sub := range s.scope.subscriptions {
		row, err := json.Marshal(map[string]any{
			"id": "/subscriptions/" + sub.ID, "name": sub.Name, "type": "microsoft.resources/subscriptions",
			"subscriptionId": strings.ToLower(sub.ID), "tenantId": s.scope.tenant.ID,
			"properties": map[string]any{"state": sub.State, "managementGroupAncestorsChain": append([]azure.Ancestor{}, tree.Above(sub.ID)...)},
		})
		if err != nil {
			return nil, err
		}
		raw = append(raw, row)
	}
	rows := make([]graph.Row, len(raw))
	for i := range raw {
		rows[i].Table = graph.TableContainers
		if err := azure.Members(raw[i], func(c azure.Column) error { return setColumn(&rows[i], c) }); err != nil {
			return nil, err
		}
	}
	return rows, nil
}
