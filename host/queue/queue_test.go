package queue

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// file makes a file with that content.
func file(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func add(t *testing.T, s *Store, e Entry, r backend.Request, inputs map[string]string) Entry {
	t.Helper()
	e.IdempotencyKey = "key"
	e, err := s.Add(e, r, inputs)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func list(t *testing.T, s *Store) []Entry {
	t.Helper()
	entries, problems, err := s.List()
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	return entries
}

func TestKept(t *testing.T) {
	s := New(filepath.Join(t.TempDir(), "[q]*", "queue")) // a pattern, if one took it for one
	if got := list(t, s); len(got) > 0 {
		t.Errorf("got %+v", got)
	}
	spec := file(t, "# tenant")
	request := &backend.TenantCreationRequest{TenantID: "t", Spec: "spec.md", DryRun: true}
	first := add(t, s, Entry{Backend: "remote", Profile: "prod", Config: "/c", Service: "https://a:443", OutputDir: "/out"}, request, map[string]string{"spec.md": spec})
	second := add(t, s, Entry{Backend: "remote"}, &backend.ScanRequest{Filter: backend.Filter{Tags: map[string]string{"a": "b"}}}, nil)
	if err := os.WriteFile(spec, []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Round(time.Second)
	second.SentAt, second.Refused = &now, fault.New(fault.Forbidden, "no", fault.Hint("ask"))
	if err := s.Update(second); err != nil {
		t.Fatal(err)
	}
	got := list(t, s)
	// the spaces of a request are not a part of it
	for i := range got {
		got[i].Request, first.Request, second.Request = nil, nil, nil
	}
	if diff := cmp.Diff([]Entry{first, second}, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(backend.Request(request), decode(t, s, 0)); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	in := first.Inputs[0]
	if in.Path != "spec.md" || in.Size != 8 {
		t.Errorf("input %+v", in)
	}
	if content, err := os.ReadFile(s.InputFile(in)); err != nil || string(content) != "# tenant" {
		t.Errorf("the input is %q, %v", content, err)
	}
	if runtime.GOOS != "windows" {
		for _, name := range []string{s.file(first.ID), s.InputFile(in)} {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", name, info, err)
			}
		}
	}
}

func decode(t *testing.T, s *Store, i int) backend.Request {
	t.Helper()
	r, err := list(t, s)[i].Decode()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestInputsGoWithTheLast: an input file stays as long as an entry needs it.
func TestInputsGoWithTheLast(t *testing.T) {
	s := New(t.TempDir())
	request := &backend.TenantCreationRequest{Spec: "spec.md"}
	inputs := map[string]string{"spec.md": file(t, "# tenant")}
	first, second := add(t, s, Entry{}, request, inputs), add(t, s, Entry{}, request, inputs)
	if err := s.Remove(first); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.InputFile(second.Inputs[0])); err != nil {
		t.Errorf("the second lost its input: %v", err)
	}
	if err := s.Remove(second); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(s.dir, "inputs")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if err := s.Remove(second); err != nil {
		t.Errorf("removed twice: %v", err)
	}
}

func TestBrokenEntriesHideNoOthers(t *testing.T) {
	s := New(t.TempDir())
	good := add(t, s, Entry{}, &backend.ScanRequest{}, nil)
	for name, content := range map[string]string{"cut.json": `{"id": "cu`, "other.json": `{"id": "another"}`} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	entries, problems, err := s.List()
	if err != nil || len(entries) != 1 || entries[0].ID != good.ID || len(problems) != 2 || !strings.Contains(problems[0].Error(), "cut") {
		t.Errorf("got %+v, %v, %v", entries, problems, err)
	}
	if _, err := (Entry{Operation: "juggle"}).Decode(); err == nil {
		t.Error("an unknown operation is decoded")
	}
}

func TestManyAtOnce(t *testing.T) {
	s := New(t.TempDir())
	spec := file(t, "# tenant")
	var done sync.WaitGroup
	for range 20 {
		done.Go(func() {
			e, err := New(s.dir).Add(Entry{IdempotencyKey: "k"}, &backend.TenantCreationRequest{Spec: "spec.md"}, map[string]string{"spec.md": spec})
			if err == nil && e.ID[len(e.ID)-1]%2 == 0 {
				err = New(s.dir).Remove(e)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	for _, e := range list(t, s) {
		if _, err := os.Stat(s.InputFile(e.Inputs[0])); err != nil {
			t.Errorf("%s lost its input: %v", e.ID, err)
		}
	}
}

func TestNoPlace(t *testing.T) {
	for name, s := range map[string]*Store{"no home": New(""), "a file in the way": New(filepath.Join(file(t, ""), "queue"))} {
		if _, err := s.Add(Entry{}, &backend.ScanRequest{}, nil); fault.CodeOf(err) != fault.ExecutionFailed {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := New(t.TempDir()).Add(Entry{}, &backend.ScanRequest{}, map[string]string{"a": "/does/not/exist"}); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("a missing input: got %v", err)
	}
}

func TestOneSendsAtATime(t *testing.T) {
	dir := t.TempDir()
	unlock, err := New(dir).Lock(t.Context(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	waited := fault.New(fault.Interrupted, "waited long enough")
	if _, err := New(dir).Lock(ctx, func() { cancel(waited) }); !errors.Is(err, waited) {
		t.Errorf("got %v", err)
	}
	unlock()
	if unlock, err = New(dir).Lock(t.Context(), func() {}); err != nil {
		t.Fatal(err)
	}
	unlock()
}
