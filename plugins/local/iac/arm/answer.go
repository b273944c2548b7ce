package arm

import (
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// atStart are the members of a resource that Azure evaluates before it deploys anything, so that they cannot have what it answers of another
// resource (the names that Bicep's type system takes for constants of a deployment's start; type, apiVersion, scope and dependsOn, which are
// such too, are never made of a property here).
var atStart = []string{"name", "location", "kind", "managedby", "managedbyextended", "extendedlocation", "zones", "plan", "sku", "identity", "tags"}

// isAnswer says that a part is no id, but what Azure answers of a resource.
func isAnswer(p *template.Part) bool { return p.Ref != nil && p.Ref.Property != "" }

// answer is the expression for what Azure answers of a resource once it is deployed. Without 'Full' reference gives the properties alone. The
// apiVersion is required of a resource that is not in the same template, and says elsewhere which answer is meant.
func (w *writer) answer(ref *template.Ref) string {
	of := *ref
	of.Property = ""
	call := "reference(" + w.short([]template.Part{{Ref: &of}}) + ", " + quote(ref.APIVersion)
	if path, ok := strings.CutPrefix(ref.Property, "properties."); ok {
		return call + ")." + path
	}
	return call + ", 'Full')." + ref.Property
}

// place refuses what Azure answers of a resource where only what is known from the start can stand.
func (w *writer) place(p *template.Part) {
	if isAnswer(p) && slices.Contains(atStart, strings.ToLower(w.member)) {
		w.fail(fault.Newf(fault.Internal, "the member %s of the resource %s cannot be what Azure answers of another resource (%s)", w.member, w.source, p.Ref.Property))
	}
}
