package api

import (
	"fmt"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Body is what a submission's POST carries. Its idempotency key travels in a header, its input files
// were sent before.
type Body interface {
	// Submission is what the body asks for, without the idempotency key. The inputs have path and
	// SHA-256; the service knows their size.
	Submission() backend.Submission
	// OnSnapshot is the snapshot's id in the path of an operation on a snapshot: the field that it
	// stands for. It is nil for the others.
	OnSnapshot() *string
}

// ScanBody asks for a scan.
type ScanBody struct {
	TenantID string `json:"tenant_id,omitempty"`
	backend.Filter
	ResourceLimit int64              `json:"resource_limit,omitempty"`
	Depth         backend.Depth      `json:"depth,omitempty"`
	Identities    backend.Identities `json:"identities,omitempty"`
	Discovery     backend.Discovery  `json:"discovery,omitempty"`
	DryRun        bool               `json:"dry_run,omitempty"`
}

// GenerateIaCBody asks for infrastructure code.
type GenerateIaCBody struct {
	TenantID        string         `json:"tenant_id,omitempty"`
	OutputFormat    string         `json:"output_format"`
	Snapshot        string         `json:"snapshot,omitempty"`
	Filters         backend.Filter `json:"filters,omitzero"`
	Targets         backend.Target `json:"targets,omitzero"`
	Import          bool           `json:"import,omitempty"`
	Split           string         `json:"split,omitempty"`
	IncludeDefaults bool           `json:"include_defaults,omitempty"`
	Check           bool           `json:"check,omitempty"`
	WhatIf          bool           `json:"what_if,omitempty"`
}

// CreateTenantBody asks to deploy a specification that was sent to PathInput before.
type CreateTenantBody struct {
	TenantID         string `json:"tenant_id,omitempty"`
	Input            string `json:"input,omitempty"` // SHA-256 of the specification, lower-case hexadecimal
	Spec             string `json:"spec,omitempty"`  // its name; spec.md
	DryRun           bool   `json:"dry_run,omitempty"`
	PlanDigest       string `json:"plan_digest,omitempty"`
	Rollback         bool   `json:"rollback,omitempty"`
	RollbackJob      string `json:"rollback_job,omitempty"`
	CreateIdentities bool   `json:"create_identities,omitempty"`
}

// The bodies of the operations whose request is the body.
type (
	// GenerateSpecBody asks for a specification.
	GenerateSpecBody struct{ backend.SpecGenerationRequest }
	// VisualizeBody asks for a picture.
	VisualizeBody struct{ backend.VisualizationRequest }
	// SnapshotQueryBody asks a query.
	SnapshotQueryBody struct{ backend.SnapshotQueryRequest }
	// SnapshotDiffBody asks what changed.
	SnapshotDiffBody struct{ backend.SnapshotDiffRequest }
	// SnapshotExportBody asks for another format.
	SnapshotExportBody struct{ backend.SnapshotExportRequest }
	// SnapshotPathBody asks for ways through the graph.
	SnapshotPathBody struct{ backend.SnapshotPathRequest }
	// SnapshotReachBody asks what can be reached.
	SnapshotReachBody struct{ backend.SnapshotReachRequest }
)

// DefaultSpec is the name of a specification that none was given.
const DefaultSpec = "spec.md"

// NewBody is an empty body of an operation, to decode into; nil if there is no such operation.
func NewBody(op backend.Operation) Body {
	switch op {
	case backend.OpScan:
		return &ScanBody{}
	case backend.OpGenerateIaC:
		return &GenerateIaCBody{}
	case backend.OpCreateTenant:
		return &CreateTenantBody{}
	case backend.OpGenerateSpec:
		return &GenerateSpecBody{}
	case backend.OpVisualize:
		return &VisualizeBody{}
	case backend.OpSnapshotQuery:
		return &SnapshotQueryBody{}
	case backend.OpSnapshotDiff:
		return &SnapshotDiffBody{}
	case backend.OpSnapshotExport:
		return &SnapshotExportBody{}
	case backend.OpSnapshotPath:
		return &SnapshotPathBody{}
	case backend.OpSnapshotReach:
		return &SnapshotReachBody{}
	}
	return nil
}

// BodyOf is the body that carries a submission. What REST cannot carry is fault.Unsupported: work
// folders, parts and shards are the service's own, and only create-tenant takes an input.
func BodyOf(s backend.Submission) (Body, error) {
	if len(s.Parts) > 0 || len(s.Shard) > 0 || s.WorkDir != "" {
		return nil, fault.New(fault.Unsupported, "the job service keeps its own work folders, parts and shards",
			fault.Hint("submit without them; the service resumes its jobs by itself"), fault.From(fault.OriginBackend))
	}
	if _, takes := s.Request.(*backend.TenantCreationRequest); !takes && len(s.Inputs) > 0 {
		return nil, fault.New(fault.Unsupported, fmt.Sprintf("the job service takes no input files for %s", s.Request.Operation()),
			fault.From(fault.OriginBackend))
	}
	switch r := s.Request.(type) {
	case *backend.ScanRequest:
		return &ScanBody{r.TenantID, r.Filter, r.ResourceLimit, r.Depth, r.Identities, r.Discovery, r.DryRun}, nil
	case *backend.IaCGenerationRequest:
		return &GenerateIaCBody{
			TenantID: r.TenantID, OutputFormat: r.OutputFormat, Snapshot: r.Snapshot, Filters: r.Filter, Targets: r.Target,
			Import: r.Import, Split: r.Split, IncludeDefaults: r.IncludeDefaults, Check: r.Check, WhatIf: r.WhatIf,
		}, nil
	case *backend.TenantCreationRequest:
		return createTenantBody(r, s.Inputs)
	case *backend.SpecGenerationRequest:
		return &GenerateSpecBody{*r}, nil
	case *backend.VisualizationRequest:
		return &VisualizeBody{*r}, nil
	case *backend.SnapshotQueryRequest:
		return &SnapshotQueryBody{*r}, nil
	case *backend.SnapshotDiffRequest:
		return &SnapshotDiffBody{*r}, nil
	case *backend.SnapshotExportRequest:
		return &SnapshotExportBody{*r}, nil
	case *backend.SnapshotPathRequest:
		return &SnapshotPathBody{*r}, nil
	case *backend.SnapshotReachRequest:
		return &SnapshotReachBody{*r}, nil
	}
	return nil, fault.New(fault.Unsupported, fmt.Sprintf("the job service has no operation for a %T", s.Request), fault.From(fault.OriginBackend))
}

func createTenantBody(r *backend.TenantCreationRequest, inputs []backend.Input) (Body, error) {
	b := &CreateTenantBody{
		TenantID: r.TenantID, Spec: r.Spec, DryRun: r.DryRun, PlanDigest: r.PlanDigest,
		Rollback: r.Rollback, RollbackJob: r.RollbackJob, CreateIdentities: r.CreateIdentities,
	}
	for _, in := range inputs {
		if in.Path != r.Spec || b.Input != "" {
			return nil, fault.New(fault.Unsupported, "the job service takes one specification for create-tenant and no other file",
				fault.On(in.Path), fault.From(fault.OriginBackend))
		}
		b.Input = in.SHA256
	}
	return b, nil
}

// Submission is what the body asks for.
func (b *ScanBody) Submission() backend.Submission {
	return backend.Submission{Request: &backend.ScanRequest{
		TenantID: b.TenantID, Filter: b.Filter, ResourceLimit: b.ResourceLimit,
		Depth: b.Depth, Identities: b.Identities, Discovery: b.Discovery, DryRun: b.DryRun,
	}}
}

// Submission is what the body asks for.
func (b *GenerateIaCBody) Submission() backend.Submission {
	return backend.Submission{Request: &backend.IaCGenerationRequest{
		TenantID: b.TenantID, OutputFormat: b.OutputFormat, Snapshot: b.Snapshot, Filter: b.Filters, Target: b.Targets,
		Import: b.Import, Split: b.Split, IncludeDefaults: b.IncludeDefaults, Check: b.Check, WhatIf: b.WhatIf,
	}}
}

// Submission is what the body asks for.
func (b *CreateTenantBody) Submission() backend.Submission {
	r := &backend.TenantCreationRequest{
		TenantID: b.TenantID, Spec: b.Spec, DryRun: b.DryRun, PlanDigest: b.PlanDigest,
		Rollback: b.Rollback, RollbackJob: b.RollbackJob, CreateIdentities: b.CreateIdentities,
	}
	s := backend.Submission{Request: r}
	if b.Input != "" {
		if r.Spec == "" {
			r.Spec = DefaultSpec
		}
		s.Inputs = []backend.Input{{Path: r.Spec, SHA256: b.Input}}
	}
	return s
}

// Submission is what the body asks for.
func (b *GenerateSpecBody) Submission() backend.Submission { return of(&b.SpecGenerationRequest) }

// Submission is what the body asks for.
func (b *VisualizeBody) Submission() backend.Submission { return of(&b.VisualizationRequest) }

// Submission is what the body asks for.
func (b *SnapshotQueryBody) Submission() backend.Submission { return of(&b.SnapshotQueryRequest) }

// Submission is what the body asks for.
func (b *SnapshotDiffBody) Submission() backend.Submission { return of(&b.SnapshotDiffRequest) }

// Submission is what the body asks for.
func (b *SnapshotExportBody) Submission() backend.Submission { return of(&b.SnapshotExportRequest) }

// Submission is what the body asks for.
func (b *SnapshotPathBody) Submission() backend.Submission { return of(&b.SnapshotPathRequest) }

// Submission is what the body asks for.
func (b *SnapshotReachBody) Submission() backend.Submission { return of(&b.SnapshotReachRequest) }

func of(r backend.Request) backend.Submission { return backend.Submission{Request: r} }

// OnSnapshot is nil: the tenant's own things are scanned.
func (b *ScanBody) OnSnapshot() *string { return nil }

// OnSnapshot is nil: the path names no snapshot, the body does.
func (b *GenerateIaCBody) OnSnapshot() *string { return nil }

// OnSnapshot is nil.
func (b *CreateTenantBody) OnSnapshot() *string { return nil }

// OnSnapshot is nil: the path names no snapshot, the body does.
func (b *GenerateSpecBody) OnSnapshot() *string { return nil }

// OnSnapshot is nil: the path names no snapshot, the body does.
func (b *VisualizeBody) OnSnapshot() *string { return nil }

// OnSnapshot is the snapshot that is asked.
func (b *SnapshotQueryBody) OnSnapshot() *string { return &b.Snapshot }

// OnSnapshot is the snapshot before.
func (b *SnapshotDiffBody) OnSnapshot() *string { return &b.Before }

// OnSnapshot is the snapshot that is exported.
func (b *SnapshotExportBody) OnSnapshot() *string { return &b.Snapshot }

// OnSnapshot is the snapshot that is searched.
func (b *SnapshotPathBody) OnSnapshot() *string { return &b.Snapshot }

// OnSnapshot is the snapshot that is searched.
func (b *SnapshotReachBody) OnSnapshot() *string { return &b.Snapshot }

// SubmitPath is where a body is to be posted.
func SubmitPath(b Body) string {
	path := PathOf(b.Submission().Request.Operation())
	if on := b.OnSnapshot(); on != nil {
		if *on == "" {
			return Fill(path, Latest)
		}
		return Fill(path, *on)
	}
	return path
}
