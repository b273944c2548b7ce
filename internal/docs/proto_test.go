package docs

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"

	v1 "github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

// TestTheProtoFilesAreUnderstood compares what was read of the files with what the compiler of protobuf has read of them.
func TestTheProtoFilesAreUnderstood(t *testing.T) {
	p, err := readProtocol(source("../..", protoFolder...))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range p.files {
		for _, s := range f.services {
			for _, c := range s.calls {
				got = append(got, fmt.Sprintf("rpc %s %s %s", c.name, c.request, c.response))
			}
		}
		for _, m := range f.messages {
			got = append(got, "message "+m.name)
			for _, x := range m.fields {
				got = append(got, fmt.Sprintf("%s.%s = %s %s of %q", m.name, x.name, x.number, x.label, x.oneof))
			}
		}
	}
	var want []string
	for _, file := range []protoreflect.FileDescriptor{
		v1.File_atg_backend_v1_backend_proto, v1.File_atg_backend_v1_fault_proto, v1.File_atg_backend_v1_requests_proto,
		v1.File_atg_backend_v1_results_proto, v1.File_atg_backend_v1_snapshots_proto,
	} {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				m := methods.Get(j)
				stream := map[bool]string{true: "stream "}
				want = append(want, fmt.Sprintf("rpc %s %s%s %s%s", m.Name(), stream[m.IsStreamingClient()], m.Input().Name(), stream[m.IsStreamingServer()], m.Output().Name()))
			}
		}
		for i := range file.Messages().Len() {
			m := file.Messages().Get(i)
			want = append(want, "message "+string(m.Name()))
			for j := range m.Fields().Len() {
				want = append(want, described(m.Fields().Get(j)))
			}
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-compiled +read\n%s", diff)
	}
}

func described(f protoreflect.FieldDescriptor) string {
	label, oneof := "", ""
	switch {
	case f.IsList():
		label = "repeated"
	case f.HasOptionalKeyword():
		label = "optional"
	case f.ContainingOneof() != nil:
		oneof = string(f.ContainingOneof().Name())
	}
	return fmt.Sprintf("%s.%s = %d %s of %q", f.Parent().Name(), f.Name(), f.Number(), label, oneof)
}

func TestWhatIsNotUnderstoodIsAnError(t *testing.T) {
	for name, text := range map[string]string{
		"an enum":            "enum State {\n}\n",
		"a nested message":   "message A {\n  message B {}\n}\n",
		"options of a field": "message A {\n  string b = 1 [deprecated = true];\n}\n",
		"no end":             "message A {\n",
	} {
		if _, err := parseProto(text); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
