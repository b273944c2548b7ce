package msgraph

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// The sizes of pages.
const (
	usualPage   = 100
	largestPage = 999
)

// options are what a call's query asks for.
type options struct {
	shape
	top    int
	from   int // position that a skip token names
	count  bool
	filter *filter
	expand *expansion
	// first says that there was no skip token.
	first bool
}

var known = []string{"$select", "$top", "$filter", "$count", "$expand", "$skiptoken", "$deltatoken"}

// options reads the query of a call for objects of some kinds.
func (r *Request) options(kinds ...directory.Kind) (*options, *failure) {
	o := &options{top: usualPage, first: true}
	for name := range r.Query {
		if strings.HasPrefix(name, "$") && !contains(known, name) {
			return nil, unsupported("The query option '" + name + "' is not supported.")
		}
	}
	if text := r.Query.Get("$select"); text != "" {
		for name := range strings.SplitSeq(text, ",") {
			name = strings.TrimSpace(name)
			if !anyHas(kinds, name) {
				return nil, badRequest("BadRequest", "Parsing OData Select and Expand failed: "+noProperty(name, kinds))
			}
			o.selected = append(o.selected, name)
		}
	}
	if text := r.Query.Get("$top"); text != "" {
		top, err := strconv.Atoi(text)
		if err != nil {
			return nil, badRequest("BadRequest", "Invalid value '"+text+"' for $top query option found. The $top query option requires a non-negative integer value.")
		}
		if top < 1 || top > largestPage {
			return nil, invalid("Invalid page size specified: '" + text + "'. Must be between 1 and 999 inclusive.")
		}
		o.top = top
	}
	if text := r.Query.Get("$count"); text != "" {
		switch strings.ToLower(text) {
		case "true":
			o.count = r.eventual() // without the header the option has no effect
		case "false":
		default:
			return nil, badRequest("BadRequest", "Invalid value '"+text+"' for $count query option found. Valid values are 'true' and 'false'.")
		}
	}
	if token := r.Query.Get("$skiptoken"); token != "" {
		position, ok := parseToken(token)
		if !ok {
			return nil, badRequest("Directory_ExpiredPageToken", "Specified page token value has expired and can no longer be included in your request.")
		}
		o.from, o.first = position, false
	}
	var failure *failure
	if text := r.Query.Get("$filter"); text != "" {
		if o.filter, failure = parseFilter(text, kinds, r.advanced()); failure != nil {
			return nil, failure
		}
	}
	if text := r.Query.Get("$expand"); text != "" {
		if o.expand, failure = parseExpand(text); failure != nil {
			return nil, failure
		}
	}
	return o, nil
}

func contains(list []string, name string) bool {
	for _, each := range list {
		if strings.EqualFold(each, name) {
			return true
		}
	}
	return false
}

func anyHas(kinds []directory.Kind, name string) bool {
	for _, kind := range kinds {
		if _, ok := property(kind, name); ok {
			return true
		}
	}
	return false
}

func noProperty(name string, kinds []directory.Kind) string {
	typ := "directoryObject"
	if len(kinds) == 1 {
		typ = kinds[0].String()
	}
	return "Could not find a property named '" + name + "' on type 'microsoft.graph." + typ + "'."
}

// expansion is $expand of a relation.
type expansion struct {
	relation directory.Relation
	shape    shape
}

// maxExpanded is how many objects an expanded relation shows.
// https://learn.microsoft.com/graph/query-parameters#expand-parameter
const maxExpanded = 20

func parseExpand(text string) (*expansion, *failure) {
	name, inner, nested := strings.Cut(text, "(")
	e := &expansion{shape: shape{typed: true}}
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "members":
		e.relation = directory.Members
	case "owners":
		e.relation = directory.Owners
	default:
		return nil, badRequest("BadRequest", "Parsing OData Select and Expand failed: Could not find a property named '"+name+"'.")
	}
	if !nested {
		return e, nil
	}
	list, ok := strings.CutPrefix(strings.TrimSuffix(inner, ")"), "$select=")
	if !ok {
		return nil, unsupported("Of what is nested in $expand, only $select is supported.")
	}
	for selected := range strings.SplitSeq(list, ",") {
		e.shape.selected = append(e.shape.selected, strings.TrimSpace(selected))
	}
	return e, nil
}

// token is a skip token; to a client it is opaque.
func token(position int) string {
	return "RFNwdAoAAQ" + base64.RawURLEncoding.EncodeToString(strconv.AppendInt(nil, int64(position), 10))
}

func parseToken(text string) (int, bool) {
	rest, ok := strings.CutPrefix(text, "RFNwdAoAAQ")
	raw, err := base64.RawURLEncoding.DecodeString(rest)
	position, numberErr := strconv.Atoi(string(raw))
	return position, ok && err == nil && numberErr == nil && position >= 0
}

// nextLink is the address of the page that begins at a position.
func (r *Request) nextLink(position int) string {
	query := make(map[string][]string, len(r.Query)+1)
	for name, values := range r.Query {
		query[name] = values
	}
	query["$skiptoken"] = []string{token(position)}
	return r.Base + (&url.URL{Path: r.Path}).EscapedPath() + "?" + encodeQuery(query)
}
