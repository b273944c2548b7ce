package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// shareTime bounds how long a backend may take to hear of its share.
const shareTime = 10 * time.Second

// share tells the backend, until leave is called, how much it may use of what Azure lets its principal do: as much as
// every other backend that works with it at the time.
func (a *attempt) share(ctx context.Context, d backend.Description, settings backend.Settings) (leave func()) {
	sharer, ok := a.backend.(backend.Sharer)
	if !ok || !a.can.Has(backend.FeatureBudget) || a.w.o.Budget == nil || !callsAzure(a.request) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	whole := true
	left := a.w.o.Budget.Join(principal(a.r.Job.TenantID, settings, d.SettingsSchema), func(n int) {
		if n < 1 || n == 1 && whole { // which it has unless it is told otherwise
			return
		}
		whole = false
		short, stop := context.WithTimeout(ctx, shareTime)
		defer stop()
		if err := sharer.SetShare(short, 1/float64(n)); err != nil && ctx.Err() == nil {
			a.w.o.Logger.WarnContext(ctx, "the backend did not take its share of the calls", "job_id", a.r.Job.JobID, "backends", n, "error", err)
		}
	})
	return func() { cancel(); left() }
}

// callsAzure says whether an operation is about Azure itself. The others are about snapshots.
func callsAzure(request backend.Request) bool {
	switch r := request.(type) {
	case *backend.ScanRequest, *backend.TenantCreationRequest:
		return true
	case *backend.IaCGenerationRequest:
		return r.WhatIf
	}
	return false
}

// principal names whom a backend with these settings works as in a tenant: a digest of the tenant and of the settings that
// are known and not secret. Other settings may be another principal.
func principal(tenant string, settings backend.Settings, schema json.RawMessage) string {
	var known struct {
		Properties map[string]any `json:"properties"`
	}
	_ = json.Unmarshal(schema, &known) // without one, no setting is known
	public := map[string]any{}
	for name, value := range settings {
		if property, ok := known.Properties[name]; ok && !secret(property) {
			public[name] = value
		}
	}
	content, err := json.Marshal(struct {
		Tenant   string
		Settings map[string]any
	}{tenant, public})
	if err != nil {
		content = []byte(tenant) // settings come from files and have a JSON form
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:16])
}

// secret says whether a schema, or one below it, is of something secret.
func secret(schema any) bool {
	switch s := schema.(type) {
	case map[string]any:
		if s["writeOnly"] == true {
			return true
		}
		for _, below := range s {
			if secret(below) {
				return true
			}
		}
	case []any:
		for _, below := range s {
			if secret(below) {
				return true
			}
		}
	}
	return false
}
