package tenant

import (
	"cmp"
	"encoding/json"
	"strings"
	"sync"
)

// tableOf is the table that shows a resource: that in which the tenants at hand have its type, else
// resources for types of the first level and arm, which Resource Graph does not show, for others.
func tableOf(id string) string {
	if IsGroup(id) {
		return tableContainers
	}
	typ, _ := TypeOf(id)
	lower := strings.ToLower(typ)
	if table, ok := tablesOfTypes()[lower]; ok {
		return table
	}
	switch {
	case strings.HasPrefix(lower, "microsoft.authorization/role"):
		return tableAuthorization
	case strings.HasPrefix(lower, "microsoft.authorization/policy"):
		return "policyresources"
	case strings.Count(lower, "/") == 1 && strings.Count(strings.ToLower(id), "/providers/") == 1 && groupOf(id) != "":
		return tableResources
	}
	return tableARM
}

// Tracked says whether resources of an id's type stand in a region: those of the table resources.
func Tracked(id string) bool { return tableOf(id) == tableResources }

// IsGroup says whether an id is that of a resource group.
func IsGroup(id string) bool {
	return strings.Count(id, "/") == 4 && groupOf(id) != ""
}

// tablesOfTypes are the tables in which Contoso and the generated tenants have types.
var tablesOfTypes = sync.OnceValue(func() map[string]string {
	tables := map[string]string{}
	for _, document := range []struct {
		lines    []byte
		fallback string
	}{{contoso, ""}, {templates, tableResources}, {childTemplates, tableARM}} {
		for line := range strings.SplitSeq(string(document.lines), "\n") {
			var entry struct {
				Table string `json:"table"`
				Row   struct {
					Type string `json:"type"`
				} `json:"row"`
			}
			if err := json.Unmarshal([]byte(line), &entry); err != nil {
				continue
			}
			table, typ := cmp.Or(entry.Table, document.fallback), strings.ToLower(entry.Row.Type)
			if tables[typ] == "" && table != "" && table != tableContainers {
				tables[typ] = table
			}
		}
	}
	return tables
})
