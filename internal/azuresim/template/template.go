package template

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// Azure's limits for one template.
// https://learn.microsoft.com/azure/azure-resource-manager/templates/best-practices
const (
	MaxSize       = 4 << 20
	maxResource   = 1 << 20
	maxResources  = 800
	maxParameters = 256
	maxVariables  = 512
	maxOutputs    = 64
)

// Host is what Azure tells a template. Its methods may be called from many goroutines.
type Host interface {
	// TenantID is the directory, and Tenant what tenant() returns.
	TenantID() string
	Tenant() map[string]any
	// Subscription, Group and ManagementGroup are what the functions of those names return.
	Subscription(id string) (map[string]any, bool)
	Group(subscription, name string) (map[string]any, bool)
	ManagementGroup(name string) (map[string]any, bool)
	// Environment is what environment() returns.
	Environment() map[string]any
	// Resource is a resource of the tenant as a read in a version shows it, or in its default
	// version if that is empty.
	Resource(id, version string) (map[string]any, error)
	// List answers a list function, whose name is in lower case.
	List(function, id, version string, body any) (any, error)
	// Secret is the value of a Key Vault's secret that a parameter refers to.
	Secret(vault, name, version string) (string, error)
	// CheckType refuses types and versions that no provider has, and types that cannot stand in a
	// scope: an *Error.
	CheckType(typ, version string, scope Scope) error
}

// Deployment is what a template is deployed with.
type Deployment struct {
	Name, Location, Mode string
	Scope                Scope
	Template             map[string]any
	// Parameters are by name objects with value or reference.
	Parameters map[string]any
	// Deployer is what deployer returns.
	Deployer map[string]any
	// Now is what utcNow returns.
	Now time.Time
	// Unique is where newGuid starts from; a deployment of the same one evaluates to the same.
	Unique string

	depth  int           // of nested deployments
	nested *atomic.Int64 // how many have been checked before the deployment
}

// Template is a template that has passed all checks that need no deployed resource.
type Template struct {
	Deployment
	// Resources in the order of the template, those that a condition leaves out among them.
	Resources []*Resource

	host       Host
	parameters map[string]*parameter
	variables  map[string]*variable
	functions  map[string]*userFunction
	symbolic   bool // languageVersion 2.0
	index
	unique  int
	steps   atomic.Int64 // of loops
	outputs map[string]any
}

// Load reads and checks a template. An error is an *Error.
func Load(d Deployment, host Host) (*Template, error) {
	t := &Template{Deployment: d, host: host}
	if t.nested == nil {
		t.nested = new(atomic.Int64)
	}
	steps := []func() error{t.readHead, t.readParameters, t.readFunctions, t.readVariables, t.readResources, t.link, t.readOutputs, t.checkBodies}
	for _, step := range steps {
		if err := step(); err != nil {
			var refusal *Error
			if !errors.As(err, &refusal) {
				refusal = invalid("%v", err)
			}
			return nil, refusal
		}
	}
	return t, nil
}

var members = []string{"$schema", "languageversion", "contentversion", "apiprofile", "metadata", "definitions", "parameters", "variables", "functions", "resources", "outputs"}

var schemas = []string{
	"2014-04-01-preview/deploymenttemplate.json", "2015-01-01/deploymenttemplate.json", "2019-04-01/deploymenttemplate.json",
	"2018-05-01/subscriptiondeploymenttemplate.json", "2019-08-01/managementgroupdeploymenttemplate.json",
	"2019-08-01/tenantdeploymenttemplate.json",
}

func (t *Template) readHead() error {
	for _, name := range slices.Sorted(maps.Keys(t.Deployment.Template)) {
		if !slices.Contains(members, strings.ToLower(name)) {
			return malformed("Could not find member '%s' on object of type 'Template'. Path 'properties.template.%s'", name, name)
		}
	}
	for _, name := range []string{"$schema", "contentVersion", "resources"} {
		if _, ok := expression.Member(t.Deployment.Template, name); !ok {
			return malformed("Required property '%s' not found in JSON. Path 'properties.template'", name)
		}
	}
	schema, _ := t.member("$schema").(string)
	lower := strings.TrimSuffix(strings.ToLower(schema), "#")
	if !slices.ContainsFunc(schemas, func(known string) bool {
		return lower == "https://schema.management.azure.com/schemas/"+known || lower == "http://schema.management.azure.com/schemas/"+known
	}) {
		return invalid("Template schema '%s' is not supported. Supported versions are '2014-04-01-preview,2015-01-01,2018-05-01,2019-04-01,2019-08-01'. Please see https://aka.ms/arm-template for usage details.", schema)
	}
	if version, _ := t.member("contentVersion").(string); strings.Count(version, ".") != 3 {
		return invalid("The template content version '%s' is not valid: it has to be of the form '1.0.0.0'", version)
	}
	switch version := t.member("languageVersion"); version {
	case nil, "1.0":
	case "2.0", "2.1-experimental":
		t.symbolic = true
	default:
		return invalid("The template language version '%v' is not recognized", version)
	}
	if expression.Size(t.Deployment.Template) > MaxSize {
		return &Error{Code: "RequestContentTooLarge", Message: "The template is larger than the maximum of '4194304' bytes."}
	}
	return nil
}

// member is a member of the template, nil if there is none.
func (t *Template) member(name string) any {
	value, _ := expression.Member(t.Deployment.Template, name)
	return value
}

// section is a member that must be an object.
func (t *Template) section(name string) (map[string]any, error) {
	switch v := t.member(name).(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return v, nil
	}
	return nil, malformed("The member '%s' of the template must be an object", name)
}

// Outputs evaluates the outputs, each an object with type and, unless it is a secret, value.
func (t *Template) Outputs() (map[string]any, error) {
	made := map[string]any{}
	for name, output := range t.outputs {
		members, _ := output.(map[string]any) // readOutputs has seen to it
		if condition, ok := expression.Member(members, "condition"); ok {
			value, err := t.runtime().value(condition)
			if err != nil {
				return nil, outputError(name, err)
			}
			if value == false {
				continue
			}
		}
		typ, _ := members["type"].(string)
		shown := map[string]any{"type": canonicalType(typ)}
		value, err := t.outputValue(members)
		if err != nil {
			return nil, outputError(name, err)
		}
		if err := checkType(typ, value); err != nil {
			return nil, outputError(name, err)
		}
		if !isSecure(typ) {
			shown["value"] = value
		}
		made[name] = shown
	}
	return made, nil
}

func (t *Template) outputValue(members map[string]any) (any, error) {
	env := t.runtime()
	if loop, ok := members["copy"].(map[string]any); ok {
		return env.loop(loop, "")
	}
	return env.value(members["value"])
}

func outputError(name string, err error) error {
	return &Error{Code: "DeploymentOutputEvaluationFailed", Message: "Unable to evaluate template outputs: '" + name + "'. " + err.Error()}
}

func (t *Template) readOutputs() error {
	outputs, err := t.section("outputs")
	if err != nil {
		return err
	}
	if len(outputs) > maxOutputs {
		return invalid("The number of template output parameters limit exceeded. Limit: '%d' and actual: '%d'. Please see https://aka.ms/arm-template/#outputs for usage details.", maxOutputs, len(outputs))
	}
	for name, output := range outputs {
		members, ok := output.(map[string]any)
		if !ok {
			return malformed("The template output '%s' must be an object", name)
		}
		typ, _ := members["type"].(string)
		_, hasValue := members["value"]
		_, hasCopy := members["copy"]
		if canonicalType(typ) == "" || hasValue == hasCopy {
			return invalid("The template output '%s' is not valid: it needs a type, and a value or a copy", name)
		}
		if err := t.preflight().check(output); err != nil {
			return invalid("The template output '%s' is not valid: %v. Please see https://aka.ms/arm-template/#outputs for usage details.", name, err)
		}
	}
	t.outputs = outputs
	return nil
}
