package arm

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm/engine"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/check"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// structure is the name of the check that needs nothing but the files.
const structure = "template structure"

// written is a template that was found in a folder.
type written struct {
	file, parameterFile string
	text                []byte
	metadata            metadata
	values              map[string]json.RawMessage // of the parameter file
	secure              map[string]string          // parameters that have to be given: secureString or secureObject
}

// Check examines the templates in dir: that they are what Azure's engine can evaluate, that what a resource depends on is in its
// template, that parameters are declared, used and given, and that all is within Azure's limits. With whatIf it also asks Azure, through
// the az of the PATH in env and with the login that az has, what deploying them would do; that reads, and changes
// nothing. Secrets are placeholders there.
func Check(ctx context.Context, dir string, env []string, whatIf bool) ([]check.Result, error) {
	templates, err := find(dir)
	if err != nil {
		return nil, err
	}
	result := check.Result{Tool: structure, State: check.Passed}
	resources := 0
	var tenant engine.Tenant
	for _, t := range templates {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		found := tenant.Deploy(t.text, t.scope(), t.given())
		resources += len(found.Resources)
		for _, p := range found.Problems {
			result.State = check.Failed
			result.Findings = append(result.Findings, check.Finding{Severity: check.Error, Resource: p.Resource, File: t.file, Message: p.Message})
		}
	}
	result.Message = fmt.Sprintf("%s in %s evaluated: references, dependencies, parameters and Azure's limits hold.",
		count(resources, "resource"), count(len(templates), "template"))
	if result.State == check.Failed {
		result.Message = fmt.Sprintf("%s found in %s.", count(len(result.Findings), "problem"), count(len(templates), "template"))
	}
	results := []check.Result{result}
	if whatIf {
		asked, err := askAzure(ctx, dir, env, templates)
		if err != nil {
			return nil, err
		}
		results = append(results, asked)
	}
	return results, nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// find reads the templates in a folder, in the order of deployment.
func find(dir string) ([]*written, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, unreadable(dir, err)
	}
	var all []*written
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".json") || strings.HasSuffix(entry.Name(), parameterSuffix) {
			continue
		}
		name := filepath.Join(dir, entry.Name())
		t := &written{file: entry.Name()}
		if t.text, err = os.ReadFile(name); err != nil {
			return nil, unreadable(name, err)
		}
		var head struct {
			Schema     string   `json:"$schema"`
			Metadata   metadata `json:"metadata"`
			Parameters map[string]struct {
				Type string `json:"type"`
			} `json:"parameters"`
		}
		if err := json.Unmarshal(t.text, &head); err != nil {
			return nil, unreadable(name, err)
		}
		if !strings.HasPrefix(head.Schema, schemas) {
			continue
		}
		t.metadata = head.Metadata
		t.secure = map[string]string{}
		for name, p := range head.Parameters {
			if strings.HasPrefix(p.Type, "secure") {
				t.secure[name] = p.Type
			}
		}
		t.parameterFile = strings.TrimSuffix(t.file, ".json") + parameterSuffix
		if err := t.readValues(dir); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	slices.SortStableFunc(all, func(a, b *written) int { return a.metadata.Deployment.Order - b.metadata.Deployment.Order })
	return all, nil
}

func unreadable(name string, err error) error {
	return fault.New(fault.ExecutionFailed, "cannot read the generated template "+name, fault.On(name), fault.Because(err))
}

func (t *written) readValues(dir string) error {
	name := filepath.Join(dir, t.parameterFile)
	text, err := os.ReadFile(name)
	if err != nil {
		return unreadable(name, err)
	}
	var file struct {
		Parameters map[string]struct {
			Value     json.RawMessage `json:"value"`
			Reference json.RawMessage `json:"reference"`
		} `json:"parameters"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return unreadable(name, err)
	}
	t.values = map[string]json.RawMessage{}
	for name, p := range file.Parameters {
		t.values[name] = p.Value // nil for a reference, which Azure resolves
		if p.Reference != nil {
			delete(t.secure, name)
		}
	}
	return nil
}

// given are the parameters' values for an evaluation here.
func (t *written) given() map[string]any {
	given := map[string]any{}
	for name, raw := range t.values {
		var v any
		if raw == nil || json.Unmarshal(raw, &v) != nil {
			v = name
		}
		given[name] = v
	}
	return given
}

func (t *written) scope() engine.Scope {
	d := t.metadata.Deployment
	return engine.Scope{ManagementGroup: d.ManagementGroup, Subscription: t.subscription()}
}

// subscription is the one that the template is deployed to; empty if it is none.
func (t *written) subscription() string {
	d := t.metadata.Deployment
	if d.SubscriptionParameter == "" {
		return d.Subscription
	}
	var id string
	if json.Unmarshal(t.values[d.SubscriptionParameter], &id) != nil {
		return ""
	}
	return id
}
