package local_test

import (
	"context"
	"testing"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/plugins/local"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// simulate starts a simulator, and answers the settings that point the backend at it.
func simulate(t *testing.T, config azuresim.Config) (*azuresim.Server, backend.Settings) {
	t.Helper()
	bare(t)
	return simulateQuietly(t, config)
}

// simulateQuietly is simulate for tests that run in parallel, which cannot change the environment.
func simulateQuietly(t *testing.T, config azuresim.Config) (*azuresim.Server, backend.Settings) {
	t.Helper()
	if config.Quota == 0 {
		config.Quota = -1
	}
	if config.Tenant == nil {
		config.Tenant = company(t)
	}
	sim, err := azuresim.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	return sim, backend.Settings{
		"cloud": "custom", "resource_manager_endpoint": sim.URL(), "authority_host": sim.URL(), "ca_file": sim.CAFile(),
		"auth": "client-secret", "tenant_id": sim.Tenant().ID, "client_id": sim.ClientID(), "client_secret": sim.ClientSecret(),
		"store_dir": t.TempDir(), "throttle_patience": "20s",
	}
}

// bare takes away what the environment of the test may say about Azure.
func bare(t *testing.T) {
	t.Helper()
	for _, v := range []string{
		"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE",
		"AZURE_AUTHORITY_HOST", "ATG_AZURE_CLOUD", "ATG_AZURE_RESOURCE_MANAGER_ENDPOINT", "ATG_AZURE_AUTHORITY_HOST",
		"ATG_AZURE_GRAPH_ENDPOINT", "SSL_CERT_FILE", "IDENTITY_ENDPOINT", "MSI_ENDPOINT", "IMDS_ENDPOINT",
	} {
		t.Setenv(v, "")
	}
}

func start(t *testing.T, settings backend.Settings) backend.Backend {
	t.Helper()
	b := local.New()
	if err := b.Configure(t.Context(), settings); err != nil {
		t.Fatalf("Configure: %v", err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return b
}

// outcome is what came of a scan.
type outcome struct {
	id     string
	events []backend.Event
	result *backend.ScanResult // nil if it failed
	job    backend.JobStatusResponse
}

// scan scans as deep as Resource Graph goes, unless the request says otherwise.
func scan(t *testing.T, b backend.Backend, request backend.ScanRequest) outcome {
	t.Helper()
	if request.Depth == "" {
		request.Depth = backend.DepthResources
	}
	job, err := b.Submit(t.Context(), backend.Submission{Request: &request})
	if err != nil {
		t.Fatalf("Submit: %v", err)
	}
	return finish(t, b, job.JobID)
}

func finish(t *testing.T, b backend.Backend, id string) outcome {
	t.Helper()
	o := outcome{id: id}
	if err := b.WatchJob(t.Context(), id, 0, func(e backend.Event) error {
		o.events = append(o.events, e)
		return nil
	}); err != nil {
		t.Fatalf("WatchJob: %v", err)
	}
	o.job = *o.events[len(o.events)-1].Status
	if o.job.Status == backend.JobCompleted {
		result, err := b.GetResult(t.Context(), id)
		if err != nil {
			t.Fatalf("GetResult: %v", err)
		}
		o.result = result.(*backend.ScanResult)
	}
	return o
}
