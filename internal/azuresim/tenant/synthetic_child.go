package tenant

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/kql"
)

// childTemplates are what generated resources have below them that only Resource Manager shows:
// children, locks and diagnostic settings. Each line holds the types of the parents, * for all, how
// rare it is among them (1: each has it) and a row with places, of which ${parent} is the parent's
// id and ${pname} its name.
//
//go:embed synthetic_children.jsonl
var childTemplates []byte

// childBits is how far a child's row number is shifted from that of its parent.
const childBits = 5

type childTemplate struct {
	*template
	every uint64
}

// childTable holds the children of a synthetic table's rows. They are made when they are read, and
// take no memory.
type childTable struct {
	parents  *syntheticTable
	byParent map[*template][]childTemplate
}

func newChildTable(parents *syntheticTable) (*childTable, error) {
	t := &childTable{parents: parents, byParent: map[*template][]childTemplate{}}
	all := slices.Clone(parents.turns)
	for _, s := range parents.perGroup {
		if s.template != nil && !slices.Contains(all, s.template) {
			all = append(all, s.template)
		}
	}
	for line := range bytes.Lines(childTemplates) {
		var entry struct {
			Parents []string                   `json:"parents"`
			Every   uint64                     `json:"every"`
			Row     map[string]json.RawMessage `json:"row"`
		}
		if err := json.Unmarshal(line, &entry); err != nil {
			return nil, err
		}
		child := childTemplate{parseTemplate(entry.Row, 0), entry.Every}
		for _, parent := range all {
			if entry.Parents[0] == "*" || slices.Contains(entry.Parents, parent.typ) {
				t.byParent[parent] = append(t.byParent[parent], child)
			}
		}
	}
	return t, nil
}

// at is a child's parent and template.
func (t *childTable) at(row uint32) (parent uint32, group *syntheticGroup, s slot, child *template) {
	parent = row >> childBits
	group, s = t.parents.at(parent)
	return parent, group, s, t.byParent[s.template][row&(1<<childBits-1)].template
}

func (t *childTable) Columns() []kql.Column { return columns }

// Len is the number after the last row; not all below it exist.
func (t *childTable) Len() int { return t.parents.Len() << childBits }

func (t *childTable) AppendJSON(dst []byte, row uint32, column int) []byte {
	parent, group, s, child := t.at(row)
	if child.cells[column] == nil {
		return append(dst, emptyCell(columns[column])...)
	}
	return t.parents.fill(dst, child.cells[column], parent, group, s)
}

func (t *childTable) Text(row uint32, column int) string {
	parent, group, s, child := t.at(row)
	return t.parents.text(child, column, parent, group, s)
}

// ByID is unknown, because Resource Graph never shows these rows.
func (t *childTable) ByID() []uint32 { return nil }

func (t *childTable) InSubscription(subscription string) []uint32 {
	return t.below(t.parents.InSubscription(subscription))
}

func (t *childTable) InGroup(subscription, group string) []uint32 {
	return t.below(t.parents.InGroup(subscription, group))
}

// below lists the children of rows.
func (t *childTable) below(parents []uint32) []uint32 {
	var rows []uint32
	for _, parent := range parents {
		_, s := t.parents.at(parent)
		for i, child := range t.byParent[s.template] {
			if child.every == 1 || mix(t.parents.options.Seed, uint64(parent), 64+uint64(i))%child.every == 0 {
				rows = append(rows, parent<<childBits|uint32(i))
			}
		}
	}
	return rows
}

func (t *childTable) Find(id string) (uint32, bool) {
	subscription, group := scopeOf(id)
	typ := strings.ToLower(typeInID(id))
	for _, row := range t.InGroup(subscription, group) {
		if _, _, _, child := t.at(row); child.typ == typ && strings.EqualFold(t.Text(row, idColumn), id) {
			return row, true
		}
	}
	return 0, false
}
