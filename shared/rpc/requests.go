package rpc

import (
	"fmt"
	"reflect"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	v1 "github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

// encoded is toProto for a message that is made here.
func encoded[M any](value any) *M {
	message := new(M)
	toProto(value, message)
	return message
}

// decoded is fromProto for a value that is made here.
func decoded[D any](message any) D {
	var value D
	fromProto(message, &value)
	return value
}

// decodedPointer is decoded for what travels as a pointer.
func decodedPointer[D any](message any) *D {
	value := decoded[D](message)
	return &value
}

// isNil says that an interface holds nothing, or a pointer to nothing.
func isNil(value any) bool {
	v := reflect.ValueOf(value)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// checkFolder refuses a folder whose name cannot cross; any other spelling of it would be another folder.
func checkFolder(dir string) error {
	if utf8(dir) != dir {
		return fault.New(fault.InvalidArgument, fmt.Sprintf("the name of the folder %q is not valid UTF-8", dir),
			fault.Hint("use a folder with another name"))
	}
	return nil
}

func requestToProto(request backend.Request) (*v1.Request, error) {
	if isNil(request) {
		return nil, fault.New(fault.InvalidArgument, "the submission has no request")
	}
	switch r := request.(type) {
	case *backend.ScanRequest:
		return &v1.Request{Request: &v1.Request_Scan{Scan: encoded[v1.ScanRequest](r)}}, nil
	case *backend.IaCGenerationRequest:
		return &v1.Request{Request: &v1.Request_GenerateIac{GenerateIac: encoded[v1.IaCGenerationRequest](r)}}, nil
	case *backend.TenantCreationRequest:
		return &v1.Request{Request: &v1.Request_CreateTenant{CreateTenant: encoded[v1.TenantCreationRequest](r)}}, nil
	case *backend.SpecGenerationRequest:
		return &v1.Request{Request: &v1.Request_GenerateSpec{GenerateSpec: encoded[v1.SpecGenerationRequest](r)}}, nil
	case *backend.VisualizationRequest:
		return &v1.Request{Request: &v1.Request_Visualize{Visualize: encoded[v1.VisualizationRequest](r)}}, nil
	case *backend.SnapshotQueryRequest:
		return &v1.Request{Request: &v1.Request_SnapshotQuery{SnapshotQuery: encoded[v1.SnapshotQueryRequest](r)}}, nil
	case *backend.SnapshotDiffRequest:
		return &v1.Request{Request: &v1.Request_SnapshotDiff{SnapshotDiff: encoded[v1.SnapshotDiffRequest](r)}}, nil
	case *backend.SnapshotExportRequest:
		return &v1.Request{Request: &v1.Request_SnapshotExport{SnapshotExport: encoded[v1.SnapshotExportRequest](r)}}, nil
	case *backend.SnapshotPathRequest:
		return &v1.Request{Request: &v1.Request_SnapshotPath{SnapshotPath: encoded[v1.SnapshotPathRequest](r)}}, nil
	case *backend.SnapshotReachRequest:
		return &v1.Request{Request: &v1.Request_SnapshotReach{SnapshotReach: encoded[v1.SnapshotReachRequest](r)}}, nil
	}
	return nil, fault.Newf(fault.InvalidArgument, "the request %T is none of the contract's", request)
}

func requestFromProto(m *v1.Request) (backend.Request, error) {
	switch r := m.GetRequest().(type) {
	case *v1.Request_Scan:
		return decodedPointer[backend.ScanRequest](r.Scan), nil
	case *v1.Request_GenerateIac:
		return decodedPointer[backend.IaCGenerationRequest](r.GenerateIac), nil
	case *v1.Request_CreateTenant:
		return decodedPointer[backend.TenantCreationRequest](r.CreateTenant), nil
	case *v1.Request_GenerateSpec:
		return decodedPointer[backend.SpecGenerationRequest](r.GenerateSpec), nil
	case *v1.Request_Visualize:
		return decodedPointer[backend.VisualizationRequest](r.Visualize), nil
	case *v1.Request_SnapshotQuery:
		return decodedPointer[backend.SnapshotQueryRequest](r.SnapshotQuery), nil
	case *v1.Request_SnapshotDiff:
		return decodedPointer[backend.SnapshotDiffRequest](r.SnapshotDiff), nil
	case *v1.Request_SnapshotExport:
		return decodedPointer[backend.SnapshotExportRequest](r.SnapshotExport), nil
	case *v1.Request_SnapshotPath:
		return decodedPointer[backend.SnapshotPathRequest](r.SnapshotPath), nil
	case *v1.Request_SnapshotReach:
		return decodedPointer[backend.SnapshotReachRequest](r.SnapshotReach), nil
	}
	return nil, fault.New(fault.Unsupported, "the submission asks for an operation that this backend's protocol does not know",
		fault.Hint("use a newer version of the backend"))
}

func resultToProto(result backend.Result) (*v1.Result, error) {
	if isNil(result) {
		return nil, fault.New(fault.Internal, "the backend answered without a result")
	}
	switch r := result.(type) {
	case *backend.ScanResult:
		return &v1.Result{Result: &v1.Result_Scan{Scan: encoded[v1.ScanResult](r)}}, nil
	case *backend.IaCGenerationResult:
		return &v1.Result{Result: &v1.Result_GenerateIac{GenerateIac: encoded[v1.IaCGenerationResult](r)}}, nil
	case *backend.TenantCreationResult:
		return &v1.Result{Result: &v1.Result_CreateTenant{CreateTenant: encoded[v1.TenantCreationResult](r)}}, nil
	case *backend.SpecGenerationResult:
		return &v1.Result{Result: &v1.Result_GenerateSpec{GenerateSpec: encoded[v1.SpecGenerationResult](r)}}, nil
	case *backend.VisualizationResult:
		return &v1.Result{Result: &v1.Result_Visualize{Visualize: encoded[v1.VisualizationResult](r)}}, nil
	case *backend.SnapshotQueryResult:
		return &v1.Result{Result: &v1.Result_SnapshotQuery{SnapshotQuery: encoded[v1.SnapshotQueryResult](r)}}, nil
	case *backend.SnapshotDiffResult:
		return &v1.Result{Result: &v1.Result_SnapshotDiff{SnapshotDiff: encoded[v1.SnapshotDiffResult](r)}}, nil
	case *backend.SnapshotExportResult:
		return &v1.Result{Result: &v1.Result_SnapshotExport{SnapshotExport: encoded[v1.SnapshotExportResult](r)}}, nil
	case *backend.SnapshotPathResult:
		return &v1.Result{Result: &v1.Result_SnapshotPath{SnapshotPath: encoded[v1.SnapshotPathResult](r)}}, nil
	case *backend.SnapshotReachResult:
		return &v1.Result{Result: &v1.Result_SnapshotReach{SnapshotReach: encoded[v1.SnapshotReachResult](r)}}, nil
	}
	return nil, fault.Newf(fault.Internal, "the result %T is none of the contract's", result)
}

func resultFromProto(m *v1.Result) (backend.Result, error) {
	switch r := m.GetResult().(type) {
	case *v1.Result_Scan:
		return decodedPointer[backend.ScanResult](r.Scan), nil
	case *v1.Result_GenerateIac:
		return decodedPointer[backend.IaCGenerationResult](r.GenerateIac), nil
	case *v1.Result_CreateTenant:
		return decodedPointer[backend.TenantCreationResult](r.CreateTenant), nil
	case *v1.Result_GenerateSpec:
		return decodedPointer[backend.SpecGenerationResult](r.GenerateSpec), nil
	case *v1.Result_Visualize:
		return decodedPointer[backend.VisualizationResult](r.Visualize), nil
	case *v1.Result_SnapshotQuery:
		return decodedPointer[backend.SnapshotQueryResult](r.SnapshotQuery), nil
	case *v1.Result_SnapshotDiff:
		return decodedPointer[backend.SnapshotDiffResult](r.SnapshotDiff), nil
	case *v1.Result_SnapshotExport:
		return decodedPointer[backend.SnapshotExportResult](r.SnapshotExport), nil
	case *v1.Result_SnapshotPath:
		return decodedPointer[backend.SnapshotPathResult](r.SnapshotPath), nil
	case *v1.Result_SnapshotReach:
		return decodedPointer[backend.SnapshotReachResult](r.SnapshotReach), nil
	}
	return nil, fault.New(fault.BackendIncompatible, "the backend answered with a result that this version of atg does not know",
		fault.Hint("use a newer version of atg"))
}

func submissionToProto(s backend.Submission) (*v1.Submission, error) {
	request, err := requestToProto(s.Request)
	if err != nil {
		return nil, err
	}
	if err := checkFolder(s.WorkDir); err != nil {
		return nil, err
	}
	m := &v1.Submission{Request: request, IdempotencyKey: utf8(s.IdempotencyKey), WorkDir: s.WorkDir}
	for _, key := range s.Shard {
		m.Shard = append(m.Shard, utf8(key))
	}
	for _, in := range s.Inputs {
		m.Inputs = append(m.Inputs, encoded[v1.Input](in))
	}
	for _, p := range s.Parts {
		m.Parts = append(m.Parts, encoded[v1.Part](p))
	}
	return m, nil
}

func submissionFromProto(m *v1.Submission) (backend.Submission, error) {
	request, err := requestFromProto(m.GetRequest())
	if err != nil {
		return backend.Submission{}, err
	}
	s := backend.Submission{Request: request, IdempotencyKey: m.GetIdempotencyKey(), WorkDir: m.GetWorkDir(), Shard: m.GetShard()}
	for _, in := range m.GetInputs() {
		s.Inputs = append(s.Inputs, decoded[backend.Input](in))
	}
	for _, p := range m.GetParts() {
		s.Parts = append(s.Parts, decoded[backend.Part](p))
	}
	return s, nil
}

// eachSubmitted submits those of a batch that convert, and answers for all of them in their order: a
// submission that this side does not understand is refused alone, as the contract has it.
func eachSubmitted[In, Out any](batch []In, convert func(In) (Out, error), submit func([]Out) ([]backend.BatchItem, error)) ([]backend.BatchItem, error) {
	items := make([]backend.BatchItem, len(batch))
	var accepted []Out
	var at []int // of each accepted one in the batch
	for i, one := range batch {
		out, err := convert(one)
		if err != nil {
			items[i].Fault = fault.Of(err)
			continue
		}
		accepted, at = append(accepted, out), append(at, i)
	}
	if len(accepted) == 0 && len(batch) > 0 {
		return items, nil
	}
	answered, err := submit(accepted)
	if err != nil {
		return nil, err
	}
	if len(answered) != len(accepted) {
		return nil, fault.Newf(fault.BackendIncompatible, "the backend answered %d of %d submissions", len(answered), len(accepted))
	}
	for i, item := range answered {
		items[at[i]] = item
	}
	return items, nil
}
