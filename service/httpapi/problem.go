package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"github.com/azure-tenant-grapher/atg/internal/nearest"
	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// withStatus is a fault that is answered with another HTTP status than that of its code.
type withStatus struct {
	*fault.Fault
	status int
}

func (w withStatus) Unwrap() error { return w.Fault }

// refusal is a problem on its way out. It is also what a huma operation returns as its error.
type refusal struct {
	api.Problem
	header http.Header
}

func (p *refusal) Error() string             { return p.Title }
func (p *refusal) GetStatus() int            { return p.Status }
func (p *refusal) GetHeaders() http.Header   { return p.header }
func (p *refusal) ContentType(string) string { return api.ProblemType }

var (
	_ huma.StatusError       = (*refusal)(nil)
	_ huma.HeadersError      = (*refusal)(nil)
	_ huma.ContentTypeFilter = (*refusal)(nil)
)

// statusGone stands in logs and metrics for calls whose callers did not wait for the answer, as nginx has it.
const statusGone = 499

// refused makes an error the problem that the caller gets. What is the service's own business stays in the log.
func (a *API) refused(ctx context.Context, err error) *refusal {
	c := callOf(ctx)
	c.err = err
	if ctx.Err() != nil && fault.CodeOf(err) != fault.Timeout { // who hears this? whoever was too slow, since net/http ends the context then
		return &refusal{Problem: api.Problem{Title: "the caller has gone", Status: statusGone, Code: fault.Interrupted, Instance: c.id}}
	}
	if fault.CodeOf(err) == fault.Interrupted { // of the service: a caller who has gone sees no answer
		err = goingAway()
	}
	p := &refusal{Problem: *api.ProblemOf(err), header: http.Header{}}
	var other withStatus
	if errors.As(err, &other) {
		p.Status = other.status
	}
	p.Instance = c.id
	switch p.Status {
	case http.StatusInternalServerError:
		p.Detail = ""
		if p.Hint == "" {
			p.Hint = "tell the service's operator the request id " + c.id
		}
	case http.StatusUnauthorized:
		p.header.Set("WWW-Authenticate", `Bearer realm="atg"`)
	case http.StatusServiceUnavailable:
		p.header.Set("Retry-After", "2")
	}
	if o, ok := jobs.OverloadOf(err); ok {
		p.header.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(o.After.Seconds())))))
		a.metrics.refused.WithLabelValues(o.Reason).Inc()
		a.refusals.note(ctx, a.log, o.Reason, p.Title)
	}
	if p.Code == fault.Throttled {
		a.metrics.throttled.Inc()
	}
	if p.Status == http.StatusUnauthorized {
		a.metrics.unauthorized.Inc()
	}
	return p
}

// refuse answers an error, unless an answer was begun: that is broken off.
func (a *API) refuse(w *recorder, r *http.Request, err error) {
	p := a.refused(r.Context(), err)
	if w.status != 0 {
		w.broken = w.status != http.StatusSwitchingProtocols
		return
	}
	a.write(w, r, p)
}

func (a *API) write(w http.ResponseWriter, r *http.Request, p *refusal) {
	body, err := json.Marshal(p.Problem)
	if err != nil {
		panic(err) // a problem is plain data
	}
	h := w.Header()
	for name, values := range p.header {
		h[name] = values
	}
	h.Set("Content-Type", api.ProblemType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	for _, stale := range []string{"Etag", "Content-Disposition", "Accept-Ranges", "Last-Modified"} {
		h.Del(stale)
	}
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// transform gives huma's own errors, which are about the form of requests, the form of a problem: huma.Transformer.
func (a *API) transform(ctx huma.Context, status string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	code, err := strconv.Atoi(status)
	if err != nil {
		code = http.StatusInternalServerError
	}
	var f *fault.Fault
	switch code {
	case http.StatusRequestEntityTooLarge:
		f = tooLarge("the body", a.o.Capabilities.Limits.RequestBytes)
	case http.StatusRequestTimeout:
		f = fault.New(fault.Timeout, "the body did not arrive in time", fault.Retryable())
	default:
		f = malformed(a.schemaProblems(ctx.Operation(), m.Errors))
		if len(m.Errors) == 0 {
			f.Message = m.Detail
		}
	}
	f.Origin = fault.OriginService
	return a.refused(ctx.Context(), withStatus{f, code}).Problem, nil
}

// malformed refuses a request for all that is wrong with its form, in the order of the keys.
func malformed(problems []fault.Problem) *fault.Fault {
	slices.SortStableFunc(problems, func(a, b fault.Problem) int { return strings.Compare(a.Key, b.Key) })
	message := "the request is not as it should be"
	if len(problems) == 1 && problems[0].Key != "" {
		message = problems[0].Key + ": " + problems[0].Message
	}
	return fault.New(fault.InvalidArgument, message, fault.Problems(problems...), fault.From(fault.OriginService),
		fault.Hint("GET %s describes every call", api.PathOpenAPI))
}

func tooLarge(what string, limit int64) *fault.Fault {
	return fault.New(fault.InvalidArgument, fmt.Sprintf("%s is larger than the service takes", what), fault.From(fault.OriginService),
		fault.Hint("at most %d bytes are taken", limit))
}

// schemaProblems names what does not fit the schema of an operation, each with its key and, where one is near, the name
// that may have been meant.
func (a *API) schemaProblems(op *huma.Operation, details []*huma.ErrorDetail) []fault.Problem {
	var problems []fault.Problem
	for _, d := range details {
		if d == nil {
			continue
		}
		in, key, _ := strings.Cut(d.Location, ".")
		var schema *huma.Schema
		if in == "body" && op.RequestBody != nil && op.RequestBody.Content["application/json"] != nil {
			schema = op.RequestBody.Content["application/json"].Schema
		}
		if in != "body" {
			schema = parameters(op, in)
		}
		if key == "" {
			key = in
		}
		problems = append(problems, a.schemaProblem(schema, key, d))
	}
	return problems
}

func (a *API) schemaProblem(schema *huma.Schema, key string, d *huma.ErrorDetail) fault.Problem {
	if d.Message == validation.MsgUnexpectedProperty || d.Message == "unknown query parameter" {
		parent, name := "", key
		if at := strings.LastIndexByte(key, '.'); at >= 0 {
			parent, name = key[:at], key[at+1:]
		}
		return unknown(key, name, a.properties(schema, parent))
	}
	p := fault.Problem{Key: key, Message: d.Message}
	if s := a.at(schema, key); s != nil && len(s.Enum) > 0 {
		p.Hint = maybe(fmt.Sprint(d.Value), texts(s.Enum))
	}
	return p
}

// unknown is the problem of a property that does not exist.
func unknown(key, name string, known []string) fault.Problem {
	return fault.Problem{Key: key, Message: "there is no such property", Hint: maybe(name, known)}
}

// maybe is a hint at the known name that may have been meant; empty if none is near.
func maybe(name string, known []string) string {
	if meant := nearest.To(name, known); meant != "" {
		return meant + " may be meant"
	}
	return ""
}

// parameters is a schema of an operation's parameters in a place (query, path, header).
func parameters(op *huma.Operation, in string) *huma.Schema {
	s := &huma.Schema{Properties: map[string]*huma.Schema{}}
	for _, p := range op.Parameters {
		if p.In == in {
			s.Properties[p.Name] = p.Schema
		}
	}
	return s
}

// at is the schema at a place below another, as huma writes places: a.b[2].c; nil if there is none.
func (a *API) at(s *huma.Schema, place string) *huma.Schema {
	for _, step := range strings.FieldsFunc(place, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		s = a.resolve(s)
		switch {
		case s == nil:
			return nil
		case s.Items != nil:
			s = s.Items
		default:
			s = s.Properties[step]
		}
	}
	return a.resolve(s)
}

func (a *API) resolve(s *huma.Schema) *huma.Schema {
	for s != nil && s.Ref != "" {
		s = a.huma.OpenAPI().Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

func (a *API) properties(s *huma.Schema, place string) []string {
	var names []string
	if s = a.at(s, place); s != nil {
		for name := range s.Properties {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func texts(values []any) []string {
	var all []string
	for _, v := range values {
		all = append(all, fmt.Sprint(v))
	}
	return all
}
