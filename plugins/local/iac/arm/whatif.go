package arm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/check"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	whatIfTool = "az deployment what-if"
	// placeholder keeps to the rules that Azure's services have for passwords.
	placeholder = "Placeholder-0-for-what-if"
	lastWords   = 2000 // bytes of what az says when it fails
	grace       = 5 * time.Second
)

// askAzure asks Azure what deploying the templates would do.
func askAzure(ctx context.Context, dir string, env []string, templates []*written) (check.Result, error) {
	result := check.Result{Tool: whatIfTool, State: check.Passed}
	program := check.Find("az", env)
	if program == "" {
		result.State = check.Skipped
		result.Message = "The Azure CLI (az) is not installed, so nobody has asked Azure what would change."
		return result, nil
	}
	az := &azure{program: program, dir: dir, env: env}
	result.Version = az.version(ctx)
	counts := map[string]int{}
	for _, t := range templates {
		findings, err := az.whatIf(ctx, t, counts)
		if errors.Is(err, errLogin) {
			result.State = check.Skipped
			result.Message = "The Azure CLI is not logged in, so nobody has asked Azure what would change. Run: az login"
			return result, nil
		}
		if err != nil {
			return result, err
		}
		result.Findings = append(result.Findings, findings...)
	}
	result.Message = fmt.Sprintf("Azure would create %s, change %d, delete %d and leave %d as they are; it cannot say of %d.", count(counts["Create"], "resource"),
		counts["Modify"], counts["Delete"], counts["NoChange"]+counts["Ignore"], counts["Unsupported"]+counts["Deploy"])
	for _, f := range result.Findings {
		if f.Severity == check.Error {
			result.State, result.Message = check.Failed, "Azure refuses a deployment, or what-if failed."
		}
	}
	return result, nil
}

// errLogin says that az has no login.
var errLogin = errors.New("az is not logged in")

// azure runs az.
type azure struct {
	program, dir string
	env          []string
}

func (a *azure) run(ctx context.Context, arguments ...string) (stdout, stderr []byte, err error) {
	cmd := exec.CommandContext(ctx, a.program, arguments...) //nolint:gosec // the user's own az, with arguments that no shell reads
	cmd.Dir, cmd.Env, cmd.WaitDelay = a.dir, a.env, grace
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if cause := context.Cause(ctx); cause != nil {
		return nil, nil, cause
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, nil, fault.New(fault.ExecutionFailed, "cannot run the Azure CLI", fault.On(a.program), fault.Because(err))
	}
	return out.Bytes(), errs.Bytes(), err
}

func (a *azure) version(ctx context.Context) string {
	out, _, err := a.run(ctx, "version", "--output", "json")
	var versions struct {
		CLI string `json:"azure-cli"`
	}
	if err != nil || json.Unmarshal(out, &versions) != nil {
		return ""
	}
	return versions.CLI
}

// outcome is what az prints of a what-if.
type outcome struct {
	Changes []change `json:"changes"`
	Error   *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// change is what Azure says of a resource, or of a property of one (WhatIfChange and WhatIfPropertyChange of the REST API).
type change struct {
	ResourceID         string          `json:"resourceId"`
	ChangeType         string          `json:"changeType"`
	UnsupportedReason  string          `json:"unsupportedReason"`
	Delta              []change        `json:"delta"`
	Path               string          `json:"path"`
	PropertyChangeType string          `json:"propertyChangeType"`
	Children           []change        `json:"children"`
	After              json.RawMessage `json:"after"`
}

// unresolved says that a property is to be what Azure answers of another resource: a preview compares the expression itself with what is
// there, and always finds a change.
func (c *change) unresolved() bool {
	var text string
	if len(c.Children) == 0 {
		return json.Unmarshal(c.After, &text) == nil && strings.HasPrefix(text, "[reference(")
	}
	for i := range c.Children {
		if !c.Children[i].unresolved() {
			return false
		}
	}
	return true
}

// paths are the properties that change, and those of which only a deployment can say it.
func (c *change) paths() (changed, unknown []string) {
	for i := range c.Delta {
		switch d := &c.Delta[i]; {
		case d.PropertyChangeType == "NoEffect": // Azure takes it and does nothing
		case d.unresolved():
			unknown = append(unknown, d.Path)
		default:
			changed = append(changed, d.Path)
		}
	}
	return changed, unknown
}

// kind is what is counted.
func (c *change) kind() string {
	if changed, unknown := c.paths(); c.ChangeType == "Modify" && len(changed) == 0 && len(unknown) > 0 {
		return "Unsupported"
	}
	return c.ChangeType
}

// message is what people should know of a change; empty is nothing.
func (c *change) message() string {
	switch c.ChangeType {
	case "Modify":
		changed, unknown := c.paths()
		later := "Azure cannot say before the deployment whether these change, for they name the identity of another resource: " + strings.Join(unknown, ", ")
		switch {
		case len(unknown) == 0:
			return strings.TrimSuffix("would change: "+strings.Join(changed, ", "), ": ")
		case len(changed) == 0:
			return later
		}
		return "would change: " + strings.Join(changed, ", ") + "; " + later
	case "Delete":
		return "would be deleted"
	case "Deploy":
		return "would be deployed; Azure cannot say what changes"
	case "Unsupported":
		return strings.TrimSuffix("Azure cannot say what changes: "+c.UnsupportedReason, ": ")
	}
	return ""
}

// whatIf asks about one template, and counts the kinds of changes.
func (a *azure) whatIf(ctx context.Context, t *written, counts map[string]int) (findings []check.Finding, err error) {
	temporary, err := os.MkdirTemp("", "atg-what-if-")
	if err != nil {
		return nil, fault.New(fault.ExecutionFailed, "cannot make a temporary folder", fault.Because(err))
	}
	defer func() { _ = os.RemoveAll(temporary) }()
	arguments, err := t.arguments(temporary)
	if err != nil {
		return nil, err
	}
	finding := func(severity check.Severity, resource, message string) {
		findings = append(findings, check.Finding{Severity: severity, Resource: resource, File: t.file, Message: message})
	}
	out, words, err := a.run(ctx, arguments...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && bytes.Contains(words, []byte("az login")):
		return nil, errLogin
	case errors.As(err, &exit):
		text := strings.TrimSpace(string(words))
		finding(check.Error, "", strings.ToValidUTF8(text[max(0, len(text)-lastWords):], "")+t.hint())
		return findings, nil
	case err != nil:
		return nil, err
	}
	var o outcome
	if err := json.Unmarshal(out, &o); err != nil {
		finding(check.Error, "", "az answered something that is not JSON: "+err.Error())
		return findings, nil
	}
	if o.Error != nil {
		finding(check.Error, "", o.Error.Code+": "+o.Error.Message+t.hint())
	}
	for i := range o.Changes {
		c := &o.Changes[i]
		counts[c.kind()]++
		if message := c.message(); message != "" {
			finding(check.Warning, c.ResourceID, message)
		}
	}
	return findings, nil
}

// hint is why a template that is not the first may fail where nothing is wrong.
func (t *written) hint() string {
	if t.metadata.Deployment.Order > 1 {
		return " (it may need what is deployed before it)"
	}
	return ""
}

// arguments are what az is given to say what a template would change. Placeholders of its secrets go into a file in the folder.
func (t *written) arguments(folder string) ([]string, error) {
	d := t.metadata.Deployment
	arguments := []string{"deployment", d.Scope, "what-if", "--name", d.Name, "--location", d.Location,
		"--template-file", t.file, "--parameters", "@" + t.parameterFile, "--no-pretty-print", "--only-show-errors", "--output", "json"}
	switch d.Scope {
	case "sub":
		arguments = append(arguments, "--subscription", t.subscription())
	case "mg":
		arguments = append(arguments, "--management-group-id", d.ManagementGroup)
	}
	if len(t.secure) == 0 {
		return arguments, nil
	}
	name := filepath.Join(folder, "parameters.json")
	if err := os.WriteFile(name, placeholders(t), 0o600); err != nil {
		return nil, fault.New(fault.ExecutionFailed, "cannot write a temporary file", fault.Because(err))
	}
	return append(arguments, "--parameters", "@"+name), nil
}

// placeholders is a parameter file with a value for every secret.
func placeholders(t *written) []byte {
	values := map[string]any{}
	for name, kind := range t.secure {
		var value any = placeholder
		if kind == "secureObject" {
			members := map[string]string{}
			for _, part := range bytes.Split(t.text, []byte("parameters('"+name+"')['"))[1:] {
				member, _, _ := bytes.Cut(part, []byte("'"))
				members[string(member)] = placeholder
			}
			value = members
		}
		values[name] = map[string]any{"value": value}
	}
	text, _ := json.Marshal(map[string]any{"$schema": parameterSchema, "contentVersion": contentVersion, "parameters": values}) // strings never fail
	return text
}
