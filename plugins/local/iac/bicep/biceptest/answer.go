package biceptest

import (
	"fmt"
	"slices"
	"strings"
)

// Read is a property of another resource that a resource has: what Azure answers once that is deployed.
type Read struct {
	Of, APIVersion string // the id, as the file says it
	Property       string // identity.principalId
}

// Answer is what Azure answers, made up: the same for the same resource in any case.
func Answer(id, property string) string {
	return "‹" + property + " of " + strings.ToLower(id) + "›"
}

// Tenant is what was deployed, one deployment after the other.
type Tenant struct {
	deployed map[string]*Resource // by id in lower case
	earlier  map[string]bool      // those ids, of deployments that are over
}

// atStart are the properties of a resource that Bicep takes no property of another in: Azure evaluates them before it deploys anything.
var atStart = []string{
	"name", "parent", "scope", "dependsOn", "location", "kind", "managedBy", "managedByExtended", "extendedLocation", "zones", "plan", "sku", "identity", "tags",
}

// answers are the properties that Azure answers and Bicep cannot know, with what has to be deployed for them to be there.
var answers = map[string]func(*Resource) bool{
	"identity.principalId": func(r *Resource) bool {
		identity, _ := r.Body["identity"].(map[string]any)
		kind, _ := identity["type"].(string)
		return strings.Contains(kind, "SystemAssigned")
	},
	"properties.principalId": isIdentity,
	"properties.clientId":    isIdentity,
}

func isIdentity(r *Resource) bool {
	return strings.EqualFold(r.Type, "Microsoft.ManagedIdentity/userAssignedIdentities")
}

// reading is a resource while its properties are worked out that may have such of others.
type reading struct {
	before map[string]bool // what it waits for
	reads  []Read
}

// read is a property of a resource. It fails where Bicep refuses it, and where Azure would: if nobody deploys the resource, in this version
// of its type and with such a property, or not before.
func (f *frame) read(d *Declaration, e *Access) (any, error) {
	property := strings.Join(e.Path, ".")
	fits := answers[property]
	if fits == nil {
		return nil, fmt.Errorf("line %d: %s is nothing that is ever read of %s", e.Line, property, e.Name)
	}
	if f.reading == nil {
		return nil, fmt.Errorf("line %d: only the id of %s is known before it is deployed (BCP120)", e.Line, e.Name)
	}
	at, err := f.place(d)
	if err != nil {
		return nil, err
	}
	_, version, _ := strings.Cut(d.Target, "@")
	id := strings.ToLower(at.id)
	of := f.deployment.tenant.deployed[id]
	switch {
	case of == nil:
		return nil, fmt.Errorf("line %d: nobody has deployed %s", e.Line, at.id)
	case !f.reading.before[id] && !f.deployment.tenant.earlier[id]:
		return nil, fmt.Errorf("line %d: it does not wait for %s", e.Line, at.id)
	case !strings.EqualFold(strings.Join(at.types, "/"), of.Type) || version != of.APIVersion:
		return nil, fmt.Errorf("line %d: %s is a %s@%s", e.Line, at.id, of.Type, of.APIVersion)
	case !fits(of):
		return nil, fmt.Errorf("line %d: Azure answers no %s of %s", e.Line, property, at.id)
	}
	f.reading.reads = append(f.reading.reads, Read{at.id, version, property})
	return Answer(at.id, property), nil
}

// property is the value of a property of a resource.
func (f *frame) property(name string, e Expr, r *reading) (any, error) {
	if !slices.Contains(atStart, name) {
		f.reading = r
		defer func() { f.reading = nil }()
	}
	return f.eval(e)
}
