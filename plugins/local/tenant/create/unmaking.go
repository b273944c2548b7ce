package create

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// personOf is one of whom a journal tells, as far as that is needed to find it.
func personOf(path string) *person {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, s := range segments {
		if text, err := url.PathUnescape(s); err == nil {
			segments[i] = text
		}
	}
	segments = append(segments, "", "")
	p := &spec.Principal{Name: segments[1], Fields: spec.Value{Kind: template.Map}}
	set := func(name, text string) {
		p.Fields.Fields = append(p.Fields.Fields, spec.Field{Name: name, Value: spec.Value{Kind: template.String, Text: text}})
	}
	switch segments[0] {
	case "users":
		p.Kind = spec.User
		set("user_principal_name", segments[1])
	case "groups":
		p.Kind = spec.EntraGroup
		set("mail_nickname", segments[2])
	default:
		p.Kind = spec.ServicePrincipal
		set("app_id", segments[2])
	}
	return &person{Principal: p}
}

// examinePerson looks for one that the run created. What has its name and is older, or has not the run's mark, is another one.
func (r *run) examinePerson(ctx context.Context, m *removal) error {
	found, err := r.own(ctx, m.who, r.Request.RollbackJob)
	if err != nil {
		return err
	}
	if found != nil {
		m.who.found = *found
	} else if m.who.Kind == spec.ServicePrincipal && m.who.Text("app_id") == "" { // without its service principal
		if found, err = r.applicationOf(ctx, m.who, r.Request.RollbackJob); err != nil {
			return err
		}
	}
	m.gone = found == nil
	return nil
}

// removePerson deletes one. An application takes its service principal with it.
func (r *run) removePerson(ctx context.Context, m *removal) error {
	path, id := kinds[m.who.Kind].path, m.who.found.ID
	if m.who.Kind == spec.ServicePrincipal && m.who.Text("app_id") == "" {
		app, err := r.applicationOf(ctx, m.who, r.Request.RollbackJob)
		if err != nil {
			return err
		}
		if app != nil {
			path, id = "/applications", app.ID
		}
	}
	if id != "" {
		_, err := r.session.SendDirectory(ctx, azure.DirectoryRequest{Method: http.MethodDelete, Path: path + "/" + url.PathEscape(id), Permission: kinds[m.who.Kind].write})
		if err != nil && !azure.IsNotFound(err) {
			return peopleFault(m.who, err)
		}
	}
	r.log(backend.LevelInfo, "removed the %s", m.who)
	r.step()
	return nil
}
