package create

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/arm"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	// preflightRounds is how often Azure is asked at most: once what it refuses is left out, it may find something else. What it
	// refuses in the last round goes with its whole deployment.
	preflightRounds = 6
	// preflightAtOnce is how many deployments are validated at once, and preflightMade how many of them are made at once, each of which takes some MB
	// of memory meanwhile, on all cores.
	preflightAtOnce, preflightMade = 4, 1
)

// preflight asks Azure, before anything is written, whether it would take the deployments of a plan. What it refuses cannot be made, for the
// reason that Azure tells, nor can what needs that.
func (r *run) preflight(ctx context.Context, d *desired, p *plan) error {
	r.Azure.Close() // planning asked much more at once
	for round := 1; round <= preflightRounds; round++ {
		var only map[string]bool // nil is all, as the plan has it
		built := p.whole
		if n := p.count(); n == 0 {
			break
		} else if n < len(p.all) || round > 1 {
			only = p.selected()
			var err error
			if built, err = d.build(ctx, only); err != nil {
				return err
			}
		}
		refused, err := r.validate(ctx, p, built.Template, only, round == preflightRounds)
		if err != nil {
			return err
		}
		if len(refused) == 0 {
			break
		}
		p.refuse(refused)
	}
	p.whole = nil
	p.seal(r.tenant)
	return nil
}

// refusal is why Azure would not take a resource.
type refusal struct{ code, reason string }

// refuse notes what Azure refuses, by id in lower case.
func (p *plan) refuse(refused map[string]refusal) {
	for n := range p.all {
		if why, ok := refused[strings.ToLower(p.changes[n].Resource)]; ok && p.writes(n) {
			p.refused[template.Node(n)] = why.code
			p.changes[n].Action, p.changes[n].Properties, p.changes[n].Reason = actionUnsupported, nil, why.reason
		}
	}
	p.spread()
}

// validate asks for each stage of the template of what is to be written, by id in lower case, nil being all; whole refuses all of a stage of which
// Azure refuses something.
func (r *run) validate(ctx context.Context, p *plan, t *template.Template, written map[string]bool, whole bool) (map[string]refusal, error) {
	var mu sync.Mutex
	refused, denied := map[string]refusal{}, false
	r.beginWith(phasePreflight, len(t.Stages), "deployments")
	making := make(chan struct{}, preflightMade)
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(preflightAtOnce)
	for _, s := range t.Stages {
		g.Go(func() error {
			defer r.step()
			before := p.groupsBefore(s, written)
			id, b, err := func() (string, *body, error) {
				making <- struct{}{}
				defer func() { <-making }()
				return r.document(group, t, s, p.location, before...)
			}()
			if err != nil {
				return err
			}
			said, err := r.ask(group, id, b)
			b.close()
			if err != nil && fault.CodeOf(err) == fault.AzureForbidden {
				mu.Lock()
				defer mu.Unlock()
				if !denied {
					r.log(backend.LevelWarn, "Azure was not asked beforehand whether it would take everything: %v", err)
				}
				denied = true
				return nil
			}
			if err != nil || said == nil {
				return err
			}
			about, err := stageContent(group, t, s)
			if err != nil {
				return err
			}
			found, unclear := attribute(said, about, len(before) > 0, whole)
			mu.Lock()
			defer mu.Unlock()
			for key, why := range found {
				refused[key] = why
			}
			if unclear {
				r.log(backend.LevelInfo, "%s: Azure can check it only once the resource groups are there that come before it", s.Title)
			}
			return nil
		})
	}
	return refused, g.Wait()
}

// ask has one deployment validated; nil is that Azure would take it. A refusal is no error.
func (r *run) ask(ctx context.Context, id string, b *body) (*azure.Refusal, error) {
	own, most := r.looks()
	a, err := r.session.Send(ctx, azure.Request{Method: http.MethodPost, Path: id + "/validate", Version: deploymentVersion, Content: b.SectionReader})
	for link := a.Poll; err == nil && a.Status == http.StatusAccepted && link != ""; link = cmp.Or(a.Poll, link) {
		wait := a.Wait
		if wait <= 0 {
			wait, own = own, min(own*2, most)
		}
		if err := pause(ctx, min(wait, pollMost)); err != nil {
			return nil, err
		}
		a, err = r.session.Poll(ctx, id, link)
	}
	if said := azure.RefusalOf(err); said != nil && ctx.Err() == nil {
		return said, nil
	}
	if err != nil {
		return nil, err
	}
	var result struct {
		Error *azure.Refusal `json:"error"`
	}
	if len(a.Body) > 0 {
		if err := json.Unmarshal(a.Body, &result); err != nil {
			return nil, fault.New(fault.ExecutionFailed, "Azure's answer about a deployment cannot be read", fault.On(id), fault.From(fault.OriginAzure), fault.Because(err))
		}
	}
	if result.Error != nil && result.Error.Code == "" && result.Error.Message == "" {
		return nil, nil
	}
	return result.Error, nil
}

// groupsBefore are the resource groups that a stage deploys to and that another stage makes before it. Azure is asked with them.
func (p *plan) groupsBefore(s *template.Stage, written map[string]bool) []arm.Group {
	var all []arm.Group
	for _, u := range s.Units {
		id := scopeText(u.Scope)
		key := strings.ToLower(id)
		region, planned := p.regions[key]
		if planned && u.Scope.Kind == template.ScopeResourceGroup && u.Scope.Group == template.NoNode && (written == nil || written[key]) {
			if g := (arm.Group{Name: name(id), Location: region}); !slices.Contains(all, g) {
				all = append(all, g)
			}
		}
	}
	return all
}

// stageContent are the ids, in lower case, of what a stage deploys.
func stageContent(ctx context.Context, t *template.Template, s *template.Stage) ([]string, error) {
	units, content := s.Units, []string(nil)
	if s.Main != nil {
		units = append(slices.Clone(units), s.Main)
	}
	for _, u := range units {
		if err := t.Each(ctx, u, func(res *template.Resource) error {
			content = append(content, strings.ToLower(res.ID))
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return content, nil
}

// attribute says which resources of a stage Azure's refusal is about: all, where it does not tell. unclear says that it is only about resource
// groups that are not there yet.
func attribute(said *azure.Refusal, content []string, waits, whole bool) (refused map[string]refusal, unclear bool) {
	refused = map[string]refusal{}
	put := func(keys []string, e *azure.Refusal, what string) {
		why := refusal{oneLine(e.Code), "Azure refuses " + what + ": " + wordsOf(e)}
		if hint := hints[e.Code]; hint != "" {
			why.reason += " (" + hint + ")"
		}
		for _, key := range keys {
			if refused[key].code == "" || what == "it" {
				refused[key] = why
			}
		}
	}
	leaves(said, "", func(e *azure.Refusal, target string) {
		if waits && strings.EqualFold(e.Code, "ResourceGroupNotFound") {
			unclear = true
			return
		}
		about := targetsOf(e, target, content)
		if len(about) == 0 || whole {
			put(content, e, "its deployment")
		}
		put(about, e, "it")
	})
	return refused, unclear && len(refused) == 0
}

// leaves hands out the errors in which there are no others, with what they are about.
func leaves(e *azure.Refusal, target string, yield func(e *azure.Refusal, target string)) {
	target = cmp.Or(e.Target, target)
	inner := false
	for i := range e.Details {
		if e.Details[i].Code != "" {
			inner = true
			leaves(&e.Details[i], target, yield)
		}
	}
	if !inner {
		yield(e, target)
	}
}

// targetsOf are the resources, of some, that an error is about: those that its target names, or else its message.
func targetsOf(e *azure.Refusal, target string, content []string) []string {
	target = strings.ToLower(strings.TrimRight(target, "/"))
	if strings.HasPrefix(target, "/") {
		if at := strings.LastIndex(target, "/providers/microsoft.resources/deployments/"); at >= 0 { // a nested one
			if within := matching(content, func(key string) bool { return strings.HasPrefix(key, target[:at]+"/providers/") }); at > 0 && len(within) > 0 {
				return within
			}
		}
		for id := target; strings.Count(id, "/") > 3; id = id[:strings.LastIndexByte(id, '/')] { // a part of a resource is told with it
			if slices.Contains(content, id) {
				return []string{id}
			}
		}
	} else if target != "" {
		if named := matching(content, func(key string) bool { return strings.HasSuffix(key, "/"+target) }); len(named) > 0 {
			return named
		}
	}
	said := strings.ToLower(e.Message)
	return matching(content, func(key string) bool {
		return strings.Contains(said, "'"+key+"'") ||
			strings.Contains(said, "'"+name(key)+"'") && strings.Contains(said, "'"+strings.ToLower(typeOf(key))+"'")
	})
}

func matching(all []string, is func(string) bool) []string {
	var some []string
	for _, one := range all {
		if is(one) {
			some = append(some, one)
		}
	}
	return some
}
