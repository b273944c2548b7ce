package armtest

import (
	"fmt"
	"slices"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
)

// answers are members that have what Azure answers of resources before, alone or in a text, in a list or not. Whatever they are in is made to wait for them.
func (r *random) answers(u *template.Unit, made *template.Resource) []template.Field {
	var fields []template.Field
	for i := range r.IntN(3) {
		ref := r.answer(u, made)
		if ref == nil {
			continue
		}
		v := template.Value{Kind: template.String, Text: []template.Part{{Ref: ref}}}
		switch r.IntN(4) {
		case 0:
			v = templatetest.List(templatetest.Str("99999999-9999-4999-8999-999999999999"), templatetest.Map("objectId", v))
		case 1: // the model has them alone; the writer does not depend on that
			v.Text = append([]template.Part{{Literal: r.text()}, {Parameter: r.location}}, v.Text...)
		}
		fields = append(fields, template.Field{Name: fmt.Sprintf("answer%d", i), Value: v})
	}
	return fields
}

// answer is a reference to a property of a resource that is deployed before; nil if there is none.
func (r *random) answer(u *template.Unit, made *template.Resource) *template.Ref {
	if made.Node == 0 {
		return nil
	}
	owner := r.resources[r.Int32N(int32(made.Node))]
	if owner.Type == "Microsoft.Resources/resourceGroups" {
		return nil
	}
	stage := r.t.Stages[len(r.t.Stages)-1]
	from, here := r.units[owner.Node], slices.IndexFunc(stage.Units, func(u *template.Unit) bool { return u.Index == r.units[owner.Node] })
	switch {
	case from == u.Index || r.stageOf[from] < r.stageOf[u.Index]: // the same template, or an earlier stage
	case u.Scope.Kind != template.ScopeResourceGroup:
		stage.MainAfter[made.Node] = with(stage.MainAfter[made.Node], from)
	case here < 0: // the subscription's
		stage.UnitAfter[u.Index] = with(stage.UnitAfter[u.Index], owner.Node)
	default:
		u.After = with(u.After, from)
		slices.Sort(u.After)
	}
	ref := r.ref(owner.Node)
	ref.Property = []string{"identity.principalId", "properties.principalId", "properties.clientId"}[r.IntN(3)]
	ref.Type, ref.APIVersion = owner.Type, owner.APIVersion
	return ref
}

// with is a list with an item that is in it once.
func with[T comparable](list []T, item T) []T {
	if slices.Contains(list, item) {
		return list
	}
	return append(list, item)
}
