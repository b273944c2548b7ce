package create

import (
	"context"
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// create plans, and deploys the plan that was confirmed.
func (r *run) create(ctx context.Context, parsed *spec.Spec) (*backend.TenantCreationResult, error) {
	places, err := r.places(parsed)
	if err != nil {
		return nil, err
	}
	ps := newPeople(parsed.Given(places))
	if r.Request.CreateIdentities && len(ps.all) > 0 {
		if err := ps.lookUp(ctx, r); err != nil {
			return nil, err
		}
	}
	d, err := r.open(ctx, parsed, places, ps)
	if err != nil {
		return nil, err
	}
	defer func() { d.close() }()
	if !ps.work() || r.Request.DryRun { // it is large
		parsed = nil
	}
	p, err := r.plan(ctx, d)
	if err != nil {
		return nil, err
	}
	if r.Request.DryRun {
		if err := r.preflight(ctx, d, p); err != nil {
			return nil, err
		}
		return &backend.TenantCreationResult{Success: true, Complete: p.complete, Plan: &p.TenantPlan}, nil
	}
	journal, p, err := r.agree(ctx, d, p)
	if err != nil {
		return nil, err
	}
	blocked := map[string]string{}
	if ps.work() {
		if err := r.makePeople(ctx, ps, journal.again); err != nil {
			return nil, err
		}
		blocked = p.blocked(d.in)
		d.close()
		if d, err = r.open(ctx, parsed, places, ps); err != nil { // with the ids that they have now
			d = &desired{}
			return nil, err
		}
	}
	result, err := r.deploy(ctx, d, p, journal, blocked)
	if err != nil {
		return nil, err
	}
	ps.tell(r, result)
	return result, nil
}

// agree makes sure that what is deployed is what was confirmed: the plan is the same as it was, or else this is another attempt of a job that
// wrote down the confirmed one. Then what is still under way of the earlier attempt is waited for, and the plan is made anew.
func (r *run) agree(ctx context.Context, d *desired, p *plan) (*journal, *plan, error) {
	if len(p.all) == 0 && !p.people.work() {
		p.seal(r.tenant)
		return &journal{job: r.Job, digest: p.Digest}, p, r.unchanged(p)
	}
	earlier, err := r.read(ctx, scopeText(p.first), r.Job)
	if err != nil {
		return nil, nil, err
	}
	if earlier == nil {
		if err := r.preflight(ctx, d, p); err != nil {
			return nil, nil, err
		}
		if err := r.unchanged(p); err != nil {
			return nil, nil, err
		}
		j := p.journal(r.Job)
		return j, p, r.write(ctx, p, j)
	}
	if earlier.digest != r.Request.PlanDigest {
		return nil, nil, fault.New(fault.Conflict, "this job has begun with another plan", fault.Hint("plan again and confirm the new plan"))
	}
	r.log(backend.LevelInfo, "going on where an earlier attempt of this job was interrupted")
	earlier.again, r.since = true, earlier.at
	if err := r.settle(ctx, p); err != nil {
		return nil, nil, err
	}
	if p, err = r.plan(ctx, d); err != nil {
		return nil, nil, err
	}
	p.seal(r.tenant)
	confirmed := earlier.ids()
	p.people.confirm(r, confirmed)
	for n := range p.all {
		if p.writes(n) && !confirmed[strings.ToLower(p.changes[n].Resource)] {
			r.log(backend.LevelWarn, "left as it is, for it was not in the plan that was confirmed: %s", p.changes[n].Resource)
			p.changes[n].Action = actionExists
		}
	}
	return earlier, p, nil
}

// unchanged refuses a plan other than the one that was confirmed.
func (r *run) unchanged(p *plan) error {
	if p.Digest == r.Request.PlanDigest {
		return nil
	}
	return fault.New(fault.Conflict, "the plan has changed since it was made: something was changed in Azure, or in the specification",
		fault.Hint("plan again, and confirm the new plan"))
}

// settle waits for the deployments of an earlier attempt that are still under way.
func (r *run) settle(ctx context.Context, p *plan) error {
	scopes := map[string]bool{}
	for n := range p.all {
		scopes[stageScope(p.all[n].unit)] = true
	}
	for _, scope := range sortedKeys(scopes) {
		active, err := r.active(ctx, scope, r.Job)
		if err != nil {
			return err
		}
		for _, id := range active {
			r.log(backend.LevelInfo, "the deployment %s is still under way", name(id))
			if err := r.follow(ctx, &deployment{id: id, settled: map[string]bool{}}, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// active are the deployments of a job at a scope that are still under way.
func (r *run) active(ctx context.Context, scope, job string) ([]string, error) {
	var all []string
	err := r.session.Items(ctx, azure.List{Path: scope + "/providers/" + deploymentType, Version: deploymentVersion}, func(raw []byte) error {
		found, err := decodeRecord(raw)
		if err == nil && strings.HasPrefix(found.Name, deploymentPrefix(job)) && !ended(found.Properties.ProvisioningState) {
			all = append(all, found.ID)
		}
		return err
	})
	return all, err
}

// name is the last part of an id.
func name(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// left says in words how to go on after a run of which something failed.
func (r *run) left(created, failed int) string {
	text := fmt.Sprintf("%d resources could not be made", failed)
	if failed == 1 {
		text = "1 resource could not be made"
	}
	if created == 0 {
		return text + "; nothing was made. Run the command again once the reason is mended"
	}
	stand := fmt.Sprintf("%d were made or changed and stand", created)
	if created == 1 {
		stand = "1 was made or changed and stands"
	}
	return fmt.Sprintf("%s; %s. Run the command again to go on from there, or take back what this run created: atg create-tenant --rollback %s", text, stand, r.Job)
}
