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
	program := findProgram(env)
	if program == "" {
		result.State = check.Skipped
		result.Message = "the Azure CLI (az) is not installed, so Azure was not asked what would change"
		return result, nil
	}
	az := &azure{program: program, dir: dir, env: env}
	result.Version = az.version(ctx)
	total := map[string]int{}
	for _, t := range templates {
		findings, changes, err := az.whatIf(ctx, t)
		if err != nil {
			return result, err
		}
		for _, f := range findings {
			if f.Severity == check.Error {
				result.State = check.Failed
			}
		}
		result.Findings = append(result.Findings, findings...)
		for kind, n := range changes {
			total[kind] += n
		}
	}
	if result.State == check.Failed {
		result.Message = "Azure would not deploy all of it"
		return result, nil
	}
	var words []string
	for _, kind := range []string{"Create", "Modify", "Deploy", "Delete", "NoChange", "Ignore", "Unsupported"} {
		if n := total[kind]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, kind))
		}
	}
	result.Message = "Azure would deploy it: " + strings.Join(words, ", ")
	if len(words) == 0 {
		result.Message = "Azure would deploy it, and nothing would change"
	}
	return result, nil
}

// findProgram looks for az in the PATH of env.
func findProgram(env []string) string {
	for _, variable := range env {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.EqualFold(name, "PATH") {
			continue
		}
		for _, dir := range filepath.SplitList(value) {
			if dir == "" {
				continue
			}
			if program, err := exec.LookPath(filepath.Join(dir, "az")); err == nil {
				return program
			}
		}
	}
	return ""
}

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
	Changes []struct {
		ResourceID        string `json:"resourceId"`
		ChangeType        string `json:"changeType"`
		UnsupportedReason string `json:"unsupportedReason"`
	} `json:"changes"`
	Error *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// whatIf asks about one template. The map counts the kinds of changes.
func (a *azure) whatIf(ctx context.Context, t *written) (findings []check.Finding, changes map[string]int, err error) {
	temporary, err := os.MkdirTemp("", "atg-what-if-")
	if err != nil {
		return nil, nil, fault.New(fault.ExecutionFailed, "cannot make a temporary folder", fault.Because(err))
	}
	defer func() { _ = os.RemoveAll(temporary) }()
	d := t.metadata.Deployment
	arguments := []string{"deployment", d.Scope, "what-if", "--name", d.Name, "--location", d.Location,
		"--template-file", t.file, "--parameters", "@" + t.parameterFile, "--no-pretty-print", "--only-show-errors", "--output", "json"}
	switch d.Scope {
	case "sub":
		arguments = append(arguments, "--subscription", t.subscription())
	case "mg":
		arguments = append(arguments, "--management-group-id", d.ManagementGroup)
	}
	if len(t.secure) > 0 {
		name := filepath.Join(temporary, "parameters.json")
		if err := os.WriteFile(name, placeholders(t), 0o600); err != nil {
			return nil, nil, fault.New(fault.ExecutionFailed, "cannot write a temporary file", fault.Because(err))
		}
		arguments = append(arguments, "--parameters", "@"+name)
	}
	finding := func(severity check.Severity, resource, message string) {
		findings = append(findings, check.Finding{Severity: severity, Resource: resource, File: t.file, Message: message})
	}
	out, words, err := a.run(ctx, arguments...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		text := strings.TrimSpace(string(words))
		finding(check.Error, "", strings.ToValidUTF8(text[max(0, len(text)-lastWords):], ""))
		return findings, nil, nil
	case err != nil:
		return nil, nil, err
	}
	var o outcome
	if err := json.Unmarshal(out, &o); err != nil {
		finding(check.Error, "", "az answered something that is not JSON: "+err.Error())
		return findings, nil, nil
	}
	if o.Error != nil {
		finding(check.Error, "", o.Error.Code+": "+o.Error.Message)
	}
	changes = map[string]int{}
	for _, c := range o.Changes {
		changes[c.ChangeType]++
		switch c.ChangeType {
		case "Modify":
			finding(check.Warning, c.ResourceID, "it is there already, and would be changed")
		case "Delete":
			finding(check.Warning, c.ResourceID, "it would be deleted")
		case "Unsupported":
			finding(check.Warning, c.ResourceID, "Azure cannot tell what would change: "+c.UnsupportedReason)
		}
	}
	return findings, changes, nil
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
