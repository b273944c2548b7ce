package create

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// person is a user, a group, or a service principal of a specification.
type person struct {
	*spec.Principal
	placeholder string   // what stands for its object id until it has one
	members     []string // of a group: object ids, or what stands for them
	found       object   // what is there of it; without an id, it is not there
	line        backend.PlannedChange
	joins       []string // members that it lacks
	failed      *fault.Fault
}

// object is an object of the directory.
type object struct {
	ID       string   `json:"id"`
	AppID    string   `json:"appId"`
	Name     string   `json:"displayName"`
	Nickname string   `json:"mailNickname"`
	Created  string   `json:"createdDateTime"`
	Tags     []string `json:"tags"`
}

// people are those of a specification. The zero value has none.
type people struct {
	all []*person
	by  map[string]*person // by placeholder, in lower case
}

// words are what people call the kinds.
var words = map[spec.PrincipalKind]string{spec.User: "user", spec.EntraGroup: "group", spec.ServicePrincipal: "service principal"}

// kinds are how Microsoft Graph has them: where they are, and what it takes to make them.
var kinds = map[spec.PrincipalKind]struct{ path, read, write, properties string }{
	spec.User:             {"/users", azure.PermissionUsers, azure.PermissionWriteUsers, "id,displayName,mailNickname,createdDateTime"},
	spec.EntraGroup:       {"/groups", azure.PermissionGroups, azure.PermissionWriteGroups, "id,displayName,mailNickname,createdDateTime"},
	spec.ServicePrincipal: {"/servicePrincipals", azure.PermissionApplications, azure.PermissionWriteApplications, "id,appId,displayName,createdDateTime,tags"},
}

func newPeople(given []spec.Given) *people {
	ps := &people{by: map[string]*person{}}
	for _, g := range given {
		p := &person{Principal: g.Principal, placeholder: strings.ToLower(g.ObjectID), members: g.Members}
		p.line = backend.PlannedChange{Resource: g.Name, Type: string(g.Kind), Action: actionExists}
		if !g.Known {
			p.refuse("this makes nothing in Microsoft Entra ID: say --create-identities, or write its object id into the specification")
		}
		ps.all = append(ps.all, p)
		ps.by[p.placeholder] = p
	}
	return ps
}

func (p *person) refuse(format string, args ...any) {
	p.line.Action, p.line.Properties, p.line.Reason = actionUnsupported, nil, fmt.Sprintf(format, args...)
}

func (p *person) String() string { return words[p.Kind] + " " + p.Name }

// ids are the object ids of those who are there, as places of a specification have them.
func (ps *people) ids() map[string]string {
	ids := map[string]string{}
	for _, p := range ps.all {
		if p.found.ID != "" {
			ids[string(p.Kind)+":"+p.Name] = p.found.ID
		}
	}
	return ids
}

// lookUp finds who of them is in the directory, and says what would be done with each.
func (ps *people) lookUp(ctx context.Context, r *run) error {
	if !r.session.HasDirectory() {
		for _, p := range ps.all {
			if p.line.Action == actionUnsupported {
				p.refuse("no address of Microsoft Graph is configured for this cloud")
			}
		}
		return nil
	}
	r.beginWith(phaseDirectory, len(ps.all), "identities")
	var mu sync.Mutex
	var problems []fault.Problem
	each := func(do func(ctx context.Context, p *person) error) error {
		g, group := errgroup.WithContext(ctx)
		g.SetLimit(r.parallel())
		for _, p := range ps.all {
			g.Go(func() error {
				err := do(group, p)
				var ambiguous *ambiguity
				switch {
				case asAmbiguity(err, &ambiguous):
					mu.Lock()
					defer mu.Unlock()
					problems = append(problems, fault.Problem{Key: p.Name, Message: ambiguous.Error(), Hint: "write its object id into the specification", Line: int(p.At.Line), Column: int(p.At.Column)})
					return nil
				case fault.CodeOf(err) == fault.AzureForbidden:
					p.refuse("Microsoft Graph refuses to tell of it: the permission %s is missing", kinds[p.Kind].read)
					return nil
				}
				return err
			})
		}
		return g.Wait()
	}
	if err := each(func(ctx context.Context, p *person) error {
		defer r.step()
		return r.findPerson(ctx, p)
	}); err != nil {
		return err
	}
	if len(problems) > 0 {
		slices.SortFunc(problems, func(a, b fault.Problem) int { return a.Line - b.Line })
		return fault.New(fault.InvalidArgument, problems[0].Message, fault.Problems(problems...), fault.Hint("%s", problems[0].Hint))
	}
	if err := ps.checkDomains(ctx, r); err != nil {
		return err
	}
	return each(func(ctx context.Context, p *person) error { return r.lacks(ctx, ps, p) })
}

// checkDomains refuses new users of domains that the tenant does not have, where the credential may read which it has.
func (ps *people) checkDomains(ctx context.Context, r *run) error {
	isNew := func(p *person) bool { return p.Kind == spec.User && p.line.Action == actionCreate }
	if !slices.ContainsFunc(ps.all, isNew) {
		return nil
	}
	const path = "/organization"
	a, err := r.session.SendDirectory(ctx, azure.DirectoryRequest{Method: http.MethodGet, Path: path, Query: url.Values{"$select": {"verifiedDomains"}}, Permission: "Organization.Read.All"})
	if fault.CodeOf(err) == fault.AzureForbidden {
		return nil // Microsoft Graph tells when they are made
	}
	if err != nil {
		return err
	}
	var page struct {
		Value []struct {
			VerifiedDomains []struct{ Name string } `json:"verifiedDomains"`
		} `json:"value"`
	}
	if err := unmarshal(path, a.Body, &page); err != nil || len(page.Value) == 0 {
		return err
	}
	var known []string
	for _, d := range page.Value[0].VerifiedDomains {
		known = append(known, d.Name)
	}
	for _, p := range ps.all {
		_, domain, _ := strings.Cut(p.Text("user_principal_name"), "@")
		if isNew(p) && !slices.ContainsFunc(known, func(d string) bool { return strings.EqualFold(d, domain) }) {
			p.refuse("%q is none of the domains of this tenant, which are %s", domain, oneLine(strings.Join(known, ", ")))
		}
	}
	return nil
}

// ambiguity is that several objects have a name.
type ambiguity struct{ what string }

func (a *ambiguity) Error() string { return a.what }

func asAmbiguity(err error, into **ambiguity) bool {
	a, ok := err.(*ambiguity) //nolint:errorlint // it is never wrapped
	*into = a
	return ok
}

// findPerson looks for one: by its object id, else by what is unique, else by its name.
func (r *run) findPerson(ctx context.Context, p *person) error {
	kind := kinds[p.Kind]
	p.line.Action, p.line.Reason = actionExists, ""
	keys := []string{}
	if p.ID != "" {
		keys = append(keys, kind.path+"/"+url.PathEscape(p.ID))
	}
	if upn := p.Text("user_principal_name"); p.Kind == spec.User && upn != "" {
		keys = append(keys, kind.path+"/"+url.PathEscape(upn))
	}
	if app := p.Text("app_id"); p.Kind == spec.ServicePrincipal && app != "" {
		keys = append(keys, kind.path+"(appId='"+url.PathEscape(app)+"')")
	}
	for _, key := range keys {
		if err := r.object(ctx, key, kind.properties, kind.read, &p.found); err == nil || !azure.IsNotFound(err) {
			return err
		}
	}
	filter := ""
	switch {
	case p.Kind == spec.User:
	case p.Kind == spec.EntraGroup && p.Text("mail_nickname") != "":
		filter = "mailNickname eq " + literal(p.Text("mail_nickname"))
	case p.Kind == spec.ServicePrincipal && p.Text("app_id") != "":
	default:
		filter = "displayName eq " + literal(p.DisplayName())
	}
	if filter != "" {
		all, err := r.objects(ctx, kind.path, kind.properties, filter, kind.read)
		if err != nil {
			return err
		}
		switch len(all) {
		case 0:
		case 1:
			p.found = all[0]
			return nil
		default:
			return &ambiguity{fmt.Sprintf("several %ss are called %q", words[p.Kind], p.DisplayName())}
		}
	}
	if p.Kind == spec.User && p.Text("user_principal_name") == "" {
		p.refuse("it has no user_principal_name, which a new user needs")
		return nil
	}
	if p.Kind == spec.User && strings.Contains(p.Text("user_principal_name"), "#EXT#") {
		p.refuse("it is a guest: invite it")
		return nil
	}
	p.line.Action, p.line.Reason = actionCreate, p.notSet()
	if missing := r.passwordLacks(p); len(missing) > 0 {
		p.refuse("a secret has no value: set %s in the environment of the backend", strings.Join(missing, ", "))
	}
	return nil
}

// notSet says what a specification may say of one and nobody sets; empty is nothing.
func (p *person) notSet() string {
	var names []string
	for _, f := range p.Fields.Fields {
		if slices.Contains([]string{"manager_id", "mfa_enabled", "api_permissions"}, f.Name) {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "not set: " + strings.Join(names, ", ")
}

// lacks says which members a group lacks.
func (r *run) lacks(ctx context.Context, ps *people, p *person) error {
	if p.Kind != spec.EntraGroup || p.line.Action == actionUnsupported || len(p.members) == 0 {
		return nil
	}
	there := map[string]bool{}
	if p.found.ID != "" {
		var err error
		if there, err = r.membersOf(ctx, p.found.ID); err != nil {
			return err
		}
	}
	var names, reasons []string
	for i, placeholder := range p.members {
		id := strings.ToLower(placeholder)
		if other := ps.by[id]; other != nil && other.found.ID != "" {
			id = strings.ToLower(other.found.ID)
		}
		switch other := ps.by[strings.ToLower(placeholder)]; {
		case there[id]:
		case other != nil && other.line.Action == actionUnsupported:
			reasons = append(reasons, "its member "+other.Name+" cannot be made")
		case strings.HasPrefix(p.Members[i], "${principal_id:"):
			reasons = append(reasons, "its member "+p.Members[i]+" is an identity that Azure makes with a resource: add it once that is there")
		default:
			p.joins = append(p.joins, placeholder)
			names = append(names, "members."+memberName(ps, placeholder))
		}
	}
	if p.found.ID != "" && len(names) > 0 {
		slices.Sort(names)
		p.line.Action, p.line.Properties = actionDiffers, names
	}
	if len(reasons) > 0 {
		p.line.Reason = strings.Join(reasons, "; ")
	}
	return nil
}

// memberName is what a plan calls a member.
func memberName(ps *people, placeholder string) string {
	if p := ps.by[strings.ToLower(placeholder)]; p != nil {
		return p.Name
	}
	return placeholder
}

// literal is a text in a filter of Microsoft Graph's.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// object reads one object.
func (r *run) object(ctx context.Context, path, properties, permission string, into *object) error {
	a, err := r.session.SendDirectory(ctx, azure.DirectoryRequest{Method: http.MethodGet, Path: path, Query: url.Values{"$select": {properties}}, Permission: permission})
	if err != nil {
		return err
	}
	return unmarshal(path, a.Body, into)
}

// objects reads those of a collection that a filter finds, some of them where there are very many.
func (r *run) objects(ctx context.Context, path, properties, filter, permission string) ([]object, error) {
	a, err := r.session.SendDirectory(ctx, azure.DirectoryRequest{Method: http.MethodGet, Path: path, Query: url.Values{"$select": {properties}, "$filter": {filter}}, Permission: permission})
	if err != nil {
		return nil, err
	}
	var page struct {
		Value []object `json:"value"`
	}
	return page.Value, unmarshal(path, a.Body, &page)
}

// membersOf are the object ids of the members of a group, in lower case.
func (r *run) membersOf(ctx context.Context, id string) (map[string]bool, error) {
	all, page := map[string]bool{}, azure.Page[string]{}
	return all, azure.ReadDirectory(ctx, r.session, azure.DirectoryQuery{Path: "/groups/" + id + "/members", Select: []string{"id"}, Cast: true, Permission: azure.PermissionGroups}, azure.Reader[string]{
		New: func(context.Context) (*azure.Page[string], error) { return &page, nil },
		Set: func(into *string, c azure.Column) error {
			if string(c.Name) == "id" {
				return json.Unmarshal(c.Value, into)
			}
			return nil
		},
		Take: func(p *azure.Page[string]) error {
			for i := range p.Rows {
				all[strings.ToLower(p.Rows[i])] = true
			}
			return nil
		},
	})
}

func unmarshal(path string, content []byte, into any) error {
	if err := json.Unmarshal(content, into); err != nil {
		return fault.New(fault.ExecutionFailed, "Microsoft Graph's answer cannot be read", fault.On(path), fault.From(fault.OriginAzure), fault.Because(err))
	}
	return nil
}
