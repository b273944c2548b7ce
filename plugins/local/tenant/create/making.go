package create

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	// directoryLooks is how often what was made a moment ago is looked for: the directory finds it after some seconds.
	directoryLooks = 8
	// directoryAtOnce is how much is written at once: Microsoft Graph counts writes of its own.
	directoryAtOnce = 8
)

// makePeople makes those that are not there, users first, then groups, applications with their service principals, and in the end who is
// a member of what. again says that an earlier attempt may have made some of them.
func (r *run) makePeople(ctx context.Context, ps *people, again bool) error {
	var work []*person
	for _, p := range ps.all {
		if p.line.Action == actionCreate || len(p.joins) > 0 {
			work = append(work, p)
		}
	}
	if len(work) == 0 {
		return nil
	}
	r.beginWith(phasePeople, len(work), "identities")
	each := func(do func(ctx context.Context, p *person) error, which func(p *person) bool) error {
		g, group := errgroup.WithContext(ctx)
		g.SetLimit(directoryAtOnce)
		for _, p := range work {
			if !which(p) {
				continue
			}
			g.Go(func() error {
				err := do(group, p)
				if err != nil && group.Err() == nil {
					p.failed = peopleFault(p, err)
					r.log(backend.LevelError, "%s: %v", p, p.failed)
					return nil
				}
				return err
			})
		}
		return g.Wait()
	}
	for _, kind := range []spec.PrincipalKind{spec.User, spec.EntraGroup, spec.ServicePrincipal} {
		if err := each(func(ctx context.Context, p *person) error {
			defer r.step()
			return r.makeOne(ctx, p, again)
		}, func(p *person) bool { return p.Kind == kind && p.line.Action == actionCreate }); err != nil {
			return err
		}
	}
	return each(func(ctx context.Context, p *person) error { return r.join(ctx, ps, p) },
		func(p *person) bool { return p.found.ID != "" && len(p.joins) > 0 })
}

// peopleFault is a refusal of Microsoft Graph's, with the way out.
func peopleFault(p *person, err error) *fault.Fault {
	f := *fault.Of(err)
	f.Resource = p.String()
	if f.Code == fault.AzureForbidden {
		f.Hint = "have an administrator grant " + kinds[p.Kind].write + ", as docs/permissions.md says"
	}
	return &f
}

// makeOne makes one. A call whose answer was lost may have made it: then it is looked for before it is made again.
func (r *run) makeOne(ctx context.Context, p *person, again bool) error {
	const attempts = 3
	for attempt := 1; ; attempt++ {
		if again {
			switch found, err := r.awaitOwn(ctx, p); {
			case err != nil:
				return err
			case found != nil:
				p.found = *found
				return nil
			}
		}
		err := r.create1(ctx, p)
		if err == nil {
			r.log(backend.LevelInfo, "made the %s", p)
			return nil
		}
		if again && azure.HasCode(err, "ObjectConflict") { // it was found late
			if found, _ := r.own(ctx, p, r.Job); found != nil {
				p.found = *found
				return nil
			}
		}
		if !azure.IsUncertain(err) || attempt == attempts {
			return err
		}
		again = true
	}
}

// create1 makes one, once.
func (r *run) create1(ctx context.Context, p *person) error {
	switch p.Kind {
	case spec.User:
		password, _ := r.password(p)
		body := map[string]any{
			"accountEnabled": true, "displayName": p.DisplayName(), "userPrincipalName": p.Text("user_principal_name"), "mailNickname": r.nickname(p),
			"passwordProfile": map[string]any{"forceChangePasswordNextSignIn": true, "password": password},
		}
		optional(body, "jobTitle", p.Text("job_title"))
		optional(body, "department", p.Text("department"))
		optional(body, "mail", p.Text("email_address"))
		return r.post(ctx, "/users", body, azure.PermissionWriteUsers, &p.found)
	case spec.EntraGroup:
		unified := isUnified(p)
		body := map[string]any{"displayName": p.DisplayName(), "mailNickname": r.nickname(p), "mailEnabled": unified, "securityEnabled": !unified}
		if unified {
			body["groupTypes"] = []string{"Unified"}
		}
		optional(body, "description", p.Text("description"))
		return r.post(ctx, "/groups", body, azure.PermissionWriteGroups, &p.found)
	}
	tags, app := []string{r.mark()}, object{AppID: p.Text("app_id")}
	if app.AppID == "" {
		own, err := r.ownApplication(ctx, p)
		if err != nil {
			return err
		}
		if own != nil {
			app = *own
		} else if err := r.post(ctx, "/applications", map[string]any{"displayName": p.DisplayName(), "signInAudience": "AzureADMyOrg", "tags": tags}, azure.PermissionWriteApplications, &app); err != nil {
			return err
		}
	}
	return r.patiently(ctx, func() error { // the application may not be found at once
		return r.post(ctx, "/servicePrincipals", map[string]any{"appId": app.AppID, "tags": tags}, azure.PermissionWriteApplications, &p.found)
	}, "NoBackingApplicationObject")
}

func optional(body map[string]any, name, text string) {
	if text != "" {
		body[name] = text
	}
}

func isUnified(p *person) bool {
	switch strings.ToLower(p.Text("group_type")) {
	case "unified", "microsoft365", "microsoft 365", "m365":
		return true
	}
	return false
}

func (r *run) post(ctx context.Context, path string, body map[string]any, permission string, into *object) error {
	content, err := json.Marshal(body)
	if err != nil {
		return fault.New(fault.Internal, "the request cannot be written", fault.On(path), fault.Because(err))
	}
	a, err := r.session.SendDirectory(ctx, azure.DirectoryRequest{Method: http.MethodPost, Path: path, Body: content, Permission: permission})
	if err != nil || into == nil {
		return err
	}
	return unmarshal(path, a.Body, into)
}

// patiently tries something again while what it needs is not found, or Microsoft Graph says one of some codes.
func (r *run) patiently(ctx context.Context, do func() error, codes ...string) error {
	wait, most := r.looks()
	for look := 1; ; look++ {
		err := do()
		if err == nil || look == directoryLooks || !azure.IsNotFound(err) && !azure.HasCode(err, codes...) {
			return err
		}
		r.waiting(azure.Wait{Reason: "the directory does not find yet what was made", For: wait})
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait = min(wait*2, most)
	}
}

// join makes members of a group.
func (r *run) join(ctx context.Context, ps *people, p *person) error {
	var mu sync.Mutex
	var lacking []string
	for _, placeholder := range p.joins {
		id := placeholder
		if other := ps.by[strings.ToLower(placeholder)]; other != nil {
			if id = other.found.ID; id == "" {
				mu.Lock()
				lacking = append(lacking, other.Name)
				mu.Unlock()
				continue
			}
		}
		err := r.patiently(ctx, func() error {
			return r.post(ctx, "/groups/"+p.found.ID+"/members/$ref", map[string]any{"@odata.id": r.session.DirectoryObject(id)}, azure.PermissionWriteGroups, nil)
		})
		if said := azure.RefusalOf(err); said != nil && strings.Contains(said.Message, "already exist") {
			err = nil
		}
		if err != nil {
			return err
		}
	}
	if len(lacking) > 0 {
		return fault.New(fault.ExecutionFailed, "its members "+strings.Join(lacking, ", ")+" could not be made")
	}
	return nil
}

// mark is what tells that this run has made something.
func (r *run) mark() string { return "atg-job-" + keyOf(r.Job) }

// nickname is the mail nickname of a user or group: of a group without one, one that tells which run has made it.
func (r *run) nickname(p *person) string { return nicknameOf(p, r.Job) }

func nicknameOf(p *person, job string) string {
	if given := p.Text("mail_nickname"); given != "" {
		return given
	}
	alias, _, _ := strings.Cut(p.Text("user_principal_name"), "@")
	text := alias
	if p.Kind == spec.EntraGroup {
		text = p.DisplayName()
	}
	text = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_' {
			return c
		}
		return -1
	}, text)
	if p.Kind != spec.EntraGroup {
		return first(text, "user")
	}
	sum := sha256.Sum256([]byte(strings.ToLower(p.Name)))
	return text[:min(len(text), 32)] + "-" + hex.EncodeToString(sum[:3]) + "-" + keyOf(job)
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// password is the first password of a user, who has to change it: a secret, or one that nobody learns.
func (r *run) password(p *person) (value string, lacks []string) {
	text := p.Text("password")
	if text == "" {
		return base64.RawURLEncoding.EncodeToString([]byte(rand.Text())) + "aA1!", nil
	}
	value, _ = spec.Fill(text, func(name string) (string, error) { // the specification was checked
		v := r.getenv(variable(name))
		if v == "" {
			lacks = append(lacks, variable(name))
		}
		return v, nil
	})
	return value, lacks
}

func (r *run) passwordLacks(p *person) []string {
	_, lacks := r.password(p)
	return lacks
}

// awaitOwn looks for what an earlier call of this run may have made, until the directory would find it.
func (r *run) awaitOwn(ctx context.Context, p *person) (*object, error) {
	wait, most := r.looks()
	for look := 1; ; look++ {
		found, err := r.own(ctx, p, r.Job)
		if err != nil || found != nil || look == directoryLooks/2 {
			return found, err
		}
		if err := pause(ctx, wait); err != nil {
			return nil, err
		}
		wait = min(wait*2, most)
	}
}

// own is what a job has made for one of its people; nil if there is none, or if somebody else has made it.
func (r *run) own(ctx context.Context, p *person, job string) (*object, error) {
	kind := kinds[p.Kind]
	var all []object
	var err error
	switch p.Kind {
	case spec.User:
		var one object
		if err = r.object(ctx, "/users/"+url.PathEscape(p.Text("user_principal_name")), kind.properties, kind.read, &one); azure.IsNotFound(err) {
			return nil, nil
		}
		all = []object{one}
	case spec.EntraGroup:
		all, err = r.objects(ctx, kind.path, kind.properties, "mailNickname eq "+literal(nicknameOf(p, job)), kind.read)
		all = slices.DeleteFunc(all, func(o object) bool { return o.Name != p.DisplayName() })
	default:
		if app := p.Text("app_id"); app != "" {
			var one object
			if err = r.object(ctx, kind.path+"(appId='"+url.PathEscape(app)+"')", kind.properties, kind.read, &one); azure.IsNotFound(err) {
				return nil, nil
			}
			all = []object{one}
		} else {
			all, err = r.objects(ctx, kind.path, kind.properties, "displayName eq "+literal(p.DisplayName()), kind.read)
		}
		all = slices.DeleteFunc(all, func(o object) bool { return !slices.Contains(o.Tags, "atg-job-"+keyOf(job)) })
		if err == nil && len(all) > 0 {
			return &all[0], nil
		}
	}
	if err != nil {
		return nil, err
	}
	for i := range all {
		if made, err := time.Parse(time.RFC3339, all[i].Created); err == nil && !made.Before(r.since.Add(-time.Minute)) {
			return &all[i], nil
		}
	}
	return nil, nil
}

// ownApplication is the application that this run has made for a service principal; nil if it has made none.
func (r *run) ownApplication(ctx context.Context, p *person) (*object, error) {
	return r.applicationOf(ctx, p, r.Job)
}

func (r *run) applicationOf(ctx context.Context, p *person, job string) (*object, error) {
	all, err := r.objects(ctx, "/applications", "id,appId,displayName,tags", "displayName eq "+literal(p.DisplayName()), azure.PermissionApplications)
	for i := range all {
		if slices.Contains(all[i].Tags, "atg-job-"+keyOf(job)) {
			return &all[i], nil
		}
	}
	return nil, err
}
