package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Azure's limits for one template.
const (
	maxTemplate   = 4 << 20
	maxResource   = 1 << 20
	maxResources  = 800
	maxParameters = 256
	maxVariables  = 512
)

// Scope is what a template is deployed to. All empty is the tenant.
type Scope struct {
	ManagementGroup, Subscription, ResourceGroup string
}

// ID is the scope's ARM id; empty for the tenant.
func (s Scope) ID() string {
	switch {
	case s.ResourceGroup != "":
		return "/subscriptions/" + s.Subscription + "/resourceGroups/" + s.ResourceGroup
	case s.Subscription != "":
		return "/subscriptions/" + s.Subscription
	case s.ManagementGroup != "":
		return "/providers/Microsoft.Management/managementGroups/" + s.ManagementGroup
	}
	return ""
}

// Resource is a resource that a template deploys, with everything evaluated.
type Resource struct {
	ID, Type, APIVersion string
	Members              map[string]any // all but type, apiVersion, name, scope and dependsOn
	DependsOn            []string       // ids of resources of the same template
	References           []Reference    // what its members have of the answers of others; sorted
	Deployment           string         // the id of the nested deployment that it is in; empty for the template itself
	names                []string       // by which a dependsOn may call it, in lower case
}

// Problem is something that Azure would refuse, or that is not as it should be.
type Problem struct {
	Resource string // an ARM id, as far as it is known
	Message  string
}

// Template is what was found of a template.
type Template struct {
	Resources []Resource // nested deployments among them, each before what it deploys
	Problems  []Problem
}

// Tenant is what has been deployed so far. Its zero value is nothing.
type Tenant struct {
	resources map[string]bool // by id, in lower case
}

// Deploy evaluates a template with the values of parameters, where nothing has been deployed before.
func Deploy(text []byte, at Scope, parameters map[string]any) *Template {
	return new(Tenant).Deploy(text, at, parameters)
}

// Deploy evaluates a template with the values of parameters; those that are not given have their defaults. Secrets need not be given.
func (before *Tenant) Deploy(text []byte, at Scope, parameters map[string]any) *Template {
	t := &Template{}
	if len(text) > maxTemplate {
		t.problem("", "the template has %d bytes, and may have %d", len(text), maxTemplate)
	}
	t.deploy(text, at, parameters, "")
	t.answers(before)
	if before.resources == nil {
		before.resources = map[string]bool{}
	}
	for i := range t.Resources {
		before.resources[strings.ToLower(t.Resources[i].ID)] = true
	}
	return t
}

func (t *Template) problem(resource, format string, arguments ...any) {
	t.Problems = append(t.Problems, Problem{Resource: resource, Message: fmt.Sprintf(format, arguments...)})
}

// source is a template as it is written.
type source struct {
	Schema         string                 `json:"$schema"`
	ContentVersion string                 `json:"contentVersion"`
	Parameters     map[string]declaration `json:"parameters"`
	Variables      map[string]any         `json:"variables"`
	Resources      []json.RawMessage      `json:"resources"`
}

type declaration struct {
	Type         string `json:"type"`
	DefaultValue any    `json:"defaultValue"`
}

func (t *Template) deploy(text []byte, at Scope, given map[string]any, deployment string) {
	var src source
	if err := json.Unmarshal(text, &src); err != nil {
		t.problem(deployment, "the template is not JSON as it should be: %v", err)
		return
	}
	if want := schemaOf(at); src.Schema != want {
		t.problem(deployment, "the schema is %s, and should be %s", src.Schema, want)
	}
	if src.ContentVersion == "" {
		t.problem(deployment, "there is no contentVersion")
	}
	for what, n := range map[string][2]int{"resources": {len(src.Resources), maxResources}, "parameters": {len(src.Parameters), maxParameters}, "variables": {len(src.Variables), maxVariables}} {
		if n[0] > n[1] {
			t.problem(deployment, "there are %d %s, and may be %d", n[0], what, n[1])
		}
	}
	e := &evaluation{at: at, parameters: map[string]any{}, variables: src.Variables, used: map[string]bool{}, usedText: map[string]bool{}}
	t.bind(e, &src, given, deployment)
	first := len(t.Resources)
	for _, raw := range src.Resources {
		t.resource(e, raw, deployment)
	}
	for _, name := range slices.Sorted(maps.Keys(src.Parameters)) {
		if !e.used[name] {
			t.problem(deployment, "the parameter %s is not used", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(src.Variables)) {
		if !e.usedText[name] {
			t.problem(deployment, "the variable %s is not used", name)
		}
	}
	var own []*Resource
	for i := first; i < len(t.Resources); i++ {
		if t.Resources[i].Deployment == deployment {
			own = append(own, &t.Resources[i])
		}
	}
	t.order(own)
}

func schemaOf(at Scope) string {
	name := "2019-08-01/tenantDeploymentTemplate"
	switch {
	case at.ResourceGroup != "":
		name = "2019-04-01/deploymentTemplate"
	case at.Subscription != "":
		name = "2018-05-01/subscriptionDeploymentTemplate"
	case at.ManagementGroup != "":
		name = "2019-08-01/managementGroupDeploymentTemplate"
	}
	return "https://schema.management.azure.com/schemas/" + name + ".json#"
}

// bind gives the parameters their values.
func (t *Template) bind(e *evaluation, src *source, given map[string]any, deployment string) {
	for name := range given {
		if _, ok := src.Parameters[name]; !ok {
			t.problem(deployment, "the parameter %s is given, and not declared", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(src.Parameters)) {
		p := src.Parameters[name]
		v, ok := given[name]
		switch {
		case ok:
		case strings.EqualFold(p.Type, "secureObject"):
			v = unknown{}
		case strings.EqualFold(p.Type, "secureString"):
			v = name
		case p.DefaultValue != nil:
			var err error
			if v, err = e.value(p.DefaultValue); err != nil {
				t.problem(deployment, "the default of the parameter %s: %v", name, err)
				v = ""
			}
		default:
			t.problem(deployment, "the parameter %s has no value", name)
			v = ""
		}
		if _, isText := v.(string); isText != strings.HasSuffix(strings.ToLower(p.Type), "string") {
			t.problem(deployment, "the value of the parameter %s is no %s", name, p.Type)
		}
		e.parameters[name] = v
	}
}
