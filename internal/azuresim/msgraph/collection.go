package msgraph

import (
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// collection answers below /users, /groups, /servicePrincipals and /applications.
func (s *Service) collection(r *Request, a *Answer, kind directory.Kind) ([]byte, *failure) {
	if key := r.segments[0].key; key != "" { // servicePrincipals(appId='…')
		property, name, _ := strings.Cut(key, "=")
		if !strings.EqualFold(property, keyOf(kind)) {
			return nil, invalid("The key '" + property + "' is not supported.")
		}
		return s.object(r, a, kind, name, r.rest(1))
	}
	switch {
	case len(r.segments) > 1 && strings.EqualFold(r.segments[1].name, "$count"):
		return s.countOf(r, a, kind)
	case len(r.segments) > 1:
		return s.object(r, a, kind, r.segments[1].name, r.rest(2))
	case r.Method == http.MethodPost:
		return s.create(r, a, kind)
	case r.Method != http.MethodGet:
		return nil, methodNotAllowed()
	}
	if failure := s.require(readKind[kind]); failure != nil {
		return nil, failure
	}
	o, failure := r.options(kind)
	if failure != nil {
		return nil, failure
	}
	if o.expand != nil && kind != directory.Group && o.expand.relation == directory.Members {
		return nil, badRequest("BadRequest", "Parsing OData Select and Expand failed: "+noProperty("members", []directory.Kind{kind}))
	}
	return s.page(r, o, kind.Collection(), func(from int) iter.Seq2[int, directory.Object] { return s.matching(kind, o, from) })
}

// keyOf is the property by which an object can be named instead of its id.
func keyOf(kind directory.Kind) string {
	switch kind {
	case directory.User:
		return "userPrincipalName"
	case directory.Group:
		return "uniqueName"
	}
	return "appId"
}

// matching goes through the objects of a kind that a filter lets through, from a position on.
func (s *Service) matching(kind directory.Kind, o *options, from int) iter.Seq2[int, directory.Object] {
	d := s.Directory()
	f := o.filter
	if f == nil {
		return d.All(kind, from)
	}
	return func(yield func(int, directory.Object) bool) {
		if f.ids == nil && f.names == nil {
			for position, object := range d.All(kind, from) {
				if f.match(object) && !yield(position, object) {
					return
				}
			}
			return
		}
		seen := map[string]bool{}
		for position, name := range append(f.ids, f.names...) {
			object, ok := d.Find(name)
			if f.names != nil {
				object, ok = d.Named(kind, name)
			}
			if !ok || object.Kind != kind || seen[object.ID] || !f.match(object) {
				continue
			}
			seen[object.ID] = true
			if position >= from && !yield(position, object) {
				return
			}
		}
	}
}

// page writes one page of a collection.
func (s *Service) page(r *Request, o *options, name string, from func(int) iter.Seq2[int, directory.Object]) ([]byte, *failure) {
	may := s.readable()
	body := append([]byte(`{"@odata.context":`), encode(r.context(name+selection(o.selected)))...)
	if o.count && o.first {
		n := 0
		for range from(0) {
			n++
		}
		body = append(body, `,"@odata.count":`...)
		body = strconv.AppendInt(body, int64(n), 10)
	}
	values := []byte(`"value":[`)
	n := 0
	for position, object := range from(o.from) {
		if n == o.top {
			body = append(body, `,"@odata.nextLink":`...)
			body = append(body, encode(r.nextLink(position))...)
			break
		}
		if n > 0 {
			values = append(values, ',')
		}
		values = s.appendObject(values, object, o, !may[object.Kind])
		n++
	}
	body = append(body, ',')
	body = append(body, values...)
	return append(body, "]}"...), nil
}

// selection is how a context says what was selected.
func selection(selected []string) string {
	if selected == nil {
		return ""
	}
	return "(" + strings.Join(selected, ",") + ")"
}

// appendObject writes an object, with the relation that is to be expanded.
func (s *Service) appendObject(dst []byte, object directory.Object, o *options, limited bool) []byte {
	dst = render(dst, object, o.shape, limited)
	if o.expand == nil || limited {
		return dst
	}
	may := s.readable()
	d := s.Directory()
	dst = dst[:len(dst)-1]
	dst = append(dst, `,"`+o.expand.relation.String()+`":[`...)
	n := 0
	for _, ref := range d.Linked(object.ID, o.expand.relation, 0) {
		if n == maxExpanded {
			break
		}
		linked, ok := d.Find(ref.ID)
		if !ok {
			continue
		}
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = render(dst, linked, o.expand.shape, !may[linked.Kind])
		n++
	}
	return append(dst, "]}"...)
}

// countOf answers /users/$count and its like.
func (s *Service) countOf(r *Request, a *Answer, kind directory.Kind) ([]byte, *failure) {
	if r.Method != http.MethodGet {
		return nil, methodNotAllowed()
	}
	if failure := s.require(readKind[kind]); failure != nil {
		return nil, failure
	}
	o, failure := r.options(kind)
	if failure != nil {
		return nil, failure
	}
	n := 0
	for range s.matching(kind, o, 0) {
		n++
	}
	return r.plainCount(a, n)
}

// plainCount is the number alone, which only the index of advanced queries knows.
func (r *Request) plainCount(a *Answer, n int) ([]byte, *failure) {
	if !r.eventual() {
		return nil, invalid("$count is not currently supported.")
	}
	a.Header.Set("Content-Type", "text/plain")
	return strconv.AppendInt(nil, int64(n), 10), nil
}

// encodeQuery writes a query as clients do: the dollar signs of options stand as they are.
func encodeQuery(query url.Values) string { return strings.ReplaceAll(query.Encode(), "%24", "$") }

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

// find finds an object of a kind by what stands in a path: its id, or the name of a user.
func (s *Service) find(kind directory.Kind, key string) (directory.Object, *failure) {
	d := s.Directory()
	object, ok := d.Find(key)
	if !ok && !guid.MatchString(key) && kind != directory.User {
		return object, badRequest("Request_BadRequest", "Invalid object identifier '"+key+"'.")
	}
	if !ok && kind == directory.User {
		object, ok = d.Named(kind, key)
	}
	if !ok || object.Kind != kind {
		return object, notFound(key)
	}
	return object, nil
}

// findKeyed is find for a path that names an object by its key.
func (s *Service) findKeyed(r *Request, kind directory.Kind, key string) (directory.Object, *failure) {
	if r.segments[0].key == "" {
		return s.find(kind, key)
	}
	object, ok := s.Directory().Named(kind, key)
	if !ok {
		return object, notFound(key)
	}
	return object, nil
}
