package query

import (
	"embed"
	"fmt"
	"path"
	"regexp"
	"strings"
	"sync"

	"github.com/azure-tenant-grapher/atg/internal/nearest"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

//go:embed named/*.sql
var namedFiles embed.FS

// named is a query that has a name: a file named/NAME.sql. Its first lines are comments: what it tells, and a line for each parameter,
//
//	-- :days (default 30): how long, in days
//
// which the statement has as :days. A parameter without a default has to be given.
type named struct {
	name, summary string
	parameters    []parameter
	sql           string
}

type parameter struct {
	name, help, fallback string
	required             bool
}

// forms are those of parameters that are not any text.
var forms = map[string]struct {
	name    string
	pattern *regexp.Regexp
}{
	"days":  {"a number of days", regexp.MustCompile(`^-?[0-9]{1,6}$`)},
	"ports": {"a list of ports with commas between them", regexp.MustCompile(`^[1-9][0-9]{0,4}(, *[1-9][0-9]{0,4})*$`)},
}

var parameterLine = regexp.MustCompile(`^-- :([a-z]+)(?: \(default (.*?)\))?: (.+)$`)

var namedQueries = sync.OnceValue(func() []named {
	entries, _ := namedFiles.ReadDir("named") // it is embedded
	var all []named
	for _, e := range entries {
		text, _ := namedFiles.ReadFile(path.Join("named", e.Name()))
		all = append(all, parseNamed(strings.TrimSuffix(e.Name(), ".sql"), string(text)))
	}
	return all
})

func parseNamed(name, text string) named {
	q := named{name: name, sql: text}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		comment, ok := strings.CutPrefix(line, "-- ")
		if !ok {
			break
		}
		if m := parameterLine.FindStringSubmatch(line); m != nil {
			q.parameters = append(q.parameters, parameter{name: m[1], fallback: m[2], help: m[3], required: !strings.Contains(line, " (default ")})
			continue
		}
		q.summary = strings.TrimSpace(q.summary + " " + comment)
	}
	return q
}

// usage is the query as one asks for it: NAME RESOURCE [DAYS].
func (q *named) usage() string {
	text := q.name
	for _, p := range q.parameters {
		if p.required {
			text += " " + strings.ToUpper(p.name)
		} else {
			text += " [" + strings.ToUpper(p.name) + "]"
		}
	}
	return text
}

// find answers the named query that a request asks for; nil if it asks with SQL or for the list.
func find(r *backend.SnapshotQueryRequest) (*named, error) {
	if r.Name == "" || r.Name == backend.QueryList {
		return nil, nil
	}
	var names []string
	for i, q := range namedQueries() {
		if q.name == r.Name {
			return &namedQueries()[i], nil
		}
		names = append(names, q.name)
	}
	hint := "atg snapshot query --list shows all"
	if near := nearest.To(r.Name, names); near != "" {
		hint = "did you mean " + near + "? " + hint
	}
	return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("there is no query %q", r.Name), fault.On(r.Name), fault.Hint("%s", hint))
}

// arguments are the values of a named query's parameters, in their order.
func (q *named) arguments(given []string) ([]string, error) {
	if len(given) > len(q.parameters) {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("the query %s takes %d arguments, not %d", q.name, len(q.parameters), len(given)),
			fault.On(q.name), fault.Hint("atg snapshot query %s", q.usage()))
	}
	values := make([]string, len(q.parameters))
	for i, p := range q.parameters[:len(given)] {
		if f, ok := forms[p.name]; ok && !f.pattern.MatchString(given[i]) {
			return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("%s is %s, not %q", strings.ToUpper(p.name), f.name, given[i]), fault.On(q.name), fault.Hint("atg snapshot query %s", q.usage()))
		}
	}
	for i, p := range q.parameters {
		switch {
		case i < len(given):
			values[i] = given[i]
		case p.required:
			return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("the query %s needs %s: %s", q.name, strings.ToUpper(p.name), p.help),
				fault.On(q.name), fault.Hint("atg snapshot query %s", q.usage()))
		default:
			values[i] = p.fallback
		}
	}
	return values, nil
}
