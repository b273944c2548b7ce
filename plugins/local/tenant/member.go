package tenant

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// member is the member that holds a value, for whoever has to know what the value may mean.
type member struct {
	up     *member
	name   string            // as Azure has it; of an item, that of its list
	schema *armschema.Schema // nil is unknown
	chosen bool              // somebody chose the name: a tag's
	kind   bool              // it says which variant of an object it is
}

// below is a member of an object that a member holds.
func (m *member) below(v *template.Value, name string) *member {
	if m == nil {
		return nil
	}
	inner := &member{up: m, name: name}
	object := m.schema
	if object != nil && object.Discriminator != "" {
		inner.kind = strings.EqualFold(name, object.Discriminator)
		for i := range v.Fields {
			if f := &v.Fields[i]; strings.EqualFold(f.Name, object.Discriminator) && f.Value.Kind == template.String && len(f.Value.Text) == 1 {
				object = object.Variant(f.Value.Text[0].Literal)
				break
			}
		}
	}
	switch {
	case object == nil:
	case object.Kind == armschema.Map:
		inner.schema, inner.chosen = object.Items, true
	case object.Kind == armschema.Object:
		if p, ok := object.Property(name); ok {
			inner.schema = p.Schema
		} else if object.Items != nil {
			inner.schema, inner.chosen = object.Items, true
		}
	}
	return inner
}

// item is an item of a list that a member holds.
func (m *member) item() *member {
	if m == nil {
		return nil
	}
	inner := &member{up: m, name: m.name}
	if m.schema != nil && m.schema.Kind == armschema.List {
		inner.schema = m.schema.Items
	}
	return inner
}

// inSKU says that a member is one of a SKU, whose values Azure defines.
func (m *member) inSKU() bool {
	return m != nil && m.up != nil && strings.EqualFold(m.up.name, "sku") || m != nil && strings.EqualFold(m.name, "sku")
}
