package rpc

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	v1 "github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

// fill sets every field below v to a value that is not zero, so that a field which a conversion
// forgets is found.
func fill(t *testing.T, v reflect.Value, r *rand.Rand, depth int) {
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
		fill(t, v.Elem(), r, depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(t, v.Index(i), r, depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(t, k, r, depth+1)
			fill(t, e, r, depth+1)
			v.SetMapIndex(k, e)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), r, depth+1)
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

func TestEveryFieldCrosses(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		value   any
		message proto.Message
	}{
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
	} {
		t.Run(reflect.TypeOf(c.value).Elem().Name(), func(t *testing.T) {
			fill(t, reflect.ValueOf(c.value).Elem(), r, 0)
			if d := cmp.Diff(c.value, overTheWire(t, c.value, c.message)); d != "" {
				t.Errorf("(-sent +received):\n%s", d)
			}
			zero := reflect.New(reflect.TypeOf(c.value).Elem()).Interface()
			proto.Reset(c.message)
			if d := cmp.Diff(asJSON(t, overTheWire(t, zero, c.message)), asJSON(t, overTheWire(t, overTheWire(t, zero, c.message), c.message))); d != "" {
				t.Errorf("zero (-sent +received):\n%s", d)
			}
		})
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	content, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestEveryRequestAndResultCrosses(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, op := range backend.Operations() {
		t.Run(string(op), func(t *testing.T) {
			s := backend.Submission{Request: backend.NewRequest(op)}
			fill(t, reflect.ValueOf(s.Request).Elem(), r, 0)
			for _, f := range []any{&s.IdempotencyKey, &s.Inputs, &s.WorkDir, &s.Parts, &s.Shard} {
				fill(t, reflect.ValueOf(f).Elem(), r, 0)
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
			fill(t, reflect.ValueOf(result).Elem(), r, 0)
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
	for _, none := range []backend.Result{nil, (backend.Result)(nil)} {
		if _, err := resultToProto(none); fault.CodeOf(err) != fault.Internal {
			t.Errorf("no result: %v", err)
		}
	}
	if _, err := requestToProto(nil); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("no request: %v", err)
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
