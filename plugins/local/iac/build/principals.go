package build

import (
	"cmp"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// principals are the object ids of identities that generated resources have, and that other resources name: a role assignment, an access
// policy. A new resource has a new identity, so that the id has to be a parameter.
type principals struct {
	owner map[string]int32 // the node whose identity it is, by object id in lower case
	named map[string]bool  // by whom else
	made  map[string]*template.Parameter
}

// parameter is that of an object id; nil is none.
func (p *principals) parameter(guid string) *template.Parameter {
	if p == nil {
		return nil
	}
	return p.made[guid]
}

// parameters makes one for each identity that something names.
func (p *principals) parameters(b *builder) {
	p.made = map[string]*template.Parameter{}
	var ids []string
	for id := range p.named {
		if at, ok := p.owner[id]; ok && b.nodes[at].state == generated {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(x, y string) int {
		return cmp.Or(cmp.Compare(p.owner[x], p.owner[y]), strings.Compare(x, y))
	})
	taken := map[string]bool{}
	for _, id := range ids {
		n := &b.nodes[p.owner[id]]
		name := "principal_id_" + b.symbol(n)
		if folded := strings.ReplaceAll(name, "_", ""); taken[folded] {
			name += "_" + id[:8]
		} else {
			taken[folded] = true
		}
		made := &template.Parameter{Name: name, Default: id, HasDefault: true, Description: "The object id of the identity of " + b.types[n.typ].name + " " + b.symbol(n) + ": another one once it is made anew"}
		p.made[id] = made
		b.shared = append(b.shared, made)
	}
}
