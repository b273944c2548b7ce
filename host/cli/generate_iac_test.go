package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// generating is a fake whose code is complete.
func generating(files map[string]string) *fake {
	f := newFake(nil)
	f.code, f.files = &backend.IaCGenerationResult{Success: true, Complete: true, OutputFormat: "terraform", ResourcesIncluded: 7, Snapshot: "snap-2"}, files
	return f
}

func TestGenerateIaCRequest(t *testing.T) {
	whole := &backend.IaCGenerationRequest{
		TenantID: "me", OutputFormat: "terraform", Snapshot: "snap-1", Filter: backend.Filter{ResourceGroups: []string{"web"}},
		Target: backend.Target{TenantID: "other", SubscriptionID: "sub", Location: "northeurope", ResourceGroupPrefix: "dr-"},
		Import: true, Split: "type", IncludeDefaults: true, Check: true, WhatIf: true,
	}
	for _, tc := range []struct {
		name, args string
		want       *backend.IaCGenerationRequest
	}{
		{"nothing but what is needed", "--format bicep", &backend.IaCGenerationRequest{OutputFormat: "bicep"}},
		{"every flag", "--format terraform --tenant-id me --snapshot snap-1 --resource-group web --target-tenant-id other --target-subscription sub --target-location northeurope " +
			"--target-resource-group-prefix dr- --import --split type --include-defaults --check --what-if --yes", whole},
		{"names of before", "--format arm --target-tenant other --target-prefix dr-", &backend.IaCGenerationRequest{
			OutputFormat: "arm", Target: backend.Target{TenantID: "other", ResourceGroupPrefix: "dr-"},
		}},
		{"no split", "--format terraform --split none", &backend.IaCGenerationRequest{OutputFormat: "terraform", Split: "none"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := generating(nil)
			args := append([]string{"generate-iac", "--output-dir", t.TempDir()}, strings.Fields(tc.args)...)
			r := atg(t, t.Context(), f, nil, args...)
			if diff := cmp.Diff(backend.Request(tc.want), f.request); diff != "" || r.code != 0 {
				t.Errorf("%+v; request (-want +got):\n%s", r, diff)
			}
		})
	}
}

func TestGenerateIaCUsage(t *testing.T) {
	for _, tc := range []struct {
		args  string
		words []string
	}{
		{"--format bicep --split rg", []string{"--split is for Terraform", "bicep is split by what Azure takes", "--format terraform"}},
		{"--format arm --split none", []string{"--split is for Terraform"}},
		{"--format bicep --import", []string{"--import is for Terraform"}},
		{"--format terraform --split vm", []string{"--split", "rg", "type", "none"}},
		{"--format pulumi", []string{"--format", "terraform", "bicep", "arm"}},
		{"--format terraform --what-if", []string{"--what-if is a part of --check", "add --check"}},
		{"--format terraform --check --what-if", []string{"sending the code to Azure, for --what-if, needs a confirmation", "confirm with --yes"}},
		{"--no-input --format terraform --check --what-if", []string{"confirm with --yes"}},
		{"--format terraform --target-resource-grop-prefix x", []string{"did you mean --target-resource-group-prefix?"}},
	} {
		t.Run(tc.args, func(t *testing.T) {
			f := generating(nil)
			dir := filepath.Join(t.TempDir(), "out")
			r := atg(t, t.Context(), f, nil, append([]string{"generate-iac", "--output-dir", dir}, strings.Fields(tc.args)...)...)
			if _, err := os.Stat(dir); r.code != 2 || r.out != "" || f.request != nil || err == nil {
				t.Errorf("exit %d, stdout %q, request %+v, folder %v", r.code, r.out, f.request, err)
			}
			for _, w := range tc.words {
				if !strings.Contains(r.err, w) {
					t.Errorf("%q does not say %q", r.err, w)
				}
			}
		})
	}
}

func TestGenerateIaC(t *testing.T) {
	failed := []backend.Check{{Tool: "terraform", State: backend.CheckFailed, Findings: []backend.CheckFinding{{File: "main.tf", Line: 3, Severity: backend.SeverityError, Message: "Unsupported argument"}}}}
	for _, tc := range []struct {
		name     string
		files    map[string]string
		change   func(*fake)
		code     int
		out, err []string
		hides    string
	}{
		{"terraform", map[string]string{"main.tf": "1", "deploy.sh": "2", "README.md": "3"}, nil, 0,
			[]string{"terraform of 7 resources  complete", "files       3", "start with  README.md", "snapshot    snap-2", "next: cd DIR && terraform init && terraform plan"}, nil, "missing"},
		{"deployed by a script", map[string]string{"main.bicep": "1", "deploy.sh": "2"}, nil, 0, []string{"start with  main.bicep", "next: cd DIR && ./deploy.sh"}, nil, "terraform init"},
		{"something is missing", map[string]string{"main.tf": "1"}, func(f *fake) {
			f.code.Complete, f.code.ResourcesOmitted = false, 1
			f.code.Omitted = []backend.Omitted{{Resource: "/subscriptions/s/providers/a.b/c/d", Reason: "no such type"}}
		}, 3, []string{"incomplete", "missing     1 resource", "no such type  d"}, []string{"incomplete: ", "1 resource is missing", "report.ndjson"}, ""},
		{"trimmed", map[string]string{"main.tf": "1"}, func(f *fake) {
			f.code.ResourcesTrimmed = 1
			f.code.Omitted = []backend.Omitted{{Resource: "/subscriptions/s/providers/a.b/c/d", Reason: "a default", Trimmed: true}}
		}, 0, []string{"complete", "trimmed     1 resource", "a default  d"}, nil, "incomplete"},
		{"a check failed", map[string]string{"main.tf": "1"}, func(f *fake) { f.code.Checks = failed }, 6,
			[]string{"terraform  failed: 1 error", "main.tf:3: Unsupported argument"}, []string{"error: ", "terraform found 1 error"}, "next:"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := generating(tc.files)
			if tc.change != nil {
				tc.change(f)
			}
			dir := filepath.Join(t.TempDir(), "out")
			r := atg(t, t.Context(), f, nil, "generate-iac", "--format", "terraform", "--output-dir", dir)
			if r.code != tc.code {
				t.Errorf("exit %d: %s", r.code, r.err)
			}
			for got, words := range map[string][]string{strings.ReplaceAll(r.out, dir, "DIR"): tc.out, r.err + " ": tc.err} {
				for _, w := range words {
					if !strings.Contains(got, w) {
						t.Errorf("%q does not say %q", got, w)
					}
				}
			}
			if tc.hides != "" && strings.Contains(r.out, tc.hides) {
				t.Errorf("%q says %q", r.out, tc.hides)
			}
			for name, content := range tc.files { // also beside an error
				path := filepath.Join(dir, name)
				if got, err := os.ReadFile(path); err != nil || string(got) != content {
					t.Errorf("%s holds %q, %v", name, got, err)
				}
				if info, err := os.Stat(path); runtime.GOOS != "windows" && (err != nil || info.Mode()&0o100 != 0 != strings.HasSuffix(name, ".sh")) {
					t.Errorf("%s: mode %v", name, info.Mode())
				}
			}
		})
	}
}

// TestCodeOfAJobThatWentOn: what was generated without the command is brought later, as a whole too.
func TestCodeOfAJobThatWentOn(t *testing.T) {
	f := generating(map[string]string{"main.tf": "1", "old.tf": "1"})
	f.durable = true
	dir := t.TempDir()
	id := func() string {
		t.Helper()
		r := atg(t, t.Context(), f, nil, "generate-iac", "--format", "terraform", "--output-dir", dir, "--detach", "-o", "ndjson")
		_, rest, _ := strings.Cut(r.out, `"job_id":"`)
		job, _, ok := strings.Cut(rest, `"`)
		if r.code != 0 || !ok || !strings.Contains(r.out, "job watch "+job+" --output-dir "+dir) {
			t.Fatalf("%+v", r)
		}
		return job
	}
	first := id()
	if r := atg(t, t.Context(), f, nil, "job", "watch", first); r.code != 0 || !strings.Contains(r.out, "next: atg job download "+first+" --output-dir DIR") {
		t.Errorf("%+v", r)
	}
	if r := atg(t, t.Context(), f, nil, "job", "download", first, "--output-dir", dir); r.code != 0 || !strings.Contains(r.out, "2 files") {
		t.Errorf("%+v", r)
	}
	f.files = map[string]string{"main.tf": "2"}
	second := id()
	if r := atg(t, t.Context(), f, nil, "job", "watch", second); r.code != 0 {
		t.Errorf("%+v", r)
	}
	r := atg(t, t.Context(), f, nil, "job", "download", second, "--output-dir", dir)
	if _, err := os.Stat(filepath.Join(dir, "old.tf")); r.code != 0 || !os.IsNotExist(err) || !strings.Contains(r.err, "has not: old.tf") {
		t.Errorf("%+v; old.tf: %v", r, err)
	}
}
