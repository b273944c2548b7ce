package rpc

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	v1 "github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

// fill sets every field below v to a value that is not zero, so that a field which a conversion
// forgets is found.
func fill(t testing.TB, v reflect.Value, r *rand.Rand) {
	t.Helper()
	switch v.Type() {
	case timeType:
		v.Set(reflect.ValueOf(time.Unix(r.Int64N(1e9)+1, r.Int64N(1e9)).UTC()))
		return
	case jsonType:
		v.SetBytes([]byte(fmt.Sprintf(`{"n":%d}`, r.Int64())))
		return
	case reflect.TypeFor[error]():
		v.Set(reflect.ValueOf(fault.New(fault.Conflict, fmt.Sprint("cause ", r.Int64()))))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("text ü ", r.Int64()))
	case reflect.Int, reflect.Int64:
		v.SetInt(r.Int64N(1e12) + 1)
	case reflect.Uint64:
		v.SetUint(r.Uint64() | 1)
	case reflect.Float64:
		v.SetFloat(r.Float64() + 0.5)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), r)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(t, v.Index(i), r)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(t, k, r)
			fill(t, e, r)
			v.SetMapIndex(k, e)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), r)
		}
	default:
		t.Fatalf("the test cannot fill a %s", v.Type())
	}
}

// overTheWire converts value to message, through bytes, and back into a new value.
func overTheWire(t *testing.T, value any, message proto.Message) any {
	t.Helper()
	toProto(value, message)
	content, err := proto.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	proto.Reset(message)
	if err := proto.Unmarshal(content, message); err != nil {
		t.Fatal(err)
	}
	back := reflect.New(reflect.TypeOf(value).Elem())
	fromProto(message, back.Interface())
	return back.Interface()
}

type crosses struct {
	value   any
	message proto.Message
}

// crossing are the domain types that the calls take or answer, beside requests, results and submissions.
func crossing() []crosses {
	return []crosses{
		{&backend.Description{}, &v1.Description{}},
		{&backend.Capabilities{}, &v1.CapabilitiesResponse{}},
		{&backend.Health{}, &v1.Health{}},
		{&backend.JobStatusResponse{}, &v1.Job{}},
		{&backend.JobFilter{}, &v1.JobFilter{}},
		{&backend.JobPage{}, &v1.JobPage{}},
		{&backend.BatchItem{}, &v1.BatchItem{}},
		{&backend.Input{}, &v1.Input{}},
		{&backend.Part{}, &v1.Part{}},
		{&backend.Artifact{}, &v1.Artifact{}},
		{&backend.Event{}, &v1.Event{}},
		{&backend.SnapshotFilter{}, &v1.SnapshotFilter{}},
		{&backend.SnapshotPage{}, &v1.SnapshotPage{}},
		{&backend.SnapshotDetail{}, &v1.SnapshotDetail{}},
	}
}

func TestEveryFieldCrosses(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range crossing() {
		t.Run(reflect.TypeOf(c.value).Elem().Name(), func(t *testing.T) {
			fill(t, reflect.ValueOf(c.value).Elem(), r)
			if d := cmp.Diff(c.value, overTheWire(t, c.value, c.message)); d != "" {
				t.Errorf("(-sent +received):\n%s", d)
			}
			proto.Reset(c.message)
			zero := reflect.New(reflect.TypeOf(c.value).Elem()).Interface()
			if d := cmp.Diff(zero, overTheWire(t, zero, c.message), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("zero (-sent +received):\n%s", d)
			}
		})
	}
}

// A list that JSON always shows is shown as an empty one, not as null.
func TestEmptyListsStayLists(t *testing.T) {
	got, err := json.Marshal(overTheWire(t, &backend.JobPage{}, &v1.JobPage{}))
	if err != nil || string(got) != `{"jobs":[]}` {
		t.Errorf("an empty page is %s, %v", got, err)
	}
}

func TestEveryRequestAndResultCrosses(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, op := range backend.Operations() {
		t.Run(string(op), func(t *testing.T) {
			s := backend.Submission{Request: backend.NewRequest(op)}
			fill(t, reflect.ValueOf(s.Request).Elem(), r)
			for _, f := range []any{&s.IdempotencyKey, &s.Inputs, &s.WorkDir, &s.Parts, &s.Shard} {
				fill(t, reflect.ValueOf(f).Elem(), r)
			}
			m, err := submissionToProto(s)
			if err != nil {
				t.Fatal(err)
			}
			back, err := submissionFromProto(proto.Clone(m).(*v1.Submission))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(s, back); d != "" {
				t.Errorf("submission (-sent +received):\n%s", d)
			}

			result := backend.NewResult(op)
			fill(t, reflect.ValueOf(result).Elem(), r)
			rm, err := resultToProto(result)
			if err != nil {
				t.Fatal(err)
			}
			received, err := resultFromProto(proto.Clone(rm).(*v1.Result))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(result, received); d != "" {
				t.Errorf("result (-sent +received):\n%s", d)
			}
		})
	}
	// Every field of a submission is set above: one that is added must be added there and here.
	if n := reflect.TypeFor[backend.Submission]().NumField(); n != 6 {
		t.Errorf("Submission has %d fields, the test fills 6", n)
	}
}

// byHand are the messages that no domain type stands behind, or that are converted by hand.
var byHand = []protoreflect.Name{
	"Empty", "Share", "Settings", "JobID", "SnapshotID", "WatchRequest", "Submission", "Batch", "BatchResponse", "InputChunk", "ArtifactList",
	"DownloadRequest", "DownloadUpdate", "Request", "Result", "Fault", "Problem",
}

// Together with the tests above, which fill every field of what they convert: no type of the contract
// and no message of the protocol is left out.
func TestNothingIsLeftOut(t *testing.T) {
	pairs.Clear() // of what other tests convert
	r := rand.New(rand.NewPCG(5, 6))
	domain := map[reflect.Type]bool{}
	for _, calls := range []reflect.Type{
		reflect.TypeFor[backend.Backend](), reflect.TypeFor[backend.Lister](), reflect.TypeFor[backend.Batcher](),
		reflect.TypeFor[backend.InputStore](), reflect.TypeFor[backend.ArtifactStore](), reflect.TypeFor[backend.SnapshotStore](),
	} {
		for i := range calls.NumMethod() {
			collect(calls.Method(i).Type, domain)
		}
	}
	messages := map[reflect.Type]bool{}
	for _, op := range backend.Operations() {
		request, result := backend.NewRequest(op), backend.NewResult(op)
		collect(reflect.TypeOf(request), domain)
		collect(reflect.TypeOf(result), domain)
		fill(t, reflect.ValueOf(request).Elem(), r)
		fill(t, reflect.ValueOf(result).Elem(), r)
		for _, convert := range []func() (any, error){
			func() (any, error) { return requestToProto(request) }, func() (any, error) { return resultToProto(result) },
		} {
			if _, err := convert(); err != nil {
				t.Error(err)
			}
		}
	}
	for _, c := range crossing() {
		fill(t, reflect.ValueOf(c.value).Elem(), r)
		toProto(c.value, c.message)
	}
	pairs.Range(func(pair, _ any) bool {
		delete(domain, pair.(typePair).domain)
		messages[pair.(typePair).message] = true
		return true
	})
	delete(domain, reflect.TypeFor[backend.Submission]())
	for left := range domain {
		t.Errorf("%s crosses in no test", left)
	}
	for _, file := range []protoreflect.FileDescriptor{
		v1.File_atg_backend_v1_backend_proto, v1.File_atg_backend_v1_fault_proto, v1.File_atg_backend_v1_requests_proto,
		v1.File_atg_backend_v1_results_proto, v1.File_atg_backend_v1_snapshots_proto,
	} {
		for i := range file.Messages().Len() {
			m := file.Messages().Get(i)
			kind, err := protoregistry.GlobalTypes.FindMessageByName(m.FullName())
			if err != nil {
				t.Fatal(err)
			}
			if !messages[reflect.TypeOf(kind.Zero().Interface()).Elem()] && !slices.Contains(byHand, m.Name()) {
				t.Errorf("the message %s crosses in no test", m.Name())
			}
		}
	}
}

// collect finds the structs of package backend that t is made of.
func collect(t reflect.Type, found map[reflect.Type]bool) {
	switch t.Kind() {
	case reflect.Func:
		for i := range t.NumIn() {
			collect(t.In(i), found)
		}
		for i := range t.NumOut() {
			collect(t.Out(i), found)
		}
	case reflect.Pointer, reflect.Slice:
		collect(t.Elem(), found)
	case reflect.Struct:
		if found[t] || t.PkgPath() != reflect.TypeFor[backend.Event]().PkgPath() {
			return
		}
		found[t] = true
		for i := range t.NumField() {
			collect(t.Field(i).Type, found)
		}
	}
}

func TestAFieldThatOnlyOneSideHasIsFound(t *testing.T) {
	type more struct {
		Path   string `json:"path"`
		Size   int64  `json:"size"`
		SHA256 string `json:"sha256"`
		Mode   int    `json:"mode"`
	}
	type less struct {
		Path string `json:"path"`
	}
	for _, value := range []any{more{}, less{}} {
		t.Run(reflect.TypeOf(value).Name(), func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("the difference was not found")
				}
			}()
			toProto(value, &v1.Artifact{})
		})
	}
}

func TestValuesFromTheFutureAreKept(t *testing.T) {
	job := decoded[backend.JobStatusResponse](&v1.Job{Status: "suspended", Operation: "dance"})
	if job.Status != "suspended" || job.Operation != "dance" {
		t.Errorf("job = %+v", job)
	}
	if _, err := requestFromProto(&v1.Request{}); fault.CodeOf(err) != fault.Unsupported {
		t.Errorf("an unknown request: %v", err)
	}
	if _, err := resultFromProto(&v1.Result{}); fault.CodeOf(err) != fault.BackendIncompatible {
		t.Errorf("an unknown result: %v", err)
	}
	for _, none := range []backend.Result{nil, (*backend.ScanResult)(nil)} {
		if _, err := resultToProto(none); fault.CodeOf(err) != fault.Internal {
			t.Errorf("no result: %v", err)
		}
	}
	for _, none := range []backend.Request{nil, (*backend.ScanRequest)(nil)} {
		if _, err := requestToProto(none); fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("no request: %v", err)
		}
	}
}

func TestStrayBytesDoNotFailAMessage(t *testing.T) {
	e := backend.Event{Kind: backend.EventLog, Log: &backend.Log{Message: "a\xffb"}}
	content, err := proto.Marshal(encoded[v1.Event](e))
	if err != nil {
		t.Fatal(err)
	}
	var m v1.Event
	if err := proto.Unmarshal(content, &m); err != nil || m.GetLog().GetMessage() != "a\uFFFDb" {
		t.Errorf("message = %q, %v", m.GetLog().GetMessage(), err)
	}
}
