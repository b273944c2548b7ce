// Package iac turns a snapshot into Terraform, Bicep or ARM: build makes the template, one of the writers writes it, and the report
// says what is not in it.
package iac

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/heap"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/bicep"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/build"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/secrets"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/terraform"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// The formats.
const (
	Terraform = "terraform"
	Bicep     = "bicep"
	ARM       = "arm"
)

// The files that are written beside the code.
const (
	ReportFile = "REPORT.md"
	LinesFile  = "report.ndjson"
)

// Formats are the formats that can be generated.
func Formats() []string { return []string{Terraform, Bicep, ARM} }

// Check refuses a request that cannot be done: every problem at once.
func Check(r *backend.IaCGenerationRequest) error {
	var problems []fault.Problem
	wrong := func(key, message string, args ...any) {
		problems = append(problems, fault.Problem{Key: key, Message: fmt.Sprintf(message, args...)})
	}
	if !slices.Contains(Formats(), r.OutputFormat) {
		wrong("output_format", "there is no format %q: take %s", r.OutputFormat, strings.Join(Formats(), ", "))
	}
	switch {
	case r.Split == "":
	case r.OutputFormat != Terraform:
		wrong("split", "only Terraform can be split by %q: Bicep and ARM are split by Azure's limits and scopes", r.Split)
	case !slices.Contains([]string{template.SplitGroup, template.SplitType, template.SplitNone}, r.Split):
		wrong("split", "there is no split %q: take rg, type or none", r.Split)
	}
	if r.Import && r.OutputFormat != Terraform {
		wrong("import", "only Terraform has a state to import into")
	}
	if r.Import && r.Target != (backend.Target{}) {
		wrong("import", "what exists can be imported where it is, and not into another target")
	}
	if r.WhatIf && !r.Check {
		wrong("what_if", "it needs check as well")
	}
	if id := r.Target.SubscriptionID; id != "" && !guid.MatchString(id) {
		wrong("target.subscription_id", "%q is no id of a subscription: it is a GUID", id)
	}
	if id := r.Target.TenantID; id != "" && !guid.MatchString(id) {
		wrong("target.tenant_id", "%q is no id of a tenant: it is a GUID", id)
	}
	if l := r.Target.Location; l != "" && !location.MatchString(l) {
		wrong("target.location", "%q is no region: they are written as westeurope", l)
	}
	if p := r.Target.ResourceGroupPrefix; p != "" && !prefix.MatchString(p) {
		wrong("target.resource_group_prefix", "%q cannot begin the name of a resource group: at most 60 letters, digits, '_', '-', '.', '(' and ')'", p)
	}
	if len(problems) > 0 {
		return fault.New(fault.InvalidArgument, "the request cannot be done", fault.Problems(problems...))
	}
	return nil
}

var (
	guid     = regexp.MustCompile(`^(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	location = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ]*$`)
	prefix   = regexp.MustCompile(`^[\w().-]{1,60}$`)
)

// Generator generates.
type Generator struct {
	Reader *graph.Reader
	Dir    string // where files are written; it exists and is empty
	// Progress may be nil. It may be called from several goroutines.
	Progress func(backend.Progress)
	Env      []string // of the tools that check
}

// The heap that a generation may use, in bytes: what it needs for each row, and room for what it makes of rows and forgets. It is used
// whole, so that little time goes into collecting garbage.
const (
	heapRoom   = 44 << 20
	heapForRow = 160
)

// Generate writes the code of a snapshot, and answers what is in it.
func (g *Generator) Generate(ctx context.Context, r *backend.IaCGenerationRequest) (*backend.IaCGenerationResult, error) {
	began := time.Now()
	if err := Check(r); err != nil {
		return nil, err
	}
	defer heap.Use{Limit: heapRoom + heapForRow*g.Reader.Snapshot().Resources}.Begin()()
	rep := report.New()
	plan, err := build.Build(ctx, g.Reader, build.Options{
		Filter: r.Filter, IncludeDefaults: r.IncludeDefaults, Split: split(r), Progress: g.counted,
		Target: template.Target{TenantID: r.Target.TenantID, SubscriptionID: r.Target.SubscriptionID, Location: r.Target.Location, GroupPrefix: r.Target.ResourceGroupPrefix},
	}, rep)
	if err != nil {
		return nil, err
	}
	if plan.Generated == 0 && plan.Outside > 0 {
		return nil, fault.New(fault.InvalidArgument, "nothing in the snapshot passes the filter",
			fault.Hint("look at names and spellings: `atg snapshot show %s` lists subscriptions, types and regions", g.Reader.Snapshot().ID))
	}
	files, err := output.New(g.Dir, func(string) output.Scanner { return &secrets.Scanner{} })
	if err != nil {
		return nil, err
	}
	defer func() { _ = files.Close() }() // only a folder's handle
	g.counted("writing", 0, plan.Generated)
	if err := write(ctx, plan.Template, files, r); err != nil {
		return nil, err
	}
	g.counted("writing", plan.Generated, plan.Generated)
	result := &backend.IaCGenerationResult{
		Success: true, OutputFormat: r.OutputFormat, ResourcesIncluded: plan.Generated + plan.InBody, Snapshot: g.Reader.Snapshot().ID,
	}
	if err := g.report(ctx, plan, rep, files, r, result); err != nil {
		return nil, err
	}
	result.FilesGenerated = files.Names()
	if r.Check {
		if result.Checks, err = g.check(ctx, r); err != nil {
			return nil, err
		}
	}
	result.DurationSeconds = time.Since(began).Seconds()
	return result, nil
}

// counted tells how far the work is.
func (g *Generator) counted(phase string, done, total int64) {
	if g.Progress != nil {
		g.Progress(backend.Progress{Phase: phase, Done: done, Total: total, Unit: "resources"})
	}
}

// split is how the template is cut.
func split(r *backend.IaCGenerationRequest) string {
	if r.OutputFormat != Terraform {
		return template.SplitDeployment
	}
	return cmp.Or(r.Split, template.SplitGroup)
}

// write writes the code.
func write(ctx context.Context, t *template.Template, files *output.Files, r *backend.IaCGenerationRequest) error {
	switch r.OutputFormat {
	case Bicep:
		return bicep.Write(ctx, t, files, bicep.Options{})
	case ARM:
		return arm.Write(ctx, t, files, arm.Options{})
	}
	return terraform.Write(ctx, t, files, terraform.Options{Import: r.Import})
}

// titles are the formats in words.
var titles = map[string]string{Terraform: "Terraform", Bicep: "Bicep", ARM: "ARM templates"}

// report writes what was left out and changed, and puts it into the result.
func (g *Generator) report(ctx context.Context, plan *build.Plan, rep *report.Report, files *output.Files, r *backend.IaCGenerationRequest, result *backend.IaCGenerationResult) error {
	tally := report.NewTally()
	var trimmed, missing []backend.Omitted
	keep := func(into *[]backend.Omitted, e report.Entry) {
		if len(*into) < backend.MaxOmitted {
			*into = append(*into, backend.Omitted{Resource: e.Resource, Property: e.Property, Reason: e.Reason.String(), Trimmed: e.Reason.Class() == report.Trimmed})
		}
	}
	err := files.Write(LinesFile, func(w io.Writer) error {
		return rep.Lines(w, func(yield func(report.Entry) error) error {
			return plan.Rest(ctx, func(e report.Entry) error {
				tally.Add(e)
				switch e.Class {
				case report.Trimmed:
					keep(&trimmed, e)
				case report.Omitted:
					keep(&missing, e)
				}
				return yield(e)
			})
		})
	})
	if err != nil {
		return err
	}
	result.ResourcesTrimmed, result.ResourcesOmitted = tally.Of(report.Trimmed), tally.Of(report.Omitted)
	result.Complete = g.Reader.Snapshot().Complete && result.ResourcesOmitted == 0 && rep.Missing() == 0
	changes, _ := rep.Changes()
	for _, e := range changes {
		if e.Reason.Class() == report.Omitted {
			keep(&missing, e)
		}
	}
	result.Omitted = slices.Concat(missing, trimmed[:min(len(trimmed), backend.MaxOmitted-len(missing))])
	result.Notes = rep.Notes()
	return files.Write(ReportFile, func(w io.Writer) error { return rep.Write(w, g.head(plan, r), tally) })
}

// head is what the report says first.
func (g *Generator) head(plan *build.Plan, r *backend.IaCGenerationRequest) report.Head {
	s := g.Reader.Snapshot()
	h := report.Head{
		Title: titles[r.OutputFormat] + " of the tenant " + cmp.Or(s.TenantName, s.TenantID), Complete: s.Complete,
		Generated: plan.Generated, InBody: plan.InBody, Outside: plan.Outside, Filtered: plan.Outside > 0,
	}
	for _, e := range g.Reader.Coverage().Gaps() {
		h.Gaps = append(h.Gaps, fmt.Sprintf("%s of %s: %s", e.Kind, cmp.Or(e.Name, e.Scope), e.State))
	}
	for _, t := range []struct{ what, value string }{
		{"tenant", r.Target.TenantID}, {"subscription", r.Target.SubscriptionID}, {"region", r.Target.Location}, {"prefix of resource groups", r.Target.ResourceGroupPrefix},
	} {
		if t.value != "" {
			h.Target = append(h.Target, "For the "+t.what+" "+t.value+".")
		}
	}
	return h
}
