package create

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// removal is what taking a run back means for one resource that the run created, or changed.
type removal struct {
	entry
	change backend.PlannedChange
	gone   bool // it is not there any more
	within bool // it goes with the resource that it is a part of
	who    *person
}

// remove says that the resource has to be deleted by a call of its own.
func (m *removal) remove() bool { return m.change.Action == actionDelete && !m.gone && !m.within }

// rollback removes what an earlier run created.
func (r *run) rollback(ctx context.Context) (*backend.TenantCreationResult, error) {
	j, err := r.find(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.idle(ctx, j); err != nil {
		return nil, err
	}
	r.since = j.at
	removals, err := r.survey(ctx, j)
	if err != nil {
		return nil, err
	}
	made := r.rollbackPlan(j, removals)
	if r.Request.DryRun {
		return &backend.TenantCreationResult{Success: true, Complete: true, Plan: made}, nil
	}
	if made.Digest != r.Request.PlanDigest {
		return nil, fault.New(fault.Conflict, "what is to be removed has changed since the plan was made", fault.Hint("plan again, and confirm the new plan"))
	}
	return r.removeAll(ctx, removals)
}

// find reads the journal of the job that is to be taken back, wherever it is.
func (r *run) find(ctx context.Context) (*journal, error) {
	r.begin(phaseFind, 0)
	job := r.Request.RollbackJob
	var scopes []string
	for _, s := range r.subscriptions {
		if s.Enabled() {
			scopes = append(scopes, "/subscriptions/"+s.ID)
		}
	}
	if groups, err := r.session.ManagementGroups(ctx); err == nil { // who may not read them has deployed nothing there
		for _, g := range groups.Groups {
			scopes = append(scopes, g.ID)
		}
	}
	for _, scope := range append(scopes, "") {
		j, err := r.read(ctx, scope, job)
		switch {
		case err != nil && fault.CodeOf(err) == fault.AzureForbidden:
		case err != nil:
			return nil, err
		case j != nil:
			return j, nil
		}
	}
	return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("nothing in Azure tells of a deployment by the job %q", job), fault.On(job),
		fault.Hint("check the id, the tenant, and that the credential sees the subscription; Azure keeps the last 800 deployments of a subscription"))
}

// idle refuses to take back a job that is still deploying.
func (r *run) idle(ctx context.Context, j *journal) error {
	scopes := map[string]bool{}
	for _, e := range j.entries {
		if s := strings.SplitN(e.id, "/", 4); len(s) > 2 && strings.EqualFold(s[1], "subscriptions") {
			scopes["/subscriptions/"+strings.ToLower(s[2])] = true
		}
	}
	for _, scope := range sortedKeys(scopes) {
		active, err := r.active(ctx, scope, j.job)
		if err != nil {
			return err
		}
		if len(active) > 0 {
			return fault.New(fault.Conflict, "the job still deploys: "+name(active[0])+" is under way", fault.On(active[0]), fault.Hint("cancel the job first, or wait for its end"))
		}
	}
	return nil
}

// survey looks at what the run created.
func (r *run) survey(ctx context.Context, j *journal) ([]*removal, error) {
	r.begin(phasePlan, len(j.entries))
	created := map[string]bool{}
	for _, e := range j.entries {
		if !e.changes {
			created[strings.ToLower(e.id)] = true
		}
	}
	all := make([]*removal, len(j.entries))
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(r.parallel())
	for i, e := range j.entries {
		g.Go(func() error {
			m := &removal{entry: e, change: backend.PlannedChange{Resource: e.id, Type: typeOf(e.id), Action: actionDelete}}
			if e.version == directoryVersion {
				m.who = personOf(e.id)
				m.change.Resource, m.change.Type = m.who.Name, string(m.who.Kind)
			}
			all[i] = m
			err := r.examine(group, m, created)
			r.step()
			return err
		})
	}
	return all, g.Wait()
}

// examine looks at one of them.
func (r *run) examine(ctx context.Context, m *removal, created map[string]bool) error {
	if m.changes {
		m.change.Action, m.change.Reason = actionExists, "it was there before the run, which changed it: it stays as it is now"
		return nil
	}
	if m.version == directoryVersion {
		return r.examinePerson(ctx, m)
	}
	actual, err := r.session.Get(ctx, m.id, m.version)
	switch {
	case azure.IsNotFound(err):
		m.gone = true
		return nil
	case err != nil:
		return err
	}
	m.within = partOf(m.id, created)
	var told struct {
		System struct {
			CreatedBy  string `json:"createdBy"`
			ModifiedBy string `json:"lastModifiedBy"`
			ModifiedAt string `json:"lastModifiedAt"`
		} `json:"systemData"`
	}
	if json.Unmarshal(actual, &told) == nil && told.System.ModifiedBy != "" && told.System.ModifiedBy != told.System.CreatedBy {
		m.change.Reason = fmt.Sprintf("changed since by %s on %s", oneLine(told.System.ModifiedBy), oneLine(told.System.ModifiedAt))
	}
	if isGroup(m.id) {
		return r.groupHolds(ctx, m, created)
	}
	return nil
}

// groupHolds keeps a resource group in which there is something that the run did not create.
func (r *run) groupHolds(ctx context.Context, m *removal, created map[string]bool) error {
	var others []string
	err := r.session.Items(ctx, azure.List{Path: m.id + "/resources", Version: "2021-04-01"}, func(raw []byte) error {
		var item struct {
			ID        string `json:"id"`
			ManagedBy string `json:"managedBy"`
		}
		if err := json.Unmarshal(raw, &item); err != nil {
			return fault.New(fault.ExecutionFailed, "Azure's list of a resource group cannot be read", fault.On(m.id), fault.From(fault.OriginAzure), fault.Because(err))
		}
		if id := strings.ToLower(item.ID); !created[id] && !partOf(id, created) && !created[strings.ToLower(item.ManagedBy)] {
			others = append(others, item.ID)
		}
		return nil
	})
	if err != nil && !azure.IsNotFound(err) {
		return err
	}
	if len(others) > 0 {
		slices.Sort(others)
		m.change.Action = actionExists
		m.change.Reason = fmt.Sprintf("it stays: it holds what this run did not create, %d in all, such as %s", len(others), others[0])
	}
	return nil
}

// partOf says that a resource is a child of one of some resources, so that it goes with it.
func partOf(id string, created map[string]bool) bool {
	lower := strings.ToLower(id)
	last := strings.LastIndex(lower, "/providers/")
	for at := strings.LastIndexByte(lower, '/'); at > last && last >= 0; at = strings.LastIndexByte(lower[:at], '/') {
		if created[lower[:at]] {
			return true
		}
	}
	return false
}

func isGroup(id string) bool {
	s := strings.Split(strings.ToLower(id), "/")
	return len(s) == 5 && s[1] == "subscriptions" && s[3] == "resourcegroups"
}

// typeOf is the type of the resource with an id.
func typeOf(id string) string {
	if isGroup(id) {
		return "Microsoft.Resources/resourceGroups"
	}
	at := strings.LastIndex(strings.ToLower(id), "/providers/")
	if at < 0 {
		return ""
	}
	segments := strings.Split(id[at+len("/providers/"):], "/")
	typ := segments[0]
	for i := 1; i < len(segments); i += 2 {
		typ += "/" + segments[i]
	}
	return typ
}

// rollbackPlan is what would be removed. Its digest stays the same while what is to be removed disappears, so that an interrupted removal can
// go on.
func (r *run) rollbackPlan(j *journal, removals []*removal) *backend.TenantPlan {
	slices.SortFunc(removals, func(a, b *removal) int { return strings.Compare(strings.ToLower(a.id), strings.ToLower(b.id)) })
	seal := newSeal(r.tenant)
	seal.write("rollback", j.job, j.digest)
	made := &backend.TenantPlan{Changes: []backend.PlannedChange{}}
	for _, m := range removals {
		seal.write(m.id, m.change.Action)
		if !m.gone {
			made.Changes = append(made.Changes, m.change)
		}
	}
	made.Digest = seal.digest()
	return made
}

// removeAll deletes, what needs others before those, and locks before all else.
func (r *run) removeAll(ctx context.Context, removals []*removal) (*backend.TenantCreationResult, error) {
	var work []*removal
	for _, m := range removals {
		if m.remove() {
			work = append(work, m)
		}
	}
	order := func(m *removal) int {
		switch {
		case isLock(typeOf(m.id)):
			return -1 << 30
		case m.who != nil: // resources may need them
			return 1
		}
		return -m.level
	}
	slices.SortStableFunc(work, func(a, b *removal) int { return cmp.Compare(order(a), order(b)) })
	r.begin(phaseRemove, len(work))
	failed := map[*removal]*fault.Fault{}
	var mu sync.Mutex
	for range 2 { // what could not go while something else was going may go now
		var again []*removal
		for from := 0; from < len(work); {
			to := from
			g, group := errgroup.WithContext(ctx)
			g.SetLimit(r.parallel())
			for ; to < len(work) && order(work[to]) == order(work[from]); to++ {
				m := work[to]
				mu.Lock()
				holds := within(m, failed)
				mu.Unlock()
				g.Go(func() error {
					err := holds
					if err == nil {
						err = r.remove(group, m)
					}
					if err != nil && (ctx.Err() != nil || group.Err() != nil) {
						return err
					}
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						failed[m] = fault.Of(err)
						again = append(again, m)
						return nil
					}
					delete(failed, m)
					return nil
				})
			}
			if err := g.Wait(); err != nil {
				return nil, err
			}
			from = to
		}
		if work = again; len(work) == 0 {
			break
		}
		slices.SortStableFunc(work, func(a, b *removal) int { return cmp.Or(cmp.Compare(order(a), order(b)), strings.Compare(a.id, b.id)) })
	}
	out := &backend.TenantCreationResult{Success: true, Complete: true}
	for _, m := range removals {
		if f := failed[m]; f != nil {
			f.Resource = m.id
			out.ResourcesFailed++
			out.Failures = append(out.Failures, backend.ResourceFailed{Resource: m.id, Fault: f})
		}
	}
	if out.ResourcesFailed > 0 {
		out.Success, out.Complete = false, false
		out.Error = fmt.Sprintf("%d resources could not be removed and stand; run the command again once the reason is mended", out.ResourcesFailed)
	}
	return out, nil
}

// within says of a resource group that something in it could not be removed: then it is not tried. Nil is that nothing is.
func within(m *removal, failed map[*removal]*fault.Fault) error {
	if !isGroup(m.id) {
		return nil
	}
	for other := range failed {
		if id := strings.ToLower(other.id); strings.HasPrefix(id, strings.ToLower(m.id)+"/") {
			return fault.New(fault.ExecutionFailed, "not removed: it still holds "+other.id, fault.On(m.id))
		}
	}
	return nil
}

// remove deletes one resource and waits until it is gone.
func (r *run) remove(ctx context.Context, m *removal) error {
	if m.who != nil {
		return r.removePerson(ctx, m)
	}
	a, err := r.session.Send(ctx, azure.Request{Method: http.MethodDelete, Path: m.id, Version: m.version})
	for err == nil && a.Status == 202 && a.Poll != "" {
		wait := a.Wait
		if wait <= 0 {
			wait, _ = r.looks()
		}
		if err = pause(ctx, min(wait, pollMost)); err != nil {
			return err
		}
		link := a.Poll
		if a, err = r.session.Poll(ctx, m.id, link); err != nil {
			break
		}
		var status struct {
			Status string         `json:"status"`
			Error  *azure.Refusal `json:"error"`
		}
		_ = json.Unmarshal(a.Body, &status) // some answer nothing but their status
		switch {
		case status.Status != "" && !ended(status.Status):
			a.Status, a.Poll = 202, cmp.Or(a.Poll, link)
		case status.Status != "" && !strings.EqualFold(status.Status, "Succeeded"):
			return faultOf(m.id, status.Error)
		case a.Status == 202:
			a.Poll = cmp.Or(a.Poll, link)
		}
	}
	if err != nil && !azure.IsNotFound(err) {
		return err
	}
	r.log(backend.LevelInfo, "removed %s", m.id)
	r.step()
	return nil
}
