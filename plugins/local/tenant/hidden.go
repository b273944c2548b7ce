package tenant

import (
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/form"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/pseudonym"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
)

// hidden is a text of a resource under pseudonyms.
func (x *texts) hidden(parts []template.Part, where *member) string {
	a := x.anon
	for _, p := range parts {
		if p.Parameter != nil && p.Parameter.Secret {
			return spec.Join([]spec.Piece{x.parameter(p.Parameter)})
		}
	}
	if len(parts) > 0 && parts[0].Ref != nil && parts[0].Ref.Node != template.NoNode {
		pieces := x.reference(parts[0].Ref)
		whole := plainText(parts)
		begin := plainText(parts[:1])
		if tail := whole[len(begin):]; tail != "" {
			if !strings.HasPrefix(tail, "/") {
				return a.Word("value", whole)
			}
			pieces = append(pieces, spec.Piece{Literal: a.ID(whole)[len(a.ID(begin)):]})
		}
		return spec.Join(pieces)
	}
	text := plainText(parts)
	switch {
	case text == "":
		return ""
	case strings.HasPrefix(text, "/subscriptions/"), strings.HasPrefix(text, "/providers/"):
		if !strings.ContainsAny(text, " \n\"'") {
			return x.id(a.ID(text))
		}
	case strings.EqualFold(text, x.tenantID):
		return "${" + spec.RefTenant + "}"
	case form.IsGUID(text):
		if name := x.names[strings.ToLower(text)]; name != "" {
			return spec.Join([]spec.Piece{{Kind: spec.RefSubscription, Arg: spec.EscapeName(name, false)}})
		}
		if pseudonym.BuiltInRole(text) {
			return strings.ToLower(text)
		}
		if who := x.people.reference(text); who != nil {
			return spec.Join(who)
		}
		return a.GUID(text)
	}
	return spec.Escape(a.Text(text, where.where(text)))
}

// where says of a text what its member tells.
func (m *member) where(text string) *pseudonym.Where {
	if m == nil {
		return nil
	}
	w := &pseudonym.Where{Name: m.name, Defined: m.kind || enumerated(m.schema, text), SKU: m.inSKU()}
	if m.up != nil {
		w.List = m.up.name
	}
	return w
}

func enumerated(s *armschema.Schema, text string) bool {
	return s != nil && slices.ContainsFunc(s.Enum, func(e string) bool { return strings.EqualFold(e, text) })
}
