package rpc

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	v1 "github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

// faults are compared by what crosses of them.
var faults = cmp.Comparer(func(a, b *fault.Fault) bool { return proto.Equal(encodeFault(a), encodeFault(b)) })

// seed is a message with all its fields set.
func seed(f *testing.F, value any, message proto.Message) []byte {
	f.Helper()
	fill(f, reflect.ValueOf(value).Elem(), rand.New(rand.NewPCG(1, 2)))
	toProto(value, message)
	content, err := proto.Marshal(message)
	if err != nil {
		f.Fatal(err)
	}
	return content
}

// FuzzMessage: whatever bytes the other process sends as a message, what is made of them crosses again as the same, and has the
// JSON form in which the service keeps it and the host prints it.
func FuzzMessage(f *testing.F) {
	for i, c := range crossing() {
		f.Add(uint(i), seed(f, c.value, proto.Clone(c.message)))
	}
	f.Add(uint(10), []byte("\x12\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f")) // an event with a time that no calendar has
	f.Fuzz(func(t *testing.T, n uint, content []byte) {
		c := crossing()[n%uint(len(crossing()))]
		if proto.Unmarshal(content, c.message) != nil {
			return // gRPC refuses it
		}
		fromProto(c.message, c.value)
		if d, ok := c.value.(*backend.Description); ok && !json.Valid(d.SettingsSchema) {
			return // whoever reads the schema says so
		}
		if _, err := json.Marshal(c.value); err != nil {
			t.Fatalf("%+v: %v", c.value, err)
		}
		again := reflect.New(reflect.TypeOf(c.value).Elem()).Interface()
		proto.Reset(c.message)
		toProto(c.value, c.message)
		fromProto(c.message, again)
		if diff := cmp.Diff(c.value, again, faults, cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}

// FuzzSubmission: whatever bytes a host sends as a submission are one, or a fault.
func FuzzSubmission(f *testing.F) {
	for _, op := range backend.Operations() {
		request := backend.NewRequest(op)
		fill(f, reflect.ValueOf(request).Elem(), rand.New(rand.NewPCG(1, 2)))
		m, err := submissionToProto(backend.Submission{Request: request, IdempotencyKey: "k", WorkDir: "/w", Shard: []string{"a"}, Inputs: []backend.Input{{Path: "p"}}, Parts: []backend.Part{{Key: "a"}}})
		if err != nil {
			f.Fatal(err)
		}
		content, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		var m v1.Submission
		if proto.Unmarshal(content, &m) != nil {
			return
		}
		s, err := submissionFromProto(&m)
		if err != nil {
			if fault.CodeOf(err) != fault.Unsupported {
				t.Fatal(err)
			}
			return
		}
		back, err := submissionToProto(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := submissionFromProto(back)
		if diff := cmp.Diff(s, again, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Error(diff, err)
		}
	})
}

// FuzzResult is the same for what a backend answers.
func FuzzResult(f *testing.F) {
	for _, op := range backend.Operations() {
		result := backend.NewResult(op)
		fill(f, reflect.ValueOf(result).Elem(), rand.New(rand.NewPCG(1, 2)))
		m, err := resultToProto(result)
		if err != nil {
			f.Fatal(err)
		}
		content, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add([]byte("\x0a\x09\x39\x00\x00\x00\x00\x00\x00\xf8\x7f")) // a scan that took NaN seconds
	f.Fuzz(func(t *testing.T, content []byte) {
		var m v1.Result
		if proto.Unmarshal(content, &m) != nil {
			return
		}
		r, err := resultFromProto(&m)
		if err != nil {
			if fault.CodeOf(err) != fault.BackendIncompatible {
				t.Fatal(err)
			}
			return
		}
		if _, err := json.Marshal(r); err != nil {
			t.Fatalf("%+v: %v", r, err)
		}
		back, err := resultToProto(r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := resultFromProto(back)
		if diff := cmp.Diff(r, again, faults, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Error(diff, err)
		}
	})
}
