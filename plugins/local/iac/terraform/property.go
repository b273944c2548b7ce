package terraform

import (
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// identityType are the resources whose answers others name: who the identity is stands in its properties. All of them export
// these, because whether another one asks is not known yet when they are written.
const identityType = "Microsoft.ManagedIdentity/userAssignedIdentities"

// appendValue appends the expression for the id of a resource of the same module, or for what Azure answers of it.
func appendValue(b []byte, symbol, property string) []byte {
	b = append(append(b, "azapi_resource."...), symbol...)
	if property == "" {
		return append(b, ".id"...)
	}
	if member, of := strings.CutPrefix(property, "identity."); of { // the block has it, without an export
		return append(append(b, ".identity[0]."...), snake(member)...)
	}
	b = append(b, ".output"...)
	for member := range strings.SplitSeq(property, ".") {
		if identifier(member) {
			b = append(append(b, '.'), member...)
		} else {
			b = append(appendQuoted(append(b, '['), member), ']')
		}
	}
	return b
}

// exports are the properties of a resource that its output has to have.
func (u *unit) exports(r *template.Resource) []string {
	var all []string
	if strings.EqualFold(r.Type, identityType) {
		all = append(all, "properties.clientId", "properties.principalId")
	}
	at, _ := slices.BinarySearchFunc(u.OffersOf, r.Node, func(o template.Output, n template.Node) int { return int(o.Node) - int(n) })
	for ; at < len(u.OffersOf) && u.OffersOf[at].Node == r.Node; at++ {
		if property := u.OffersOf[at].Property; !strings.HasPrefix(property, "identity.") {
			all = append(all, property)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// outputName is what the id of a resource, or what Azure answers of it, is called in other modules.
func outputName(symbol, property string) string {
	if property == "" {
		return symbol + "_id"
	}
	return symbol + "_" + snake(property[strings.LastIndexByte(property, '.')+1:])
}

// snake is principal_id of principalId.
func snake(name string) string {
	var b []byte
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			if i > 0 {
				b = append(b, '_')
			}
			b = append(b, c+'a'-'A')
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			b = append(b, c)
		default:
			b = append(b, '_')
		}
	}
	return string(b)
}
