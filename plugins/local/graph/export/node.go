package export

import (
	"encoding/json"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// node is a node as it is written: nothing in it is a secret, and names are pseudonyms if that was asked for.
type node struct {
	number         int64
	kind           graph.NodeKind
	key, id        string
	state          string
	name           string
	typ            string
	location       string
	resourceGroup  string
	subscriptionID string
	more           []attribute // by the order of columns
}

// attribute is a value beyond those that all nodes have.
type attribute struct {
	column int // an index of columns
	text   string
	json   json.RawMessage // of a JSON column
	truth  bool            // of a boolean column
}

// column is what attributes may be called. The names are those of docs/snapshot-format.md.
type column struct {
	name string
	kind columnKind
}

type columnKind uint8

const (
	textColumn columnKind = iota
	jsonColumn
	boolColumn
)

// The columns, in the order in which they are written.
const (
	colResourceKind = iota
	colManagedBy
	colAPIVersion
	colSKU
	colPlan
	colTags
	colIdentity
	colZones
	colExtendedLocation
	colExtra
	colProperties
	colLogin
	colAppID
	colResourceID
	colEnabled
	colRaw
)

var columns = [...]column{
	colResourceKind: {"resource_kind", textColumn}, colManagedBy: {"managed_by", textColumn}, colAPIVersion: {"api_version", textColumn},
	colSKU: {"sku", jsonColumn}, colPlan: {"plan", jsonColumn}, colTags: {"tags", jsonColumn}, colIdentity: {"identity", jsonColumn}, colZones: {"zones", jsonColumn},
	colExtendedLocation: {"extended_location", jsonColumn}, colExtra: {"extra", jsonColumn}, colProperties: {"properties", jsonColumn},
	colLogin: {"login", textColumn}, colAppID: {"app_id", textColumn}, colResourceID: {"resource_id", textColumn}, colEnabled: {"enabled", boolColumn}, colRaw: {"raw", jsonColumn},
}

// pair is a name and a text.
type pair struct{ name, text string }

// common are what every node has, in the order in which they are written; those that are empty are left out.
func (n *node) common() []pair {
	all := []pair{
		{"key", n.key}, {"id", n.id}, {"kind", string(n.kind)}, {"state", n.state}, {"name", n.name}, {"type", n.typ}, {"location", n.location},
		{"resource_group", n.resourceGroup}, {"subscription_id", n.subscriptionID},
	}
	kept := all[:0]
	for _, p := range all {
		if p.text != "" {
			kept = append(kept, p)
		}
	}
	return kept
}

// commonNames are the names of common.
var commonNames = []string{"key", "id", "kind", "state", "name", "type", "location", "resource_group", "subscription_id"}

// string is an attribute as a text.
func (a *attribute) string() string {
	switch {
	case columns[a.column].kind == boolColumn && a.truth:
		return "true"
	case columns[a.column].kind == boolColumn:
		return "false"
	case a.json != nil:
		return string(a.json)
	}
	return a.text
}

// edge is an edge as it is written.
type edge struct {
	source, target       int64
	sourceKey, targetKey string // only where the format needs them
	kind                 string
	rule                 string
	property             string
	detail               string
	reversed             bool
}

// texts are what an edge says beyond its kind and nodes; what is empty is left out.
func (e *edge) texts() []pair {
	all := []pair{{"rule", e.rule}, {"property", e.property}, {"detail", e.detail}}
	kept := all[:0]
	for _, p := range all {
		if p.text != "" {
			kept = append(kept, p)
		}
	}
	return kept
}
