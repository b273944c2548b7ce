package create

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	deploymentType    = "Microsoft.Resources/deployments"
	deploymentVersion = "2025-04-01"
	// pollEvery is how often a deployment is looked at where Azure does not say, after a few looks that come sooner.
	pollFirst = 250 * time.Millisecond
	pollEvery = 5 * time.Second
	// pollMost is how long Azure may make us wait before we look again.
	pollMost = time.Minute
)

// deployment is a deployment in Azure.
type deployment struct {
	id      string          // with its scope
	answer  azure.Answer    // of the PUT; zero if it was there already
	refused *fault.Fault    // Azure did not take it
	state   string          // once it has ended: Succeeded, Failed, Canceled
	fault   *fault.Fault    // why it did not succeed
	settled map[string]bool // nested ones whose operations need not be read again, by id in lower case
}

// record is what Azure tells of a deployment.
type record struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Properties struct {
		ProvisioningState string `json:"provisioningState"`
		Timestamp         string `json:"timestamp"`
		Parameters        map[string]struct {
			Value json.RawMessage `json:"value"`
		} `json:"parameters"`
		Error *azure.Refusal `json:"error"`
	} `json:"properties"`
}

// scopeText is the id of a scope, as ids of what is deployed to it begin: empty for the tenant.
func scopeText(s template.Scope) string {
	id, _ := plain(s.ID)
	return strings.TrimSuffix(id, "/")
}

// deploymentID is the id of a deployment of a scope.
func deploymentID(scope, name string) string {
	return scope + "/providers/" + deploymentType + "/" + name
}

// put begins a deployment. One of that name that is already under way is followed instead.
func (r *run) put(ctx context.Context, id string, b *body) (d *deployment, err error) {
	d = &deployment{id: id, settled: map[string]bool{}}
	d.answer, err = r.session.Send(ctx, azure.Request{Method: http.MethodPut, Path: id, Version: deploymentVersion, Content: b.SectionReader})
	switch {
	case err == nil, azure.HasCode(err, "DeploymentActive"):
		return d, nil
	case ctx.Err() != nil:
		return nil, err
	}
	d.refused = fault.Of(err)
	return d, nil
}

// look reads a deployment; nil if there is none.
func (r *run) look(ctx context.Context, id string) (*record, error) {
	content, err := r.session.Get(ctx, id, deploymentVersion)
	if azure.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found record
	if err := json.Unmarshal(content, &found); err != nil {
		return nil, fault.New(fault.ExecutionFailed, "Azure's answer about a deployment cannot be read", fault.On(id), fault.From(fault.OriginAzure), fault.Because(err))
	}
	return &found, nil
}

// ended says that a provisioning state is a last one.
func ended(state string) bool {
	switch strings.ToLower(state) {
	case "succeeded", "failed", "canceled", "cancelled":
		return true
	}
	return false
}

// follow waits until a deployment has ended, and tells each time that it looks.
func (r *run) follow(ctx context.Context, d *deployment, each func(context.Context) error) error {
	wait, link := d.answer.Wait, d.answer.Poll
	own, most := r.looks()
	for {
		if wait <= 0 {
			wait, own = own, min(own*2, most)
		}
		if err := pause(ctx, min(wait, pollMost)); err != nil {
			return err
		}
		var state string
		var failed *azure.Refusal
		if link != "" {
			a, err := r.session.Poll(ctx, d.id, link)
			switch {
			case azure.IsNotFound(err): // links last for some hours
				link, wait = "", 0
				continue
			case err != nil:
				return err
			}
			var status struct {
				Status string         `json:"status"`
				Error  *azure.Refusal `json:"error"`
			}
			if err := json.Unmarshal(a.Body, &status); err != nil {
				return fault.New(fault.ExecutionFailed, "Azure's answer about a deployment cannot be read", fault.On(d.id), fault.From(fault.OriginAzure), fault.Because(err))
			}
			state, failed, wait = status.Status, status.Error, a.Wait
		} else {
			found, err := r.look(ctx, d.id)
			if err != nil {
				return err
			}
			if found == nil {
				return fault.New(fault.ExecutionFailed, "the deployment "+d.id+" is gone", fault.On(d.id), fault.From(fault.OriginAzure))
			}
			state, failed, wait = found.Properties.ProvisioningState, found.Properties.Error, 0
		}
		if each != nil {
			if err := each(ctx); err != nil {
				return err
			}
		}
		if ended(state) {
			d.state = state
			if failed != nil {
				d.fault = faultOf(d.id, failed)
			}
			return nil
		}
	}
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// stopTime is how long a cancelled job waits for its deployments to stop.
const stopTime = 45 * time.Second

// stop cancels a deployment and waits until it has ended.
func (r *run) stop(ctx context.Context, d *deployment, each func(context.Context) error) error {
	_, err := r.session.Send(ctx, azure.Request{Method: http.MethodPost, Path: d.id + "/cancel", Version: deploymentVersion})
	switch {
	case azure.IsNotFound(err):
		d.state = "not begun"
		return nil
	case err != nil && !azure.HasCode(err, "DeploymentCannotBeCancelled", "DeploymentCancelNotAllowed"):
		return err
	}
	d.answer = azure.Answer{}
	return r.follow(ctx, d, each)
}

// operation is one thing that a deployment does.
type operation struct {
	Properties struct {
		ProvisioningOperation string `json:"provisioningOperation"`
		ProvisioningState     string `json:"provisioningState"`
		StatusMessage         struct {
			Error *azure.Refusal `json:"error"`
		} `json:"statusMessage"`
		TargetResource *struct {
			ID   string `json:"id"`
			Type string `json:"resourceType"`
		} `json:"targetResource"`
	} `json:"properties"`
}

// operationsPath is where the operations of a deployment are listed: of one of a resource group, without the provider.
func operationsPath(id string) string {
	const provider = "/providers/" + deploymentType
	if at := strings.LastIndex(strings.ToLower(id), strings.ToLower(provider)); at > 0 && strings.Contains(strings.ToLower(id[:at]), "/resourcegroups/") {
		id = id[:at] + "/deployments" + id[at+len(provider):]
	}
	return id + "/operations"
}

// operations lists what a deployment and those nested in it have done so far. A failure of a nested one is told only where nothing in it tells more.
func (r *run) operations(ctx context.Context, d *deployment, id string, tell func(id, typ, state string, failed *azure.Refusal)) (failures int, err error) {
	type nested struct {
		id, state string
		failed    *azure.Refusal
	}
	var inner []nested
	err = r.session.Items(ctx, azure.List{Path: operationsPath(id), Version: deploymentVersion}, func(raw []byte) error {
		var o operation
		if err := json.Unmarshal(raw, &o); err != nil { // a statusMessage may be a text
			var typ *json.UnmarshalTypeError
			if !errors.As(err, &typ) {
				return fault.New(fault.ExecutionFailed, "Azure's answer about a deployment cannot be read", fault.On(id), fault.From(fault.OriginAzure), fault.Because(err))
			}
		}
		target := o.Properties.TargetResource
		if target == nil || target.ID == "" || strings.EqualFold(o.Properties.ProvisioningOperation, "Read") {
			return nil
		}
		state, failed := o.Properties.ProvisioningState, o.Properties.StatusMessage.Error
		if strings.EqualFold(target.Type, deploymentType) {
			inner = append(inner, nested{target.ID, state, failed})
			return nil
		}
		if strings.EqualFold(state, "Failed") {
			failures++
		}
		tell(target.ID, target.Type, state, failed)
		return nil
	})
	if azure.IsNotFound(err) { // it has not begun
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	for _, n := range inner {
		key := strings.ToLower(n.id)
		if d.settled[key] {
			continue
		}
		within, err := r.operations(ctx, d, n.id, tell)
		if err != nil {
			return 0, err
		}
		if strings.EqualFold(n.state, "Failed") && within == 0 {
			within = 1
			tell(n.id, deploymentType, n.state, n.failed)
		}
		failures += within
		d.settled[key] = ended(n.state)
	}
	return failures, nil
}

// faultOf is an error of Azure's as a fault: its own code and message, and what to do.
func faultOf(id string, e *azure.Refusal) *fault.Fault {
	if e == nil {
		return fault.New(fault.ExecutionFailed, "Azure does not say why", fault.On(id), fault.From(fault.OriginAzure))
	}
	e = e.Innermost()
	code := fault.ExecutionFailed
	switch e.Code {
	case "AuthorizationFailed", "LinkedAuthorizationFailed", "Forbidden":
		code = fault.AzureForbidden
	}
	f := fault.New(code, wordsOf(e), fault.On(id), fault.From(fault.OriginAzure))
	f.Hint = hints[e.Code]
	return f
}

// wordsOf is what Azure says: its code and its message.
func wordsOf(e *azure.Refusal) string { return oneLine(e.Code) + ": " + oneLine(e.Message) }

// hints are what to do about a few of Azure's codes.
var hints = map[string]string{
	"AuthorizationFailed":             "ask an owner for the role Contributor there; role assignments and locks need Owner",
	"LinkedAuthorizationFailed":       "the credential also needs rights on what the resource refers to",
	"QuotaExceeded":                   "ask for more quota in the portal, or take another region or size",
	"OperationNotAllowed":             "where a quota is meant, ask for more in the portal, or take another region or size",
	"SkuNotAvailable":                 "take another size or region: `az vm list-skus` lists what there is",
	"RequestDisallowedByPolicy":       "a policy forbids it: ask who assigned it, or change the resource",
	"RoleAssignmentExists":            "the same assignment exists under another name: take it out of the specification, or give it that name",
	"PrincipalNotFound":               "the principal does not exist in this tenant, or was made a moment ago: run the command again",
	"StorageAccountAlreadyTaken":      "the name is taken in the whole of Azure: take another one",
	"VaultAlreadyExists":              "the name is taken in the whole of Azure, or by a vault that was deleted a while ago: purge that, or take another name",
	"MissingSubscriptionRegistration": "register the resource provider: `az provider register`",
	"ScopeLocked":                     "a lock forbids it: take the lock away, and run the command again",
	"ReservedResourceName":            "take another name",
}

// oneLine makes Azure's text fit for a message.
func oneLine(text string) string {
	const most = 1000
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return strings.TrimSuffix(text, ".")
}
