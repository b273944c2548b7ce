package iac

import (
	"context"
	"slices"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/bicep"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/check"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/terraform"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// check runs the format's own tools over what was written.
func (g *Generator) check(ctx context.Context, r *backend.IaCGenerationRequest) ([]backend.Check, error) {
	var results []check.Result
	var err error
	switch r.OutputFormat {
	case Bicep:
		results, err = bicep.Check(ctx, g.Dir, g.Env, r.WhatIf)
	case ARM:
		results, err = arm.Check(ctx, g.Dir, g.Env, r.WhatIf)
	default:
		results, err = terraform.Check(ctx, g.Dir, g.Env)
	}
	if err != nil {
		return nil, err
	}
	checks := make([]backend.Check, 0, len(results))
	for _, found := range results {
		c := backend.Check{Tool: found.Tool, Version: found.Version, State: backend.CheckState(found.State), Message: found.Message}
		slices.SortStableFunc(found.Findings, func(a, b check.Finding) int { return rank(a.Severity) - rank(b.Severity) })
		for _, f := range found.Findings[:min(len(found.Findings), backend.MaxFindings)] {
			c.Findings = append(c.Findings, backend.CheckFinding{Resource: f.Resource, File: f.File, Line: int64(f.Line), Severity: backend.Severity(f.Severity), Message: f.Message})
		}
		checks = append(checks, c)
	}
	return checks, nil
}

// rank puts errors first.
func rank(s check.Severity) int {
	if s == check.Error {
		return 0
	}
	return 1
}
