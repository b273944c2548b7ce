package httpapi

import (
	"context"
	"net/http"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

func (a *API) registerSnapshots() {
	register(a, route{
		method: http.MethodGet, path: api.PathSnapshots, id: "list-snapshots", tag: "snapshots", scopes: mayRead, summary: "The snapshots of the key's tenants, newest first",
	}, a.snapshots)
	register(a, route{
		method: http.MethodGet, path: api.PathSnapshot, id: "get-snapshot", tag: "snapshots", scopes: mayRead, summary: "A snapshot, with its contents summed up",
	}, a.snapshot)
	register(a, route{
		method: http.MethodDelete, path: api.PathSnapshot, id: "delete-snapshot", tag: "snapshots", scopes: []api.Scope{api.ScopeDelete}, summary: "Delete a snapshot",
	}, a.deleteSnapshot)
	file := route{
		method: http.MethodGet, path: api.PathSnapshotFile, id: "get-snapshot-file", tag: "snapshots", scopes: mayRead, waits: true, class: transfers,
		summary: "The file of a snapshot", description: "The ETag is the file's SHA-256.",
	}
	a.handle(file, a.snapshotFile)
	a.enter(file, ranges, fileResponses(anyFile)...)
}

type snapshotQuery struct {
	TenantID string `query:"tenant_id"`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" doc:"At most so many; 100 if it is left out."`
	Cursor   string `query:"cursor" doc:"The cursor of the page before."`
}

func (a *API) snapshots(ctx context.Context, c *call, in *snapshotQuery) (*struct{ Body backend.SnapshotPage }, error) {
	page, err := a.o.Service.ListSnapshots(ctx, c.grant.Caller, backend.SnapshotFilter(*in))
	if err != nil {
		return nil, err
	}
	return &struct{ Body backend.SnapshotPage }{page}, nil
}

type snapshotPath struct {
	ID string `path:"id" doc:"The snapshot's id."`
}

func (a *API) snapshot(ctx context.Context, c *call, in *snapshotPath) (*struct{ Body backend.SnapshotDetail }, error) {
	d, err := a.o.Service.GetSnapshot(ctx, c.grant.Caller, in.ID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body backend.SnapshotDetail }{d}, nil
}

func (a *API) deleteSnapshot(ctx context.Context, c *call, in *snapshotPath) (*struct{}, error) {
	return nil, a.o.Service.DeleteSnapshot(ctx, c.grant.Caller, in.ID)
}

func (a *API) snapshotFile(w http.ResponseWriter, r *http.Request) error {
	f, err := a.o.Service.OpenSnapshot(r.Context(), callOf(r.Context()).grant.Caller, r.PathValue("id"))
	if err != nil {
		return err
	}
	return a.serveFile(w, r, f, r.PathValue("id")+".db")
}
