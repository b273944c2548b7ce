package deployment

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template"
)

const timeForm = "2006-01-02T15:04:05.0000000Z"

// period is a duration of ISO 8601 in seconds, minutes and hours.
func period(d time.Duration) string {
	text := "PT"
	if hours := int(d / time.Hour); hours > 0 {
		text += fmt.Sprintf("%dH", hours)
	}
	if minutes := int(d/time.Minute) % 60; minutes > 0 {
		text += fmt.Sprintf("%dM", minutes)
	}
	seconds := d % time.Minute
	return text + strings.TrimRight(strings.TrimRight(fmt.Sprintf("%d.%07d", seconds/time.Second, seconds%time.Second/100), "0"), ".") + "S"
}

// Body is the deployment as a read shows it.
func (d *Deployment) Body() map[string]any {
	d.mu.Lock()
	defer d.mu.Unlock()
	until := d.ended
	if until.IsZero() {
		until = d.started
	}
	properties := map[string]any{
		"templateHash": d.hash, "parameters": d.template.Parameters(), "mode": d.Mode, "provisioningState": d.state, "timestamp": until.UTC().Format(timeForm),
		"duration": period(until.Sub(d.started)), "correlationId": d.Correlation, "providers": providersOf(d.template), "dependencies": dependenciesOf(d.template),
	}
	if d.outputs != nil {
		properties["outputs"] = d.outputs
	}
	if d.failure != nil {
		properties["error"] = d.failure
	}
	if d.state == succeeded {
		properties["outputResources"] = idsOf(d.resources)
	}
	return d.wrap(properties)
}

func (d *Deployment) wrap(properties map[string]any) map[string]any {
	body := map[string]any{"id": d.ID, "name": d.Name, "type": "Microsoft.Resources/deployments", "properties": properties}
	if d.Location != "" {
		body["location"] = d.Location
	}
	return body
}

// Validated is the answer to a validation that found nothing wrong.
func (d *Deployment) Validated() map[string]any {
	var ids []string
	for _, r := range d.template.Resources {
		if r.Deployed() && !r.Existing {
			ids = append(ids, r.ID)
		}
	}
	return d.wrap(map[string]any{
		"templateHash": d.hash, "parameters": d.template.Parameters(), "mode": d.Mode, "provisioningState": succeeded, "timestamp": d.started.UTC().Format(timeForm),
		"duration": "PT0S", "correlationId": d.Correlation, "providers": providersOf(d.template), "dependencies": dependenciesOf(d.template), "validatedResources": idsOf(ids),
	})
}

func idsOf(ids []string) []any {
	sorted := slices.Sorted(slices.Values(ids))
	list := make([]any, len(sorted))
	for i, id := range sorted {
		list[i] = map[string]any{"id": id}
	}
	return list
}

func providersOf(t *template.Template) []any {
	types := map[string]map[string]bool{}
	for _, r := range t.Resources {
		namespace, name, _ := strings.Cut(r.Type, "/")
		if types[namespace] == nil {
			types[namespace] = map[string]bool{}
		}
		types[namespace][name] = true
	}
	list := []any{}
	for namespace, names := range types {
		resourceTypes := []any{}
		for name := range names {
			resourceTypes = append(resourceTypes, map[string]any{"resourceType": name, "locations": []any{nil}})
		}
		list = append(list, map[string]any{"namespace": namespace, "resourceTypes": resourceTypes})
	}
	return list
}

func dependenciesOf(t *template.Template) []any {
	list := []any{}
	for _, r := range t.Resources {
		if len(r.DependsOn) == 0 || !r.Deployed() {
			continue
		}
		needs := []any{}
		for _, other := range r.DependsOn {
			needs = append(needs, named(other))
		}
		entry := named(r)
		entry["dependsOn"] = needs
		list = append(list, entry)
	}
	return list
}

func named(r *template.Resource) map[string]any {
	return map[string]any{"id": r.ID, "resourceType": r.Type, "resourceName": r.Name}
}

// Operations are the deployment's operations as a list shows them, the newest first, as Azure does.
func (d *Deployment) Operations() []map[string]any {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]map[string]any, 0, len(d.operations))
	for _, op := range slices.Backward(d.operations) {
		until := op.ended
		if until.IsZero() {
			until = op.started
		}
		properties := map[string]any{
			"provisioningOperation": op.kind, "provisioningState": op.state, "timestamp": until.UTC().Format(timeForm), "duration": period(until.Sub(op.started)),
			"trackingId": op.requestID,
		}
		if op.status != 0 {
			properties["statusCode"] = strings.ReplaceAll(http.StatusText(op.status), " ", "")
			properties["serviceRequestId"] = op.requestID
		}
		if op.failure != nil {
			properties["statusMessage"] = map[string]any{"status": failed, "error": op.failure}
		}
		if op.resource != nil {
			properties["targetResource"] = named(op.resource)
		}
		list = append(list, map[string]any{"id": d.ID + "/operations/" + op.id, "operationId": op.id, "properties": properties})
	}
	return list
}
