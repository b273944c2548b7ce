package iac_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
	"github.com/azure-tenant-grapher/atg/plugins/local"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// contoso scans the simulator's tenant, as deep as a scan goes, and opens the snapshot.
func contoso(t *testing.T) *graph.Reader {
	t.Helper()
	made, err := tenant.Contoso()
	if err != nil {
		t.Fatal(err)
	}
	sim, err := azuresim.New(azuresim.Config{Tenant: made, Quota: -1, NoARMLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	dir := t.TempDir()
	b := local.New()
	t.Cleanup(func() { _ = b.Close(context.WithoutCancel(t.Context())) })
	if err := b.Configure(t.Context(), backend.Settings{
		"cloud": "custom", "resource_manager_endpoint": sim.URL(), "authority_host": sim.URL(), "ca_file": sim.CAFile(), "auth": "client-secret",
		"tenant_id": sim.Tenant().ID, "client_id": sim.ClientID(), "client_secret": sim.ClientSecret(), "store_dir": dir,
	}); err != nil {
		t.Fatal(err)
	}
	job, err := b.Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{Depth: backend.DepthExtensions}})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.WatchJob(t.Context(), job.JobID, 0, func(backend.Event) error { return nil }); err != nil {
		t.Fatal(err)
	}
	result, err := b.GetResult(t.Context(), job.JobID)
	if err != nil {
		t.Fatal(err)
	}
	store, err := graph.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	return opened(t, store, result.(*backend.ScanResult).Snapshot.ID)
}

func opened(t *testing.T, store *graph.Store, id string) *graph.Reader {
	t.Helper()
	r, err := store.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// generate generates code, and answers the files by their names.
func generate(t *testing.T, r *graph.Reader, request backend.IaCGenerationRequest) (*backend.IaCGenerationResult, map[string]string) {
	t.Helper()
	dir := t.TempDir()
	g := iac.Generator{Reader: r, Dir: dir}
	result, err := g.Generate(t.Context(), &request)
	if err != nil {
		t.Fatal(err)
	}
	return result, tree(t, dir)
}

// tree are the files below a folder by their names.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(text)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return files
}
