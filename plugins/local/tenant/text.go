package tenant

import (
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/pseudonym"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
)

// texts turns what the template says into texts of a specification.
type texts struct {
	tenant   *template.Parameter
	tenantID string                         // in lower case
	subs     map[*template.Parameter]string // the id, in lower case
	names    map[string]string              // of subscriptions, by id in lower case: as the specification calls them
	groups   map[string]int                 // how many subscriptions have a group, by its name in lower case
	secret   func(*template.Parameter) string
	people   *people
	anon     *pseudonym.Pseudonyms // nil keeps everything
}

// plain is text without references: parameters are what they stand for.
func plainText(parts []template.Part) string {
	if len(parts) == 1 && parts[0].Parameter == nil && parts[0].Ref == nil {
		return parts[0].Literal
	}
	var b strings.Builder
	for _, p := range parts {
		switch {
		case p.Parameter != nil:
			b.WriteString(p.Parameter.Default)
		case p.Ref != nil && p.Ref.Existing != nil:
			b.WriteString(plainText(p.Ref.Existing.ID))
		case p.Ref != nil:
			b.WriteString(plainText(p.Ref.ID))
		default:
			b.WriteString(p.Literal)
		}
	}
	return b.String()
}

// text is text as it is written.
func (x *texts) text(parts []template.Part) string {
	if len(parts) == 1 && parts[0].Parameter == nil && parts[0].Ref == nil {
		if who := x.people.reference(parts[0].Literal); who != nil {
			return spec.Join(who)
		}
	}
	return spec.Join(x.pieces(parts))
}

func (x *texts) pieces(parts []template.Part) []spec.Piece {
	var all []spec.Piece
	for _, p := range parts {
		switch {
		case p.Parameter != nil:
			if given := placeholder(p.Parameter); given != nil && x.anon == nil {
				all = append(all, given...)
				continue
			}
			all = append(all, x.parameter(p.Parameter))
		case p.Ref != nil:
			all = append(all, x.reference(p.Ref)...)
		default:
			all = append(all, spec.Piece{Literal: p.Literal})
		}
	}
	return all
}

func (x *texts) parameter(p *template.Parameter) spec.Piece {
	switch id, isSub := x.subs[p]; {
	case p.Secret:
		return spec.Piece{Kind: spec.RefSecret, Arg: x.secret(p)}
	case isSub:
		return spec.Piece{Kind: spec.RefSubscription, Arg: spec.EscapeName(x.names[id], false)}
	case p == x.tenant:
		return spec.Piece{Kind: spec.RefTenant}
	}
	return spec.Piece{Literal: p.Default}
}

// reference is a reference to a resource: of one that the specification has by its path, of every other one by its id.
func (x *texts) reference(r *template.Ref) []spec.Piece {
	if r.Node == template.NoNode {
		return x.pieces(r.ID)
	}
	id := plainText(r.ID)
	if strings.Contains(strings.ToLower(id), "/providers/microsoft.authorization/roleassignments/") { // which has no path
		return x.pieces(r.ID)
	}
	piece := x.path(id)
	switch {
	case r.Property == "properties.clientId":
		piece.Kind = spec.RefClient
	case r.Property != "":
		piece.Kind = spec.RefPrincipal
	}
	return []spec.Piece{piece}
}

// path is the reference to the resource or resource group with an id.
func (x *texts) path(id string) spec.Piece {
	if x.anon != nil {
		id = x.anon.ID(id)
	}
	s := strings.SplitN(id, "/", 6)
	if len(s) < 3 || !strings.EqualFold(s[1], "subscriptions") {
		return spec.Piece{Kind: spec.RefResource, Arg: spec.EscapeName(id[min(len("/providers"), len(id)):], false)}
	}
	sub := spec.EscapeName(x.names[strings.ToLower(s[2])], true)
	if len(s) < 5 || !strings.EqualFold(s[3], "resourceGroups") {
		return spec.Piece{Kind: spec.RefResource, Arg: sub + "//" + spec.EscapeName(strings.Join(s[4:], "/"), false)}
	}
	group := spec.EscapeName(s[4], true)
	if x.groups[strings.ToLower(s[4])] > 1 {
		group = sub + "/" + group
	}
	if len(s) == 5 {
		return spec.Piece{Kind: spec.RefResourceGroup, Arg: group}
	}
	return spec.Piece{Kind: spec.RefResource, Arg: group + "/" + spec.EscapeName(s[5][min(len("providers/"), len(s[5])):], false)}
}

// id is an id as it is written where it is no reference: with the subscription's name.
func (x *texts) id(id string) string {
	s := strings.SplitN(id, "/", 4)
	if len(s) < 3 || !strings.EqualFold(s[1], "subscriptions") || x.names[strings.ToLower(s[2])] == "" {
		return spec.Escape(id)
	}
	pieces := []spec.Piece{{Literal: "/subscriptions/"}, {Kind: spec.RefSubscription, Arg: spec.EscapeName(x.names[strings.ToLower(s[2])], false)}}
	if len(s) == 4 {
		pieces = append(pieces, spec.Piece{Literal: "/" + s[3]})
	}
	return spec.Join(pieces)
}
