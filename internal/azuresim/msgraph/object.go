package msgraph

import (
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// object answers for one object and what is below it.
func (s *Service) object(r *Request, a *Answer, kind directory.Kind, key string, rest []segment) ([]byte, *failure) {
	if len(rest) > 0 {
		return s.relation(r, a, kind, key, rest)
	}
	switch r.Method {
	case http.MethodPatch:
		return s.update(r, a, kind, key)
	case http.MethodDelete:
		return s.remove(r, a, kind, key)
	case http.MethodGet:
	default:
		return nil, methodNotAllowed()
	}
	if failure := s.require(readKind[kind]); failure != nil {
		return nil, failure
	}
	o, failure := r.options(kind)
	if failure != nil {
		return nil, failure
	}
	object, failure := s.findKeyed(r, kind, key)
	if failure != nil {
		return nil, failure
	}
	return s.entity(r, object, o, kind.Collection()), nil
}

// entity is an object with its context.
func (s *Service) entity(r *Request, object directory.Object, o *options, name string) []byte {
	body := append([]byte(`{"@odata.context":`), encode(r.context(name+selection(o.selected)+"/$entity"))...)
	shown := s.appendObject(nil, object, o, false)
	if len(shown) > 2 {
		body = append(body, ',')
	}
	return append(body, shown[1:]...)
}

// relation answers for members and owners.
func (s *Service) relation(r *Request, a *Answer, kind directory.Kind, key string, rest []segment) ([]byte, *failure) {
	name := strings.ToLower(rest[0].name)
	transitive := name == "transitivemembers"
	relation := directory.Owners
	switch {
	case kind == directory.Group && (name == "members" || transitive):
		relation = directory.Members
	case kind != directory.User && name == "owners":
	default:
		return nil, badRequest("BadRequest", "Resource not found for the segment '"+rest[0].name+"'.")
	}
	if r.Method != http.MethodGet {
		if transitive || !strings.EqualFold(rest[len(rest)-1].name, "$ref") {
			return nil, methodNotAllowed()
		}
		return s.changeLinks(r, a, kind, key, relation, rest)
	}
	if failure := s.require(readKind[kind]); failure != nil {
		return nil, failure
	}
	l := listing{relation: relation, transitive: transitive, advanced: r.advanced(), kinds: directory.Kinds[:]}
	for _, segment := range rest[1:] {
		switch lower := strings.ToLower(segment.name); {
		case lower == "$count":
			l.count = true
		case lower == "$ref":
			l.refs = true
		case strings.HasPrefix(lower, "microsoft.graph."):
			cast, ok := directory.OfName(lower[len("microsoft.graph."):])
			if !ok {
				return nil, unsupported("The cast to '" + segment.name + "' is not supported.")
			}
			l.kinds, l.cast = []directory.Kind{cast}, true
		default:
			return nil, badRequest("BadRequest", "Resource not found for the segment '"+segment.name+"'.")
		}
	}
	if l.cast && !l.advanced && (!l.count || !r.eventual()) {
		return nil, unsupported("OData casts need the header 'ConsistencyLevel: eventual' and the query option $count=true. Refer to https://aka.ms/graph-docs/advanced-queries for more information")
	}
	object, failure := s.findKeyed(r, kind, key)
	if failure != nil {
		return nil, failure
	}
	return s.listLinks(r, a, object, l)
}

// listing is a list of what an object refers to.
type listing struct {
	relation    directory.Relation
	transitive  bool
	kinds       []directory.Kind
	cast        bool
	advanced    bool
	count, refs bool // the number, or the addresses, alone
}

// listLinks lists them. Without an advanced query, members leave service principals out, which the
// documentation calls a known issue of v1.0; with $expand, or as an advanced query, they are there.
// https://learn.microsoft.com/graph/api/group-list-members
func (s *Service) listLinks(r *Request, a *Answer, of directory.Object, l listing) ([]byte, *failure) {
	o, failure := r.options(l.kinds...)
	if failure != nil {
		return nil, failure
	}
	if o.filter != nil && !l.advanced {
		return nil, unsupported("The query option '$filter' needs the header 'ConsistencyLevel: eventual' and the query option $count=true. Refer to https://aka.ms/graph-docs/advanced-queries for more information")
	}
	o.typed = true
	d := s.Directory()
	leftOut := l.relation == directory.Members && !l.advanced && !l.count
	objects := func(from int) iter.Seq2[int, directory.Object] {
		return func(yield func(int, directory.Object) bool) {
			for position, ref := range s.refs(of, l, from) {
				if !slices.Contains(l.kinds, ref.Kind) || leftOut && ref.Kind == directory.ServicePrincipal {
					continue
				}
				object, ok := d.Find(ref.ID)
				if !ok || o.filter != nil && !o.filter.match(object) {
					continue
				}
				if !yield(position, object) {
					return
				}
			}
		}
	}
	if l.count {
		n := 0
		for range objects(0) {
			n++
		}
		return r.plainCount(a, n)
	}
	if l.refs {
		return s.addresses(r, o, objects)
	}
	context := "directoryObjects"
	if l.cast {
		context, o.typed = l.kinds[0].Collection(), false
	}
	return s.page(r, o, context, objects)
}

func (s *Service) refs(of directory.Object, l listing, from int) iter.Seq2[int, directory.Ref] {
	d := s.Directory()
	if l.transitive {
		return d.Transitive(of.ID, from)
	}
	return d.Linked(of.ID, l.relation, from)
}

// addresses are the references of a page.
func (s *Service) addresses(r *Request, o *options, objects func(int) iter.Seq2[int, directory.Object]) ([]byte, *failure) {
	list := []any{}
	answer := map[string]any{"@odata.context": r.context("Collection($ref)")}
	for position, object := range objects(o.from) {
		if len(list) == o.top {
			answer["@odata.nextLink"] = r.nextLink(position)
			break
		}
		list = append(list, map[string]any{"@odata.id": r.Base + "/directoryObjects/" + object.ID})
	}
	answer["value"] = list
	return encode(answer), nil
}

// directoryObjects answers for objects of any kind.
func (s *Service) directoryObjects(r *Request, _ *Answer) ([]byte, *failure) {
	if len(r.segments) != 2 {
		return nil, badRequest("BadRequest", "The request URI is not valid.")
	}
	byIDs := strings.EqualFold(strings.TrimPrefix(strings.ToLower(r.segments[1].name), "microsoft.graph."), "getByIds")
	if byIDs != (r.Method == http.MethodPost) || !byIDs && r.Method != http.MethodGet {
		return nil, methodNotAllowed()
	}
	if failure := s.require(readAnything); failure != nil {
		return nil, failure
	}
	o, failure := r.options(directory.Kinds[:]...)
	if failure != nil {
		return nil, failure
	}
	o.typed = true
	if byIDs {
		return s.getByIDs(r, o)
	}
	object, ok := s.Directory().Find(r.segments[1].name)
	if !ok {
		return nil, notFound(r.segments[1].name)
	}
	return s.entity(r, object, o, "directoryObjects"), nil
}

const maxIDs = 1000

// getByIDs answers with those of many objects that exist.
// https://learn.microsoft.com/graph/api/directoryobject-getbyids
func (s *Service) getByIDs(r *Request, o *options) ([]byte, *failure) {
	var form struct{ IDs, Types []string }
	if err := json.Unmarshal(r.Body, &form); err != nil {
		return nil, badRequest("BadRequest", "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")
	}
	if form.IDs == nil {
		return nil, invalid("The required parameter 'ids' is missing.")
	}
	if len(form.IDs) > maxIDs {
		return nil, invalid(fmt.Sprintf("Too many object identifiers: %d. Max supported: %d.", len(form.IDs), maxIDs))
	}
	wanted := map[directory.Kind]bool{}
	for _, name := range form.Types {
		if strings.EqualFold(name, "directoryObject") {
			clear(wanted)
			break
		}
		if kind, ok := directory.OfName(name); ok {
			wanted[kind] = true
		}
	}
	all := len(form.Types) == 0 || contains(form.Types, "directoryObject")
	d, may := s.Directory(), s.readable()
	body := append([]byte(`{"@odata.context":`), encode(r.context("directoryObjects"+selection(o.selected)))...)
	body = append(body, `,"value":[`...)
	seen := map[string]bool{}
	for _, id := range form.IDs {
		if !guid.MatchString(id) {
			return nil, invalid("Invalid object identifier '" + id + "'.")
		}
		object, ok := d.Find(id)
		if !ok || seen[object.ID] || !all && !wanted[object.Kind] {
			continue
		}
		if len(seen) > 0 {
			body = append(body, ',')
		}
		seen[object.ID] = true
		body = s.appendObject(body, object, o, !may[object.Kind])
	}
	return append(body, "]}"...), nil
}

// organization answers with what the tenant says of itself.
func (s *Service) organization(r *Request) ([]byte, *failure) {
	if r.Method != http.MethodGet || len(r.segments) > 2 {
		return nil, methodNotAllowed()
	}
	if failure := s.require(readOrganization); failure != nil {
		return nil, failure
	}
	org := s.Organization()
	shown := map[string]any{
		"id": org.ID, "displayName": org.Name, "tenantType": "AAD", "countryLetterCode": "NL", "createdDateTime": "2021-11-02T08:00:00Z",
		"businessPhones": []any{}, "city": nil, "country": nil, "defaultUsageLocation": nil, "deletedDateTime": nil, "onPremisesSyncEnabled": nil,
		"preferredLanguage": "en", "technicalNotificationMails": []any{}, "assignedPlans": []any{}, "provisionedPlans": []any{},
		"verifiedDomains": []any{
			map[string]any{"name": org.Domain, "isDefault": false, "isInitial": true, "type": "Managed", "capabilities": "Email, OfficeCommunicationsOnline"},
			map[string]any{"name": otherDomain, "isDefault": true, "isInitial": false, "type": "Managed", "capabilities": "Email"},
		},
	}
	if selected := r.Query.Get("$select"); selected != "" {
		for name := range shown {
			if !contains(strings.Split(selected, ","), name) {
				delete(shown, name)
			}
		}
	}
	if len(r.segments) == 1 {
		return encode(map[string]any{"@odata.context": r.context("organization"), "value": []any{shown}}), nil
	}
	if !strings.EqualFold(r.segments[1].name, org.ID) {
		return nil, notFound(r.segments[1].name)
	}
	shown["@odata.context"] = r.context("organization/$entity")
	return encode(shown), nil
}
