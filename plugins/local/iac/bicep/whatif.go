package bicep

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/check"
)

// usage is the code that deploy.sh ends with where it lacks something that whoever runs it has to say.
const usage = 2

// whatIf has deploy.sh preview every deployment, and says which resources would change and how.
func (c *checker) whatIf(ctx context.Context) check.Result {
	r := check.Result{Tool: "az deployment what-if", State: check.Skipped}
	bash, az := check.Find("bash", c.env), check.Find("az", c.env)
	switch {
	case az == "":
		r.Message = "The Azure CLI is not installed, so nobody has asked Azure what would change."
		return r
	case bash == "":
		r.Message = "bash, which deploy.sh needs, is not installed, so nobody has asked Azure what would change."
		return r
	}
	if a := c.run(ctx, nil, az, "version", "--output", "json"); a.Err == nil {
		var version struct {
			CLI string `json:"azure-cli"`
		}
		if json.Unmarshal(a.Stdout, &version) == nil {
			r.Version = version.CLI
		}
	}
	a := c.run(ctx, nil, bash, "deploy.sh", "--preview", "--json")
	switch {
	case a.Err == nil && a.Code == usage:
		r.Message = "Nobody has asked Azure what would change: " + a.Why()
		return r
	case a.Err != nil || a.Code != 0:
		if strings.Contains(string(a.Stderr), "az login") {
			r.Message = "The Azure CLI is not logged in, so nobody has asked Azure what would change. Run: az login"
			return r
		}
		r.Findings = []check.Finding{{Severity: check.Error, Message: a.Why()}}
		if len(a.Stdout) == 0 || c.changes(a.Stdout, &r) != nil { // what Azure says of the others is worth having
			r.Message = ""
		}
		r.State, r.Message = check.Failed, strings.TrimSpace("Azure refuses a deployment, or what-if failed. "+r.Message)
		return r
	}
	if err := c.changes(a.Stdout, &r); err != nil {
		r.State, r.Message = check.Failed, "The answer of what-if cannot be read."
		r.Findings = append(r.Findings, check.Finding{Severity: check.Error, Message: err.Error()})
	}
	return r
}

// change is what Azure says of a resource, or of a property of one (the REST API's WhatIfOperationResult).
type change struct {
	ResourceID         string   `json:"resourceId"`
	ChangeType         string   `json:"changeType"`
	Delta              []change `json:"delta"`
	UnsupportedReason  string   `json:"unsupportedReason"`
	Path               string   `json:"path"`
	PropertyChangeType string   `json:"propertyChangeType"`
	Children           []change `json:"children"`
}

// changes counts the changes in several documents, and makes a finding of each that is not expected of code that is what is there.
func (c *checker) changes(documents []byte, r *check.Result) error {
	counts := map[string]int{}
	decoder := json.NewDecoder(bytes.NewReader(documents))
	for {
		var said struct {
			Changes []change        `json:"changes"`
			Error   json.RawMessage `json:"error"`
		}
		if err := decoder.Decode(&said); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if len(said.Error) > 0 && string(said.Error) != "null" {
			r.Findings = append(r.Findings, check.Finding{Severity: check.Error, Message: strings.Join(strings.Fields(string(said.Error)), " ")})
		}
		for _, one := range said.Changes {
			counts[one.ChangeType]++
			if message := one.message(); message != "" {
				r.Findings = append(r.Findings, check.Finding{Severity: check.Warning, Resource: one.ResourceID, Message: message})
			}
		}
	}
	r.State = check.Passed
	r.Message = fmt.Sprintf("Azure would create %d resources, change %d, delete %d and leave %d as they are; it cannot say of %d.",
		counts["Create"], counts["Modify"], counts["Delete"], counts["NoChange"]+counts["Ignore"], counts["Unsupported"]+counts["Deploy"])
	for _, f := range r.Findings {
		if f.Severity == check.Error {
			r.State = check.Failed
		}
	}
	return nil
}

// message is what is to be said of a change; empty is nothing: creating is what code is for, and what-if ignores what it does not deploy.
func (c change) message() string {
	switch c.ChangeType {
	case "Modify":
		return "would change: " + strings.Join(paths("", c.Delta), ", ")
	case "Delete":
		return "would be deleted"
	case "Deploy":
		return "would be deployed; Azure cannot say what changes"
	case "Unsupported":
		return strings.TrimSuffix("Azure cannot say what changes: "+c.UnsupportedReason, ": ")
	}
	return ""
}

// paths are the properties that change, without those that are only above them.
func paths(above string, delta []change) (all []string) {
	for _, d := range delta {
		path := d.Path
		if above != "" {
			path = above + "." + path
		}
		if d.PropertyChangeType == "NoEffect" {
			continue // Azure takes it and does nothing
		}
		if len(d.Children) > 0 {
			all = append(all, paths(path, d.Children)...)
			continue
		}
		all = append(all, path)
	}
	return all
}
