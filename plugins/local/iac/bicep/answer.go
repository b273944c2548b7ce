package bicep

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// atStart are the members of a resource that Azure evaluates before it deploys anything, so that Bicep takes nothing in them that Azure
// answers of another resource (BCP120; the names are those that its type system takes for constants of a deployment's start).
var atStart = set("name", "location", "kind", "managedby", "managedbyextended", "extendedlocation", "zones", "plan", "sku", "identity", "tags")

// isAnswer says that a part is no id, but what Azure answers of a resource.
func isAnswer(p *template.Part) bool { return p.Ref != nil && p.Ref.Property != "" }

// answer appends what Azure answers of a resource: virtualMachineVmWeb.identity.principalId. There is no ! behind identity: Bicep's types of
// what is read of a resource are not nullable because a property is optional, so it has nothing to warn of (BCP318).
//
// A resource of another file is declared there as existing, whether a module, a main or an earlier stage deploys it. Bicep compiles its
// property to reference(id, version), which Azure evaluates when it deploys the resource that has it. By then all is deployed that the
// module waits for, or the resource of a main itself, and that the owner is among that the template sees to. An output of the owner's
// module, handed on as a parameter, would need as much order, do for modules of one stage alone, and meet Azure's limits of 64 outputs and
// 256 parameters. What matters is that
//   - it never stands in the parameters of a module: those Azure evaluates without waiting for the module's dependsOn;
//   - no file has what makes Bicep compile with symbolic names (types of objects, functions, modules without a name, dependsOn of an existing
//     resource): Azure then reads the existing resources of a main when the deployment begins.
func (f *file) answer(b []byte, ref *template.Ref) []byte {
	symbol := ""
	switch {
	case atStart[strings.ToLower(f.member)]:
	case ref.Unit != f.unit.Index:
		symbol = f.asked(ref)
	case ref.Node != f.current:
		symbol = f.own(ref.Node)
	}
	if symbol == "" && f.err == nil {
		f.err = fault.Newf(fault.Internal, "the member %s of the resource %s cannot be what Azure answers of another resource (%s of %s)",
			f.member, f.source, ref.Property, ref.Symbol)
	}
	return append(append(append(b, symbol...), '.'), ref.Property...)
}

// asked declares a resource of another file as existing, in the version whose answer is meant: a declaration that was made for the id alone
// may have any. It is "" for an id that is no resource's.
func (f *file) asked(ref *template.Ref) string {
	at := key(ref.ID)
	if symbol, known := f.placed[versioned(at, ref.APIVersion)]; known {
		return symbol
	}
	place, ok := locate(ref.ID)
	if !ok {
		return ""
	}
	place.named(ref.Type)
	return f.declare(at, place, "existing"+pascal(ref.Symbol), ref.APIVersion)
}

// versioned is the key of a declaration in one version.
func versioned(at, version string) string { return at + "\x00\x00" + version }
