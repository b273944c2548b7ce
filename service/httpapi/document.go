package httpapi

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	routeKey = "route" // of a route among an operation's metadata
	bearer   = "key"   // the name of the security scheme
)

// newDocument makes the OpenAPI document that operations are entered into.
func (a *API) newDocument() huma.API {
	schemas := huma.NewMapRegistry("#/components/schemas/", schemaName)
	schemas.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[api.Problem]())
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "atg job service", Version: api.Version,
				Description: "Scans Azure tenants, generates code from their snapshots and deploys specifications, as jobs. " +
					"Every refusal is a Problem (RFC 9457) with a permanent code.",
			},
			Components: &huma.Components{
				Schemas: schemas,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					bearer: {Type: "http", Scheme: "bearer", Description: "An API key: atg_<id>_<secret>."},
				},
			},
		},
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}, // the latter for +json
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{a.transform},
	}
	config.AllowAdditionalPropertiesByDefault = true // answers may grow; request bodies are closed below
	doc := huma.NewAPI(config, humaAdapter{a})
	for _, op := range backend.Operations() {
		closeSchema(schemas, bodySchema(schemas, op), required[op]...)
	}
	batch := schemas.Schema(reflect.TypeFor[api.Batch](), true, "")
	closeSchema(schemas, batch, "operations")
	closeSchema(schemas, schemas.Schema(reflect.TypeFor[api.BatchOperation](), true, ""), "operation", "body")
	most := a.o.Capabilities.Limits.Batch
	schemas.SchemaFromRef(batch.Ref).Properties["operations"].MaxItems = &most
	schemas.SchemaFromRef(batch.Ref).Properties["operations"].PrecomputeMessages()
	return doc
}

// required are the properties that an operation's body must have.
var required = map[backend.Operation][]string{
	backend.OpGenerateIaC:    {"output_format"},
	backend.OpSnapshotDiff:   {"after"},
	backend.OpSnapshotExport: {"format"},
	backend.OpSnapshotPath:   {"from", "to"},
	backend.OpSnapshotReach:  {"node"},
}

// bodySchema refers to the schema of an operation's body.
func bodySchema(schemas huma.Registry, op backend.Operation) *huma.Schema {
	return schemas.Schema(reflect.TypeOf(api.NewBody(op)).Elem(), true, "")
}

// closeSchema makes a schema, and all that it consists of, refuse properties that it does not know. Nothing is required
// but what is named.
func closeSchema(schemas huma.Registry, s *huma.Schema, requires ...string) {
	for s.Ref != "" {
		s = schemas.SchemaFromRef(s.Ref)
	}
	if len(s.Properties) == 0 {
		return
	}
	s.AdditionalProperties = false
	s.Required = append([]string{}, requires...)
	for _, p := range s.Properties {
		closeSchema(schemas, p)
	}
	s.PrecomputeMessages()
}

// schemaName names a type in the document. Types of the same name in several packages get the package's name as well.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[fault.Problem]() {
		return "FaultProblem"
	}
	return name
}

// enums are the types whose values are known.
var enums = map[reflect.Type][]any{
	reflect.TypeFor[backend.Operation]():  values(backend.Operations()...),
	reflect.TypeFor[backend.JobStatus]():  values(backend.JobPending, backend.JobRunning, backend.JobCompleted, backend.JobFailed, backend.JobCancelled),
	reflect.TypeFor[backend.Depth]():      values(backend.DepthResources, backend.DepthChildren, backend.DepthExtensions),
	reflect.TypeFor[backend.Identities](): values(backend.IdentitiesAll, backend.IdentitiesReferenced, backend.IdentitiesNone),
	reflect.TypeFor[backend.Discovery]():  values(backend.DiscoveryAuto, backend.DiscoveryGraph, backend.DiscoveryARM),
	reflect.TypeFor[backend.EventKind]():  values(backend.EventProgress, backend.EventLog, backend.EventStatus, backend.EventPart, backend.EventSignIn),
	reflect.TypeFor[backend.LogLevel]():   values(backend.LevelDebug, backend.LevelInfo, backend.LevelWarn, backend.LevelError),
	reflect.TypeFor[backend.CoverageState](): values(backend.CoverageListed, backend.CoverageLimited, backend.CoverageDenied, backend.CoverageDropped,
		backend.CoverageThrottled, backend.CoverageFailed, backend.CoverageUnsupported, backend.CoverageSkipped),
	reflect.TypeFor[backend.CheckState](): values(backend.CheckPassed, backend.CheckFailed, backend.CheckSkipped),
	reflect.TypeFor[backend.Severity]():   values(backend.SeverityError, backend.SeverityWarning),
	reflect.TypeFor[api.Scope]():          values(api.Scopes()...),
	reflect.TypeFor[fault.Origin]():       values(fault.OriginHost, fault.OriginBackend, fault.OriginService, fault.OriginAzure),
}

func values[T ~string](all ...T) []any {
	var v []any
	for _, one := range all {
		v = append(v, string(one))
	}
	return v
}

// enumerate enters known values into the schemas of the fields that have them. The operation of a batch's item stays
// open, so that one that is unknown is refused on its own.
func enumerate(schemas huma.Registry) {
	for name, s := range schemas.Map() {
		t := schemas.TypeFromRef("#/components/schemas/" + name)
		if t == reflect.TypeFor[api.BatchOperation]() {
			continue
		}
		for _, f := range reflect.VisibleFields(t) {
			key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			field, of := s.Properties[key], f.Type
			for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
				if of.Kind() == reflect.Slice && field != nil {
					field = field.Items
				}
				of = of.Elem()
			}
			if known := enums[of]; field != nil && known != nil {
				field.Enum = known
				field.PrecomputeMessages()
			}
		}
	}
}

// operation is a route as it stands in the document.
func (rt route) operation() huma.Operation {
	op := huma.Operation{
		OperationID: rt.id, Method: rt.method, Path: rt.path, Summary: rt.summary, Description: rt.description, DefaultStatus: rt.status,
		Metadata: map[string]any{routeKey: rt}, Responses: map[string]*huma.Response{},
	}
	if rt.tag != "" {
		op.Tags = []string{rt.tag}
	}
	if !rt.open {
		op.Security = []map[string][]string{{bearer: {}}}
	}
	if len(rt.scopes) > 0 {
		names := texts(values(rt.scopes...))
		op.Description = strings.TrimSpace(op.Description + " Needs the scope " + strings.Join(names, " or ") + ".")
	}
	return op
}

// enter documents a route that is not huma's.
func (a *API) enter(rt route, parameters []*huma.Param, responses ...response) {
	op := rt.operation()
	op.Parameters = append(op.Parameters, pathParameters(rt.path)...)
	op.Parameters = append(op.Parameters, parameters...)
	for _, r := range responses {
		doc := &huma.Response{Description: http.StatusText(r.status), Headers: map[string]*huma.Param{}}
		if r.media != "" {
			doc.Content = map[string]*huma.MediaType{r.media: {Schema: r.schema}}
		}
		for _, name := range r.headers {
			doc.Headers[name] = &huma.Param{Schema: &huma.Schema{Type: huma.TypeString}}
		}
		op.Responses[strconv.Itoa(r.status)] = doc
	}
	op.Responses["default"] = &huma.Response{
		Description: "A refusal",
		Content:     map[string]*huma.MediaType{api.ProblemType: {Schema: a.schema(reflect.TypeFor[api.Problem]())}},
	}
	a.huma.OpenAPI().AddOperation(&op)
}

// response is an answer of a route that is not huma's.
type response struct {
	status  int
	media   string // empty is no body
	schema  *huma.Schema
	headers []string
}

func (a *API) schema(t reflect.Type) *huma.Schema {
	return a.huma.OpenAPI().Components.Schemas.Schema(t, true, "")
}

var rawBytes = &huma.Schema{Type: huma.TypeString, Format: "binary"}

func pathParameters(path string) []*huma.Param {
	var all []*huma.Param
	for _, part := range strings.Split(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			all = append(all, &huma.Param{Name: strings.TrimSuffix(name, "}"), In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
		}
	}
	return all
}

func parameter(in, name, description string) *huma.Param {
	return &huma.Param{Name: name, In: in, Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
}

// finishDocument completes the document once all routes stand in it.
func (a *API) finishDocument() {
	doc := a.huma.OpenAPI()
	result := doc.Components.Schemas.Map()["Result"].Properties["result"]
	for _, op := range backend.Operations() {
		result.AnyOf = append(result.AnyOf, a.schema(reflect.TypeOf(backend.NewResult(op)).Elem()))
	}
	doc.Components.Schemas.Map()["BatchOperation"].Properties["body"].Description = "As the operation's own call takes it; an operation on a snapshot names it here."
	enumerate(doc.Components.Schemas)
	for _, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete} {
			if op == nil {
				continue
			}
			for _, r := range op.Responses {
				if r.Headers == nil {
					r.Headers = map[string]*huma.Param{}
				}
				r.Headers[api.HeaderRequestID] = &huma.Param{Schema: &huma.Schema{Type: huma.TypeString}}
			}
			delete(op.Responses, "422")
			slices.SortFunc(op.Parameters, func(x, y *huma.Param) int { return strings.Compare(x.In+x.Name, y.In+y.Name) })
		}
	}
	text, err := json.Marshal(doc)
	if err != nil {
		panic(err) // the document is made of the types above
	}
	a.document = representation{body: text, etag: tag(text), media: "application/json"}
}
