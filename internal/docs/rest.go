package docs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/service/auth"
	"github.com/azure-tenant-grapher/atg/service/httpapi"
	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/service/jobs/jobstest"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// openAPI is what is read of the document that the service answers.
type openAPI struct {
	Paths      map[string]map[string]call
	Components struct{ Schemas map[string]*property }
}

// call is an operation of the document.
type call struct {
	Summary, Description string
	Tags                 []string
	Security             []map[string][]string
	Parameters           []struct {
		Name, In, Description string
		Schema                *property
	}
	RequestBody struct {
		Content map[string]struct{ Schema *property }
	}
	Responses map[string]struct {
		Description string
		Content     map[string]struct{ Schema *property }
	}
}

// property is a schema.
type property struct {
	Ref         string `json:"$ref"`
	Type        any
	Format      string
	Description string
	Enum        []any
	Items       *property
	Properties  map[string]*property
	Required    []string
}

// document is the OpenAPI document, as a service with everything answers it.
func document(ctx context.Context) []byte {
	store := jobstest.New()
	handler := httpapi.New(httpapi.Options{
		Service: jobs.New(jobs.Options{Records: store, Queue: store, Events: store, Files: store, Snapshots: store, Logger: slog.New(slog.DiscardHandler)}),
		Guard:   auth.New(auth.Options{Keys: store, Audit: slog.New(slog.DiscardHandler)}),
		Logger:  slog.New(slog.DiscardHandler),
		Capabilities: api.Capabilities{
			Capabilities: backend.Capabilities{Operations: backend.Operations(), Formats: []string{"terraform", "bicep", "arm"}, Features: []backend.Feature{backend.FeatureDurableJobs}},
		},
	})
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequestWithContext(ctx, http.MethodGet, api.PathOpenAPI, nil))
	return answer.Body.Bytes()
}

// restPages are the document itself, and a page of it.
func restPages(ctx context.Context, root string) ([]Page, error) {
	raw := document(ctx)
	var doc openAPI
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("the OpenAPI document: %w: %s", err, raw)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, raw, "", "  "); err != nil {
		return nil, err
	}
	indented.WriteByte('\n')
	of := map[string]comments{}
	for _, room := range []string{"api", "backend"} {
		read, err := readComments(source(root, "shared", room))
		if err != nil {
			return nil, err
		}
		of[room] = read
	}
	m := page("REST", "Every call of the job service. [The service's API](../api.md) shows them at work; [openapi.json](openapi.json) is the whole document, which a service answers at `/openapi.json`.",
		"that document")
	m.para("A call that is refused answers a problem (RFC 9457): [faults](faults.md#over-http-and-grpc) has the codes and their statuses.")
	var tags []string
	calls := map[string][][2]string{} // by tag: path, method
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(doc.Paths[path])) {
			tag := "other"
			if t := doc.Paths[path][method].Tags; len(t) > 0 {
				tag = t[0]
			}
			if !slices.Contains(tags, tag) {
				tags = append(tags, tag)
			}
			calls[tag] = append(calls[tag], [2]string{path, method})
		}
	}
	order := []string{"operations", "jobs", "files", "snapshots", "service"}
	slices.SortFunc(tags, func(a, b string) int { return cmp.Compare(slices.Index(order, a), slices.Index(order, b)) })
	for _, tag := range tags {
		m.heading(2, strings.ToUpper(tag[:1])+tag[1:])
		for _, c := range calls[tag] {
			m.call(strings.ToUpper(c[1])+" "+c[0], doc.Paths[c[0]][c[1]])
		}
	}
	m.heading(2, "Bodies")
	m.para("What requests have in their bodies, and answers that [results, jobs and events](results.md) does not have.")
	results := resultTypes(of["backend"])
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		if s := doc.Components.Schemas[name]; len(s.Properties) > 0 && !results[name] {
			m.heading(3, name)
			m.properties(s, func(key string) string { return describe(of, name, key) })
		}
	}
	text := m.linkTo(results)
	return []Page{{"rest.md", text}, {"openapi.json", indented.String()}}, nil
}

// call describes one call.
func (m *markdown) call(title string, c call) {
	m.heading(3, title)
	text := sentence(c.Summary)
	if c.Description != "" {
		text += " " + sentence(c.Description)
	}
	if len(c.Security) == 0 {
		text += " It needs no key."
	}
	m.para(text)
	var rows [][]string
	for _, p := range c.Parameters {
		rows = append(rows, []string{ticked(p.Name), p.In, typeOf(p.Schema), prose(p.Description)})
	}
	m.table([]string{"parameter", "in", "type", ""}, rows)
	for _, media := range slices.Sorted(maps.Keys(c.RequestBody.Content)) {
		m.para("Body: " + typeOf(c.RequestBody.Content[media].Schema) + ", " + ticked(media) + ".")
	}
	rows = nil
	for _, status := range slices.Sorted(maps.Keys(c.Responses)) {
		r := c.Responses[status]
		if status == "default" {
			continue
		}
		body := ""
		for _, media := range slices.Sorted(maps.Keys(r.Content)) {
			body += ", " + typeOf(r.Content[media].Schema) + " as " + ticked(media)
		}
		rows = append(rows, []string{ticked(status), prose(r.Description) + body})
	}
	m.table([]string{"status", "answer"}, rows)
}

// properties is the table of a body.
func (m *markdown) properties(s *property, meaning func(key string) string) {
	var rows [][]string
	for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[key]
		text := prose(meaning(key))
		if p.Description != "" {
			text = prose(p.Description)
		}
		if len(p.Enum) > 0 {
			var values []string
			for _, v := range p.Enum {
				values = append(values, fmt.Sprint(v))
			}
			text = strings.TrimSpace(strings.TrimSuffix(tickedAll(values)+". "+text, ". "))
		}
		name := ticked(key)
		if slices.Contains(s.Required, key) {
			name += " (required)"
		}
		rows = append(rows, []string{name, typeOf(p), text})
	}
	m.table([]string{"member", "type", ""}, rows)
}

// typeOf is a schema in words; what has a name is marked as a link, which linkTo completes.
func typeOf(p *property) string {
	if p == nil {
		return ""
	}
	if p.Ref != "" {
		name := p.Ref[strings.LastIndex(p.Ref, "/")+1:]
		return "[" + name + "](@" + name + ")"
	}
	kinds, _ := p.Type.([]any)
	kind := fmt.Sprint(p.Type)
	if len(kinds) > 0 {
		kind = fmt.Sprint(kinds[0])
	}
	switch kind {
	case "array":
		return "list of " + typeOf(p.Items)
	case "string":
		if p.Format == "binary" {
			return "bytes"
		}
		if p.Format == "date-time" {
			return "time"
		}
		return "text"
	case "integer":
		return "whole number"
	case "number":
		return "number"
	case "boolean":
		return "true or false"
	case "object":
		return "object"
	}
	return "anything"
}

// linkTo has names lead to where they are described.
func (m *markdown) linkTo(results map[string]bool) string {
	var out strings.Builder
	for i, part := range strings.Split(m.end(), "](@") {
		if i == 0 {
			out.WriteString(part)
			continue
		}
		name, rest, _ := strings.Cut(part, ")")
		page := ""
		switch {
		case name == "Fault" || name == "FaultProblem":
			page, name = "faults.md", strings.TrimPrefix(name, "Fault")
			if name == "" {
				name = "Fault"
			}
		case results[name]:
			page = "results.md"
		}
		out.WriteString("](" + page + "#" + strings.ToLower(name) + ")" + rest)
	}
	return out.String()
}

// resultTypes are the names that the page of results describes, and those of faults.
func resultTypes(read comments) map[string]bool {
	names := map[string]bool{"Fault": true, "FaultProblem": true}
	t := newTypes(read)
	for _, of := range t.order {
		names[of.Name()] = true
	}
	return names
}

// describe is what the sources say of a member of a body: those of the body, else those of the request that it carries.
func describe(of map[string]comments, name, key string) string {
	for _, place := range [][2]string{{"api", name}, {"backend", name}, {"backend", requestOf(name)}, {"backend", "Filter"}} {
		for field, text := range of[place[0]].fields[place[1]] {
			if strings.EqualFold(strings.ReplaceAll(key, "_", ""), field) && text != "" {
				return of[place[0]].fieldDoc(place[1], field)
			}
		}
	}
	return ""
}

// requestOf is the type of the request that a body carries.
func requestOf(name string) string {
	for _, op := range backend.Operations() {
		if body := api.NewBody(op); reflect.TypeOf(body).Elem().Name() == name {
			return reflect.TypeOf(body.Submission().Request).Elem().Name()
		}
	}
	return ""
}
