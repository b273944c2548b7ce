package backend

// Which request and which result belong to which operation.
var (
	_ Request = (*ScanRequest)(nil)
	_ Request = (*IaCGenerationRequest)(nil)
	_ Request = (*TenantCreationRequest)(nil)
	_ Request = (*SpecGenerationRequest)(nil)
	_ Request = (*VisualizationRequest)(nil)
	_ Request = (*SnapshotQueryRequest)(nil)
	_ Request = (*SnapshotDiffRequest)(nil)
	_ Request = (*SnapshotExportRequest)(nil)
	_ Request = (*SnapshotPathRequest)(nil)
	_ Request = (*SnapshotReachRequest)(nil)
	_ Result  = (*ScanResult)(nil)
	_ Result  = (*IaCGenerationResult)(nil)
	_ Result  = (*TenantCreationResult)(nil)
	_ Result  = (*SpecGenerationResult)(nil)
	_ Result  = (*VisualizationResult)(nil)
	_ Result  = (*SnapshotQueryResult)(nil)
	_ Result  = (*SnapshotDiffResult)(nil)
	_ Result  = (*SnapshotExportResult)(nil)
	_ Result  = (*SnapshotPathResult)(nil)
	_ Result  = (*SnapshotReachResult)(nil)
)

// Operation is OpScan.
func (*ScanRequest) Operation() Operation { return OpScan }

// Tenant is TenantID.
func (r *ScanRequest) Tenant() string { return r.TenantID }

// Operation is OpGenerateIaC.
func (*IaCGenerationRequest) Operation() Operation { return OpGenerateIaC }

// Tenant is TenantID.
func (r *IaCGenerationRequest) Tenant() string { return r.TenantID }

// Operation is OpCreateTenant.
func (*TenantCreationRequest) Operation() Operation { return OpCreateTenant }

// Tenant is TenantID.
func (r *TenantCreationRequest) Tenant() string { return r.TenantID }

// Operation is OpGenerateSpec.
func (*SpecGenerationRequest) Operation() Operation { return OpGenerateSpec }

// Tenant is TenantID.
func (r *SpecGenerationRequest) Tenant() string { return r.TenantID }

// Operation is OpVisualize.
func (*VisualizationRequest) Operation() Operation { return OpVisualize }

// Tenant is TenantID.
func (r *VisualizationRequest) Tenant() string { return r.TenantID }

// Operation is OpSnapshotQuery.
func (*SnapshotQueryRequest) Operation() Operation { return OpSnapshotQuery }

// Tenant is TenantID.
func (r *SnapshotQueryRequest) Tenant() string { return r.TenantID }

// Operation is OpSnapshotDiff.
func (*SnapshotDiffRequest) Operation() Operation { return OpSnapshotDiff }

// Tenant is TenantID.
func (r *SnapshotDiffRequest) Tenant() string { return r.TenantID }

// Operation is OpSnapshotExport.
func (*SnapshotExportRequest) Operation() Operation { return OpSnapshotExport }

// Tenant is TenantID.
func (r *SnapshotExportRequest) Tenant() string { return r.TenantID }

// Operation is OpSnapshotPath.
func (*SnapshotPathRequest) Operation() Operation { return OpSnapshotPath }

// Tenant is TenantID.
func (r *SnapshotPathRequest) Tenant() string { return r.TenantID }

// Operation is OpSnapshotReach.
func (*SnapshotReachRequest) Operation() Operation { return OpSnapshotReach }

// Tenant is TenantID.
func (r *SnapshotReachRequest) Tenant() string { return r.TenantID }

// Operation is OpScan.
func (*ScanResult) Operation() Operation { return OpScan }

// Operation is OpGenerateIaC.
func (*IaCGenerationResult) Operation() Operation { return OpGenerateIaC }

// Operation is OpCreateTenant.
func (*TenantCreationResult) Operation() Operation { return OpCreateTenant }

// Operation is OpGenerateSpec.
func (*SpecGenerationResult) Operation() Operation { return OpGenerateSpec }

// Operation is OpVisualize.
func (*VisualizationResult) Operation() Operation { return OpVisualize }

// Operation is OpSnapshotQuery.
func (*SnapshotQueryResult) Operation() Operation { return OpSnapshotQuery }

// Operation is OpSnapshotDiff.
func (*SnapshotDiffResult) Operation() Operation { return OpSnapshotDiff }

// Operation is OpSnapshotExport.
func (*SnapshotExportResult) Operation() Operation { return OpSnapshotExport }

// Operation is OpSnapshotPath.
func (*SnapshotPathResult) Operation() Operation { return OpSnapshotPath }

// Operation is OpSnapshotReach.
func (*SnapshotReachResult) Operation() Operation { return OpSnapshotReach }

// NewRequest is an empty request of the operation, to decode into; nil if there is no such operation.
func NewRequest(op Operation) Request {
	switch op {
	case OpScan:
		return &ScanRequest{}
	case OpGenerateIaC:
		return &IaCGenerationRequest{}
	case OpCreateTenant:
		return &TenantCreationRequest{}
	case OpGenerateSpec:
		return &SpecGenerationRequest{}
	case OpVisualize:
		return &VisualizationRequest{}
	case OpSnapshotQuery:
		return &SnapshotQueryRequest{}
	case OpSnapshotDiff:
		return &SnapshotDiffRequest{}
	case OpSnapshotExport:
		return &SnapshotExportRequest{}
	case OpSnapshotPath:
		return &SnapshotPathRequest{}
	case OpSnapshotReach:
		return &SnapshotReachRequest{}
	}
	return nil
}

// NewResult is an empty result of the operation, to decode into; nil if there is no such operation.
func NewResult(op Operation) Result {
	switch op {
	case OpScan:
		return &ScanResult{}
	case OpGenerateIaC:
		return &IaCGenerationResult{}
	case OpCreateTenant:
		return &TenantCreationResult{}
	case OpGenerateSpec:
		return &SpecGenerationResult{}
	case OpVisualize:
		return &VisualizationResult{}
	case OpSnapshotQuery:
		return &SnapshotQueryResult{}
	case OpSnapshotDiff:
		return &SnapshotDiffResult{}
	case OpSnapshotExport:
		return &SnapshotExportResult{}
	case OpSnapshotPath:
		return &SnapshotPathResult{}
	case OpSnapshotReach:
		return &SnapshotReachResult{}
	}
	return nil
}

// Complete says whether nothing that was asked for is missing from a result. Results that cannot be
// partial are complete.
func Complete(r Result) bool {
	switch r := r.(type) {
	case *ScanResult:
		return r.Complete
	case *IaCGenerationResult:
		return r.Complete
	case *TenantCreationResult:
		return r.Complete
	case *SpecGenerationResult:
		return r.Complete
	case *VisualizationResult:
		return r.Complete
	case *SnapshotDiffResult:
		return r.Complete
	case *SnapshotExportResult:
		return r.Complete
	case *SnapshotPathResult:
		return r.Complete
	case *SnapshotReachResult:
		return r.Complete
	}
	return true
}
