package arm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// outerFile writes the resources of a stage itself, and its nested deployments.
type outerFile struct {
	*stageFile
	*writer
	mains  map[template.Node]string // the dependencies on main's resources that a unit waits for
	wanted map[template.Node]bool
}

// main writes what is deployed to the stage's own scope.
func (o *outerFile) main(ctx context.Context) error {
	main := o.stage.Main
	if main == nil {
		return nil
	}
	units := map[int]*template.Unit{}
	for _, u := range o.stage.Units {
		units[u.Index] = u
	}
	for _, nodes := range o.stage.UnitAfter {
		for _, n := range nodes {
			o.wanted[n] = true
		}
	}
	for _, u := range o.stage.Units {
		if u.Scope.Group != template.NoNode {
			o.wanted[u.Scope.Group] = true
		}
	}
	return o.all(ctx, o.t, main, func(n template.Node) []string {
		var wait []string
		for _, index := range o.stage.MainAfter[n] {
			if u, ok := units[index]; ok {
				wait = append(wait, o.deploymentID(u))
			}
		}
		return wait
	}, func(r *template.Resource) {
		if o.wanted[r.Node] {
			o.mains[r.Node] = o.dependency(idOf(r))
		}
	})
}

// idOf is a resource's id, made of what it is and where it hangs.
func idOf(r *template.Resource) []template.Part {
	id := slices.Clone(r.ParentID)
	if len(id) == 1 && id[0].Literal == "/" {
		id = nil
	}
	lit := func(s string) { id = append(id, template.Part{Literal: s}) }
	kind := r.Type
	switch i := strings.LastIndexByte(kind, '/'); {
	case strings.EqualFold(kind, "Microsoft.Resources/resourceGroups"):
		lit("/resourceGroups/")
	case r.ParentKind == template.ParentChild && i >= 0:
		lit("/" + kind[i+1:] + "/")
	default:
		lit("/providers/" + kind + "/")
	}
	return append(id, r.Name...)
}

// deploymentID names a nested deployment in dependsOn.
func (o *outerFile) deploymentID(u *template.Unit) string {
	for i := range u.Scope.ID {
		o.note(&u.Scope.ID[i])
	}
	return "extensionResourceId(" + o.expression(u.Scope.ID) + ", " + quote(deploymentType) + ", " + quote(deploymentName(o.prefix+u.Name)) + ")"
}

// deploymentName is the name of a unit's deployment: letters, digits and a few signs, and no more than Azure takes.
func deploymentName(unit string) string {
	name := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '-'
	}, unit)
	if name == unit && len(name) <= maxName {
		return name
	}
	sum := sha256.Sum256([]byte(unit))
	return name[:min(len(name), maxName-9)] + "-" + hex.EncodeToString(sum[:4])
}

// secretNames gives every secret of every unit the name that it has in the stage: its own, unless another has it already.
// The answer has a map for each unit, from the unit's name to the expression that gives the value.
func (o *outerFile) secretNames(nested []*writer) []map[string]string {
	o.secrets, o.grouped = nil, false
	taken := map[string]bool{groupedName: true}
	count := 0
	for _, name := range slices.Sorted(maps.Keys(o.used)) {
		taken[name] = true
		count++
		if p := o.used[name]; p.Secret {
			o.secrets = append(o.secrets, secret{name: p.Name, description: p.Description, parameter: p})
		}
	}
	var own []*template.Parameter
	for _, p := range o.t.Parameters {
		if !taken[p.Name] {
			taken[p.Name] = true
			count++
		}
	}
	for _, w := range nested {
		for _, p := range w.used {
			if p.Secret {
				own = append(own, p)
			}
		}
	}
	o.grouped = count+len(own) > maxParameters
	answer := make([]map[string]string, len(nested))
	for i, w := range nested {
		answer[i] = map[string]string{}
		for _, name := range slices.Sorted(maps.Keys(w.used)) {
			p := w.used[name]
			if !p.Secret {
				continue
			}
			outer := name
			for n := 1; taken[outer]; n++ {
				outer = strings.ReplaceAll(o.stage.Units[i].Name, "-", "_") + "_" + name
				if n > 1 {
					outer += "_" + strconv.Itoa(n)
				}
			}
			taken[outer] = true
			o.secrets = append(o.secrets, secret{name: outer, description: p.Description, grouped: o.grouped, parameter: p, unit: o.stage.Units[i].Name})
			answer[i][name] = "parameters(" + quote(outer) + ")"
			if o.grouped {
				answer[i][name] = "parameters('" + groupedName + "')[" + quote(outer) + "]"
			}
		}
	}
	return answer
}

// nested writes the deployment of a unit.
func (o *outerFile) nested(u *template.Unit, w *writer, secrets map[string]string) error {
	if len(u.Nodes) > maxResources {
		return overLimit(u.Title, len(u.Nodes), maxResources, "resources")
	}
	if len(w.used) > maxParameters {
		return overLimit(u.Title, len(w.used), maxParameters, "parameters")
	}
	start := len(o.b)
	if o.compact {
		o.nextResource()
	} else {
		o.next()
	}
	o.open('{')
	o.plain("type", deploymentType)
	o.plain("apiVersion", deploymentAPI)
	o.plain("name", deploymentName(o.prefix+u.Name))
	if s := u.Scope.Subscription; s != nil { // also the stage's own: its parameter is then in the parameter file, where deploy.sh reads it
		o.name("subscriptionId")
		o.text([]template.Part{{Parameter: s}})
	}
	o.name("resourceGroup")
	o.text(u.Scope.ResourceGroup)
	o.name("properties")
	o.open('{')
	o.name("expressionEvaluationOptions")
	o.open('{')
	o.plain("scope", "inner")
	o.close('}')
	o.plain("mode", "Incremental")
	o.pass(w, secrets)
	o.name("template")
	if err := o.inner(w); err != nil {
		return err
	}
	o.close('}')
	o.dependsOn(o.before(u))
	o.close('}')
	if size := len(o.b) - start; size > maxResource {
		return tooLarge(u.Title, size, maxResource)
	}
	if len(o.b) > o.limit {
		return tooLarge(o.title, len(o.b), o.limit)
	}
	return o.err
}

// before are what a unit's deployment has to wait for.
func (o *outerFile) before(u *template.Unit) []string {
	var wait []string
	if e, ok := o.mains[u.Scope.Group]; ok {
		wait = append(wait, e)
	}
	for _, n := range o.stage.UnitAfter[u.Index] {
		if e, ok := o.mains[n]; ok {
			wait = append(wait, e)
		}
	}
	for _, index := range u.After {
		for _, other := range o.stage.Units {
			if other.Index == index {
				wait = append(wait, o.deploymentID(other))
			}
		}
	}
	return wait
}

// pass writes the values of the parameters of a nested template.
func (o *outerFile) pass(w *writer, secrets map[string]string) {
	if len(w.used) == 0 {
		return
	}
	o.name("parameters")
	o.open('{')
	for _, name := range slices.Sorted(maps.Keys(w.used)) {
		e, isSecret := secrets[name]
		if !isSecret {
			o.know(w.used[name])
			e = "parameters(" + quote(name) + ")"
			o.use(e)
		}
		o.next()
		o.b = appendLiteral(o.b, name)
		o.colon()
		o.open('{')
		o.name("value")
		o.b = appendExpression(o.b, e)
		o.close('}')
	}
	o.close('}')
}

// inner writes the template of a nested deployment.
func (o *outerFile) inner(w *writer) error {
	o.open('{')
	o.plain("$schema", groupSchema)
	o.plain("contentVersion", contentVersion)
	if len(w.used) > 0 {
		o.name("parameters")
		o.open('{')
		for _, name := range slices.Sorted(maps.Keys(w.used)) {
			o.next()
			o.b = appendLiteral(o.b, name)
			o.colon()
			o.open('{')
			kind := "string"
			if w.used[name].Secret {
				kind = "secureString"
			}
			o.plain("type", kind)
			o.close('}')
		}
		o.close('}')
	}
	if err := w.declareVariables(&o.document); err != nil {
		return err
	}
	o.name("resources")
	o.list(w.b)
	o.close('}')
	return nil
}
