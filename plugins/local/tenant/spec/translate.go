package spec

import (
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/secrets"
)

// Places say where a specification is to be. What is empty is where it was, or a GUID that follows from its name.
type Places struct {
	TenantID      string
	Subscriptions map[string]string // the id to use, by Subscription.Name
	Principals    map[string]string // object ids, by kind and name: user:Alice
}

// translator turns references into ids.
type translator struct {
	x      *index
	tenant string
	subs   map[*Subscription]string
	people map[*Principal]string
	ids    map[*Resource]string
	within map[*Resource]bool
}

func (s *Spec) translator(x *index, p Places) *translator {
	t := &translator{
		x: x, tenant: first(p.TenantID, s.TenantID, GUID("tenant:"+s.Name)), subs: map[*Subscription]string{}, people: map[*Principal]string{},
		ids: make(map[*Resource]string, len(s.Resources)), within: map[*Resource]bool{},
	}
	for _, sub := range s.Subscriptions {
		t.subs[sub] = strings.ToLower(first(p.Subscriptions[sub.Name], sub.ID, GUID("subscription:"+strings.ToLower(sub.Name))))
	}
	for _, one := range s.Principals {
		key := string(one.Kind) + ":" + one.Name
		t.people[one] = first(p.Principals[key], one.ID, GUID(strings.ToLower(key)))
	}
	return t
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// groupID is the id of a resource group, with the name as it is given.
func (t *translator) groupID(s *Subscription, name string) string {
	return "/subscriptions/" + t.subs[s] + "/resourceGroups/" + name
}

// id is the ARM id of a resource.
func (t *translator) id(r *Resource) string {
	if id, ok := t.ids[r]; ok {
		return id
	}
	if t.within[r] { // two extensions of each other, which lint tells
		return ""
	}
	t.within[r] = true
	defer delete(t.within, r)
	scope := ""
	switch {
	case r.Scope != "":
		scope, _, _ = t.text(r.Scope)
		scope = strings.TrimRight(scope, "/")
	case r.Group != nil:
		scope = t.groupID(r.Group.Subscription, r.Group.Name)
	case r.Subscription != nil:
		scope = "/subscriptions/" + t.subs[r.Subscription]
	}
	id := scope + "/providers/" + tail(r.Type, r.Name)
	t.ids[r] = id
	return id
}

// refError is what is wrong with a reference.
type refError struct {
	kind, arg string
	message   string
}

func (e *refError) Error() string { return e.message }

// text resolves the references of a text. One with a secret in it is answered as what secrets.Placeholder makes of it: secret is then true.
// What cannot be resolved is left as it is; the first of it is the error, a *TextError or *refError.
func (t *translator) text(text string) (resolved string, secret bool, err error) {
	if !strings.Contains(text, "${") {
		return text, false, nil
	}
	pieces, err := Split(text)
	if err != nil {
		return text, false, err
	}
	for i, p := range pieces {
		switch p.Kind {
		case "":
		case RefSecret:
			secret = true
		default:
			value, wrong := t.reference(p)
			if wrong != nil && err == nil {
				err = wrong
			}
			pieces[i] = Piece{Literal: value}
		}
	}
	if secret {
		return secrets.Placeholder(Join(pieces)), true, err
	}
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.Literal)
	}
	return b.String(), false, err
}

// reference is what a reference stands for.
func (t *translator) reference(p Piece) (string, error) {
	fail := func(format string, args ...any) (string, error) {
		return "", &refError{p.Kind, p.Arg, fmt.Sprintf(format, args...)}
	}
	switch p.Kind {
	case RefTenant:
		return t.tenant, nil
	case RefSubscription:
		s := t.x.subscriptions[strings.ToLower(UnescapeName(p.Arg))]
		if s == nil {
			return fail("there is no subscription %q", short(UnescapeName(p.Arg)))
		}
		return t.subs[s], nil
	case RefResourceGroup:
		g, name, why := t.x.groupOf(p.Arg)
		if g == nil {
			return fail("%s", why)
		}
		return t.groupID(g.Subscription, name), nil
	case RefUser, RefGroup, RefService:
		one := t.x.principals[p.Kind+":"+strings.ToLower(UnescapeName(p.Arg))]
		if one == nil {
			return fail("there is no %s %q", strings.ReplaceAll(p.Kind, "_", " "), short(UnescapeName(p.Arg)))
		}
		return t.people[one], nil
	}
	id, err := t.resource(p)
	if err != nil {
		return "", err
	}
	switch p.Kind {
	case RefPrincipal:
		return principalID(id), nil
	case RefClient:
		return clientID(id), nil
	}
	return id, nil
}

// resource is the id that a reference to a resource names, cased as the reference is.
func (t *translator) resource(p Piece) (string, error) {
	fail := func(format string, args ...any) (string, error) {
		return "", &refError{p.Kind, p.Arg, fmt.Sprintf(format, args...)}
	}
	at := locate(p.Arg)
	rest := UnescapeName(at.rest)
	switch at.form {
	case inTenant:
		return "/providers/" + rest, nil
	case inSubscription:
		s := t.x.subscriptions[strings.ToLower(UnescapeName(at.sub))]
		if s == nil {
			return fail("there is no subscription %q", short(UnescapeName(at.sub)))
		}
		return "/subscriptions/" + t.subs[s] + "/providers/" + rest, nil
	case inTheGroup:
		arg := at.group
		if at.sub != "" {
			arg = at.sub + "/" + at.group
		}
		g, name, why := t.x.groupOf(arg)
		if g == nil {
			return fail("%s", why)
		}
		return t.groupID(g.Subscription, name) + "/providers/" + rest, nil
	}
	name := UnescapeName(p.Arg)
	r, ok := t.x.short[strings.ToLower(name)]
	switch {
	case !ok:
		return fail("there is no resource %q", short(name))
	case r == nil:
		return fail("several resources are called %q: write GROUP/TYPE/NAME", short(name))
	}
	id := t.id(r)
	if id == "" {
		return fail("the resource %q extends something that extends it", short(name))
	}
	return id, nil
}

// principalID and clientID are the ids that stand for those of a resource's identity, which Azure makes.
func principalID(id string) string { return GUID("principal:" + strings.ToLower(id)) }

func clientID(id string) string { return GUID("client:" + strings.ToLower(id)) }
