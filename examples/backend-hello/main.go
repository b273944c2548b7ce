// Command atg-backend-hello is a complete atg backend in one file. It scans an inventory file that
// somebody else made, one JSON object a line, instead of Azure.
package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
	"github.com/azure-tenant-grapher/atg/shared/serve"
)

// hello is the backend. The runner gives it all that has to do with jobs.
type hello struct {
	*runner.Runner
	inventory string
}

func main() {
	h := &hello{}
	h.Runner = runner.New(runner.Works{backend.OpScan: h.scan})
	serve.Backend(h)
}

func (h *hello) Describe(context.Context) (backend.Description, error) {
	return backend.Description{
		Name: "hello", Version: "1.0.0", Protocol: backend.Protocol, Summary: "counts the lines of an inventory file",
		SettingsSchema: json.RawMessage(`{"type": "object", "additionalProperties": false, "properties": {
			"inventory": {"type": "string", "description": "The inventory: a file with one JSON object a line."}}}`),
	}, nil
}

func (h *hello) Configure(_ context.Context, settings backend.Settings) error {
	wrong := fault.New(fault.ConfigInvalid, "the settings are wrong")
	for name, value := range settings {
		text, ok := value.(string)
		switch {
		case name != "inventory":
			wrong.Problems = append(wrong.Problems, fault.Problem{Key: name, Message: "unknown setting", Hint: "the only one is inventory"})
		case !ok:
			wrong.Problems = append(wrong.Problems, fault.Problem{Key: name, Message: "must be the path of a file"})
		}
		h.inventory = text
	}
	if len(wrong.Problems) > 0 {
		return wrong
	}
	return nil
}

func (h *hello) Capabilities(context.Context) (backend.Capabilities, error) {
	return backend.Capabilities{Operations: []backend.Operation{backend.OpScan}, Features: runner.Features()}, nil
}

func (h *hello) CheckHealth(context.Context) backend.Health {
	if _, err := os.Stat(h.inventory); err != nil {
		return backend.Health{Message: "the inventory cannot be read: " + err.Error()}
	}
	return backend.Health{Healthy: true}
}

// scan counts the resources of the inventory.
func (h *hello) scan(ctx context.Context, job *runner.Job) (backend.Result, error) {
	request, began := job.Submission().Request.(*backend.ScanRequest), time.Now()
	file, err := os.Open(h.inventory)
	if err != nil {
		return nil, fault.New(fault.ExecutionFailed, "the inventory cannot be read", fault.Because(err),
			fault.Hint("set backends.hello.settings.inventory"))
	}
	defer file.Close()

	var found int64
	lines := bufio.NewScanner(file)
	for ; ctx.Err() == nil && (request.ResourceLimit == 0 || found < request.ResourceLimit) && lines.Scan(); found++ {
		if !json.Valid(lines.Bytes()) {
			return nil, fault.Newf(fault.ExecutionFailed, "line %d of the inventory is no JSON", found+1)
		}
		job.Progress(backend.Progress{Phase: "inventory", Done: found + 1, Unit: "resources"})
	}
	if err := cmp.Or(lines.Err(), ctx.Err()); err != nil {
		return nil, err
	}
	job.Log(backend.LevelInfo, "hello, tenant %s", request.TenantID)
	entry := backend.CoverageEntry{Scope: "tenant", Kind: "inventory", State: backend.CoverageListed, Listed: found, Expected: -1}
	if found == request.ResourceLimit && found > 0 {
		entry.State = backend.CoverageLimited
	}
	return &backend.ScanResult{
		Success: true, Complete: true, Resources: found, DurationSeconds: time.Since(began).Seconds(),
		Coverage: backend.Coverage{Complete: true, Entries: []backend.CoverageEntry{entry}},
	}, nil
}
