//go:build unix

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// plain is a backend that writes Terraform, and no other format.
type plain struct{ *runner.Runner }

func newPlain() *plain {
	return &plain{runner.New(runner.Works{backend.OpGenerateIaC: func(_ context.Context, job *runner.Job) (backend.Result, error) {
		if format := job.Submission().Request.(*backend.IaCGenerationRequest).OutputFormat; format != "terraform" {
			return nil, fault.Newf(fault.Unsupported, "there is no format %q: it writes Terraform alone", format)
		}
		dir, err := job.OutputDir()
		if err != nil {
			return nil, err
		}
		const name = "main.tf"
		return &backend.IaCGenerationResult{Success: true, Complete: true, OutputFormat: "terraform", FilesGenerated: []string{name}},
			os.WriteFile(filepath.Join(dir, name), []byte("# plain\n"), 0o600)
	}})}
}

func (*plain) Describe(context.Context) (backend.Description, error) {
	return backend.Description{
		Name: "plain", Version: "1.0.0", Protocol: backend.Protocol, Summary: "writes Terraform alone",
		SettingsSchema: json.RawMessage(`{"type": "object"}`),
	}, nil
}

func (*plain) Configure(context.Context, backend.Settings) error { return nil }

func (*plain) Capabilities(context.Context) (backend.Capabilities, error) {
	return backend.Capabilities{Operations: []backend.Operation{backend.OpGenerateIaC}, Formats: []string{"terraform"}, Features: runner.Features()}, nil
}

func (*plain) CheckHealth(context.Context) backend.Health { return backend.Health{Healthy: true} }
