package create

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// stageScope is the id of the scope to which the stage of a unit is deployed; empty for the tenant.
func stageScope(u *template.Unit) string {
	id := scopeText(u.Scope)
	if u.Scope.Kind == template.ScopeResourceGroup {
		return id[:strings.LastIndex(strings.ToLower(id), "/resourcegroups/")]
	}
	return id
}

func decodeRecord(raw []byte) (record, error) {
	var found record
	if err := json.Unmarshal(raw, &found); err != nil {
		return found, fault.New(fault.ExecutionFailed, "Azure's answer about a deployment cannot be read", fault.From(fault.OriginAzure), fault.Because(err))
	}
	return found, nil
}

// deployer deploys a template stage by stage.
type deployer struct {
	*run
	t        *template.Template
	location string

	mu       sync.Mutex
	outcomes map[string]*outcome // of what is to be deployed, by id in lower case
	ids      map[string]string   // as they are written
	extra    map[string]*fault.Fault
	made     int
}

// deploy deploys what is to be created and changed.
// What is blocked is not tried, for the reasons by id in lower case.
func (r *run) deploy(ctx context.Context, d *desired, p *plan, j *journal, blocked map[string]string) (*backend.TenantCreationResult, error) {
	only := p.selected()
	before := p.standing(j)
	if len(only) == 0 {
		if len(j.entries) == 0 {
			r.log(backend.LevelInfo, "everything is there as it is desired: nothing was deployed")
		}
		return &backend.TenantCreationResult{Success: true, Complete: p.complete, ResourcesCreated: int64(before)}, nil
	}
	x := &deployer{run: r, location: p.location, outcomes: map[string]*outcome{}, ids: map[string]string{}, extra: map[string]*fault.Fault{}}
	for n := range p.all {
		key := strings.ToLower(p.changes[n].Resource)
		if why, ok := blocked[key]; ok && only[key] {
			delete(only, key)
			x.outcomes[key], x.ids[key] = &outcome{failed: fault.New(fault.ExecutionFailed, "not tried: "+why, fault.On(p.changes[n].Resource))}, p.changes[n].Resource
		}
	}
	r.begin(phaseDeploy, len(only))
	rest, locks := p.locksApart(only)
	for i, part := range []map[string]bool{rest, locks} {
		if len(part) == 0 {
			continue
		}
		if err := x.part(ctx, d, part, i > 0 && x.failed()); err != nil {
			return nil, err
		}
	}
	return x.result(p, before), nil
}

// locksApart divides what is to be deployed: locks come behind all else, for one that is there forbids to make what it locks.
func (p *plan) locksApart(only map[string]bool) (rest, locks map[string]bool) {
	rest, locks = map[string]bool{}, map[string]bool{}
	for n := range p.all {
		switch id := strings.ToLower(p.changes[n].Resource); {
		case !only[id]:
		case isLock(p.changes[n].Type):
			locks[id] = true
		default:
			rest[id] = true
		}
	}
	return rest, locks
}

func isLock(typ string) bool { return strings.EqualFold(typ, "Microsoft.Authorization/locks") }

// part deploys some of what is desired; locks behind something that failed are not tried.
func (x *deployer) part(ctx context.Context, d *desired, only map[string]bool, failed bool) error {
	built, err := d.build(ctx, only)
	if err != nil {
		return err
	}
	x.t = built.Template
	contents, after, err := x.order(ctx, int(built.Generated))
	if err != nil {
		return err
	}
	if failed {
		for _, content := range contents {
			x.skip(content, "not tried: a lock that is there would keep what has failed from being made")
		}
		return nil
	}
	return x.stages(ctx, contents, after)
}

// failed says that something could not be made.
func (x *deployer) failed() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, o := range x.outcomes {
		if o.failed != nil && !o.done {
			return true
		}
	}
	return false
}

// standing is how much of a journal an earlier attempt has done.
func (p *plan) standing(j *journal) int {
	confirmed, n := j.ids(), 0
	for i := range p.all {
		if p.changes[i].Action == actionExists && confirmed[strings.ToLower(p.changes[i].Resource)] {
			n++
		}
	}
	return n
}

// order finds what each stage deploys, and which stages have to wait for which.
func (x *deployer) order(ctx context.Context, total int) (contents [][]string, after []map[int]bool, err error) {
	stages := map[int]int{} // by unit
	for i, s := range x.t.Stages {
		for _, u := range s.Units {
			stages[u.Index] = i
		}
		if s.Main != nil {
			stages[s.Main.Index] = i
		}
	}
	all := make([]info, total)
	contents, after = make([][]string, len(x.t.Stages)), make([]map[int]bool, len(x.t.Stages))
	groups := map[string]int{} // the stage of a resource group, by id in lower case
	for _, u := range x.t.Units {
		if err := x.t.Each(ctx, u, func(res *template.Resource) error {
			i, key, stage := infoOf(u, res), strings.ToLower(res.ID), stages[u.Index]
			all[res.Node] = i
			x.outcomes[key], x.ids[key] = &outcome{}, res.ID
			contents[stage] = append(contents[stage], key)
			if strings.EqualFold(res.Type, "Microsoft.Resources/resourceGroups") {
				groups[key] = stage
			}
			return nil
		}); err != nil {
			return nil, nil, err
		}
	}
	wait := func(stage, other int) {
		if stage == other {
			return
		}
		if after[stage] == nil {
			after[stage] = map[int]bool{}
		}
		after[stage][other] = true
	}
	for n := range all {
		stage := stages[all[n].unit.Index]
		for _, need := range all[n].needs {
			wait(stage, stages[all[need].unit.Index])
		}
		if all[n].unit.Scope.Kind == template.ScopeResourceGroup {
			if other, ok := groups[strings.ToLower(scopeText(all[n].unit.Scope))]; ok {
				wait(stage, other)
			}
		}
	}
	return contents, after, nil
}

// stages deploys each stage once those that it waits for are done. What waits for one that failed is not tried.
func (x *deployer) stages(ctx context.Context, contents [][]string, after []map[int]bool) error {
	ended := make([]chan struct{}, len(contents))
	failed := make([]bool, len(contents))
	for i := range ended {
		ended[i] = make(chan struct{})
	}
	var g errgroup.Group
	slots := make(chan struct{}, max(1, x.parallel()/2))
	for i := range contents {
		g.Go(func() error {
			defer close(ended[i])
			for other := range after[i] {
				select {
				case <-ended[other]:
					failed[i] = failed[i] || failed[other]
				case <-ctx.Done():
					return context.Cause(ctx)
				}
			}
			if failed[i] {
				x.skip(contents[i], "not tried: a deployment that it needs has failed")
				return nil
			}
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			ok, err := x.stage(ctx, x.t.Stages[i], contents[i])
			failed[i] = !ok
			if err != nil && ctx.Err() == nil { // that of one stage does not keep others from being told
				x.lost(x.t.Stages[i], contents[i], fault.Of(err))
				return nil
			}
			return err
		})
	}
	err := g.Wait()
	if err != nil {
		x.standing()
		return context.Cause(ctx)
	}
	return nil
}

// lost says of the resources of a stage that it is not known what became of them.
func (x *deployer) lost(s *template.Stage, content []string, why *fault.Fault) {
	x.log(backend.LevelError, "%s: %v", s.Title, why)
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, key := range content {
		if o := x.outcomes[key]; !o.done && o.failed == nil {
			f := *why
			f.Resource = x.ids[key]
			o.failed = &f
		}
	}
}

// stage deploys one stage.
func (x *deployer) stage(ctx context.Context, s *template.Stage, content []string) (ok bool, err error) {
	id, b, err := x.document(ctx, x.t, s, x.location)
	if err != nil {
		return false, err
	}
	x.log(backend.LevelInfo, "%s: deploying %d resources as %s", s.Title, len(content), name(id))
	d, err := x.put(ctx, id, b)
	b.close()
	if err != nil {
		if ctx.Err() != nil { // Azure may have it
			x.cancel(ctx, &deployment{id: id, settled: map[string]bool{}}, s, nil)
		}
		return false, err
	}
	if d.refused != nil {
		x.log(backend.LevelError, "%s: %v", s.Title, d.refused)
		x.refuse(d, content)
		return false, nil
	}
	each := func(ctx context.Context) error {
		_, err := x.operations(ctx, d, d.id, x.tell)
		return err
	}
	if err := x.follow(ctx, d, each); err != nil {
		if ctx.Err() != nil {
			x.cancel(ctx, d, s, each)
		}
		return false, err
	}
	ok = strings.EqualFold(d.state, "Succeeded")
	x.close(d, s, content, ok)
	return ok, nil
}

// document makes the deployment of a stage, with resource groups beside it, and its id. It has to be closed.
func (r *run) document(ctx context.Context, t *template.Template, s *template.Stage, location string, groups ...arm.Group) (id string, b *body, err error) {
	prefix := deploymentPrefix(r.Job)
	document, err := arm.Make(ctx, t, s, prefix, groups...)
	if err != nil {
		return "", nil, err
	}
	parameters, err := r.fill(document)
	if err != nil {
		return "", nil, err
	}
	sum := sha256.New()
	for _, piece := range document.Template {
		_, _ = sum.Write(piece) // a hash never fails
	}
	id = deploymentID(scopeText(s.Scope), stageName(prefix, s.Name, hex.EncodeToString(sum.Sum(nil)[:4])))
	b, err = newBody(r.WorkDir, location, map[string]string{tagJob: r.Job}, parameters, document.Template)
	return id, b, err
}

// stageName is the name of a stage's deployment: the same for the same content, so that another attempt repeats it. Azure takes 64 characters.
func stageName(prefix, stage, sum string) string {
	const most = 64
	stage = strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, stage), "-")
	return prefix + stage[:min(len(stage), most-len(prefix)-len(sum)-1)] + "-" + sum
}

// cancel stops the deployment of a job that was cancelled, and says what came of it.
func (x *deployer) cancel(ctx context.Context, d *deployment, s *template.Stage, each func(context.Context) error) {
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer end()
	if err := x.stop(ctx, d, each); err != nil {
		x.log(backend.LevelWarn, "%s: the deployment %s could not be stopped, and may go on: %v", s.Title, name(d.id), err)
		return
	}
	x.log(backend.LevelWarn, "%s: the deployment %s has ended as %s", s.Title, name(d.id), d.state)
}

// standing says what a cancelled job leaves.
func (x *deployer) standing() {
	x.mu.Lock()
	made, total := x.made, len(x.outcomes)
	x.mu.Unlock()
	x.log(backend.LevelWarn, "cancelled: %d of %d resources were made or changed and stand; run the command again to go on, or take back what this run created: atg create-tenant --rollback %s", made, total, x.Job)
}
