package bicep

import (
	"context"
	"hash/fnv"
	"slices"
	"strconv"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// mostParameters is Azure's limit for a template (Bicep's MaxParameterCount).
const mostParameters = 256

// longestDeployment is Azure's limit for the name of a deployment, which a module is.
const longestDeployment = 64

// file is the name of a stage's files, without extension.
func (w *writer) file(stage int) string {
	if len(w.t.Stages) == 1 {
		return "main"
	}
	return w.t.Stages[stage].Name
}

// stage writes the main file of a stage and its parameters.
func (w *writer) stage(ctx context.Context, index int) error {
	s := w.t.Stages[index]
	m := &mainFile{w: w, stage: s, file: newFile(w.t, s.Main, s.Scope), modules: map[int]string{}, secrets: map[int]map[string]string{}}
	for _, u := range s.Units {
		name := symbol(u.Name, "Module")
		if _, taken := m.names[name]; taken {
			name += "Module"
		}
		m.modules[u.Index] = m.names.take(name)
	}
	if s.Main != nil {
		err := w.t.Each(ctx, s.Main, func(r *template.Resource) error {
			var after []string
			for _, unit := range s.MainAfter[r.Node] {
				if symbol := m.modules[unit]; symbol != "" {
					after = append(after, symbol)
				}
			}
			return m.resource(r, after)
		})
		if err != nil {
			return err
		}
	}
	m.nameSecrets()
	for _, u := range s.Units {
		m.module(u)
	}

	head := w.head(map[template.ScopeKind]string{
		template.ScopeTenant: "tenant", template.ScopeManagementGroup: "managementGroup",
		template.ScopeSubscription: "subscription", template.ScopeResourceGroup: "resourceGroup",
	}[s.Scope.Kind], s.Title)
	for _, p := range m.sorted() {
		value := ""
		if m.ownSubscription(p.Parameter) {
			value = "subscription().subscriptionId"
		}
		head = appendParameter(head, p.Description, p.symbol, "string", value, p.Secret)
	}
	if m.object != "" {
		head = appendParameter(head, "The secrets of the modules, by module", m.object, "object", "", true)
	}
	if err := w.write(w.file(index)+".bicep", m.file, head); err != nil {
		return err
	}
	return w.parameters(index, m)
}

// mainFile is the main file of a stage while it is made.
type mainFile struct {
	*file
	w       *writer
	stage   *template.Stage
	modules map[int]string            // symbols by a unit's index
	secrets map[int]map[string]string // by a unit's index and the secret's name: the symbol, or the property of object
	object  string                    // one parameter for the secrets of all modules, where they are too many; else empty
	order   []secret                  // of the modules, in the order of modules
}

// secret is a secret of a module, as main knows it.
type secret struct{ module, symbol string }

// ownSubscription says whether a parameter is the subscription that the stage is deployed to: then Azure says it.
func (m *mainFile) ownSubscription(p *template.Parameter) bool {
	s := m.stage.Scope
	return s.Kind == template.ScopeSubscription && !p.Secret && s.Subscription != nil && p.Name == s.Subscription.Name
}

// nameSecrets names the secrets of modules in main. Names are unique in a unit alone, so those that several units have begin with the
// module's. Where there are more parameters than Azure takes, the secrets are one object.
func (m *mainFile) nameSecrets() {
	count, units := 0, map[string]int{}
	shared := map[string]bool{}
	for _, p := range m.parameters {
		shared[p.Name] = true
		if p.Secret {
			units[p.symbol]++
		}
	}
	for _, u := range m.stage.Units {
		for _, p := range m.w.used[u.Index].parameters {
			if p.Secret {
				count++
				units[p.symbol]++
			} else {
				shared[p.Name] = true
			}
		}
	}
	if len(m.parameters)+len(shared)+count > mostParameters {
		m.object = m.names.take("moduleSecrets")
	}
	for _, u := range m.stage.Units {
		named := map[string]string{}
		for _, p := range m.w.used[u.Index].parameters {
			if !p.Secret {
				continue
			}
			name := p.symbol
			if m.object == "" {
				if units[name] > 1 {
					name = m.modules[u.Index] + pascal(p.Name)
				}
				name = m.secretParameter(p.Parameter, name)
			}
			named[p.Name] = name
			m.order = append(m.order, secret{m.modules[u.Index], name})
		}
		m.secrets[u.Index] = named
	}
}

// secretParameter is a new parameter for a secret of a module.
func (m *mainFile) secretParameter(p *template.Parameter, name string) string {
	known := &parameter{p, m.names.take(name)}
	m.parameters = append(m.parameters, known)
	return known.symbol
}

// module appends a module.
func (m *mainFile) module(u *template.Unit) {
	symbol := m.modules[u.Index]
	b := append(append(append(m.body, "module "...), symbol...), ' ')
	b = append(appendQuoted(b, "modules/"+u.Name+".bicep"), " = {\n"...)
	group := ""
	if u.Scope.Group != template.NoNode {
		group = m.own(u.Scope.Group)
	}
	scope := group
	if at, ok := locate(append(slices.Clone(u.Scope.ID), template.Part{Literal: "/providers/x/y/z"})); ok && scope == "" {
		scope = m.scopeOf(at, "")
	}
	if scope != "" {
		b = append(append(append(b, "  scope: "...), scope...), '\n')
	}
	b = append(appendQuoted(append(b, "  name: "...), deploymentName(u.Name)), '\n')
	if parameters := m.w.used[u.Index].parameters; len(parameters) > 0 {
		b = append(b, "  params: {\n"...)
		for _, p := range parameters {
			b = append(append(append(b, "    "...), p.symbol...), ": "...)
			switch {
			case !p.Secret:
				b = append(b, m.parameter(p.Parameter)...)
			case m.object != "":
				b = append(append(append(append(append(b, m.object...), '.'), symbol...), '.'), m.secrets[u.Index][p.Name]...)
			default:
				b = append(b, m.secrets[u.Index][p.Name]...)
			}
			b = append(b, '\n')
		}
		b = append(b, "  }\n"...)
	}
	var after []string
	for _, unit := range u.After {
		if other := m.modules[unit]; other != "" {
			after = append(after, other)
		}
	}
	for _, node := range m.stage.UnitAfter[u.Index] {
		if other := m.own(node); other != "" && other != group {
			after = append(after, other)
		}
	}
	m.body = append(appendDependsOn(b, after), "}\n\n"...)
}

// deploymentName is a name that Azure takes for a deployment.
func deploymentName(name string) string {
	if len(name) <= longestDeployment {
		return name
	}
	h := fnv.New32a()
	h.Write([]byte(name))
	return name[:longestDeployment-9] + "-" + strconv.FormatUint(1<<32|uint64(h.Sum32()), 16)[1:]
}
