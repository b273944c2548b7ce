package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// longestWait is how long a long poll may wait.
const longestWait = 60 * time.Second

var (
	mayRead   = []api.Scope{api.ScopeRead}
	mayCancel = []api.Scope{api.ScopeSubmit, api.ScopeDeploy}
)

func (a *API) registerJobs() {
	status := route{
		method: http.MethodGet, path: api.PathJob, id: "get-job", tag: "jobs", scopes: mayRead, summary: "A job's status",
		description: "With If-None-Match and wait it answers as soon as the status has changed, or 304 when the time is over.",
	}
	a.handle(status, a.status)
	a.enter(status, []*huma.Param{
		parameter("query", "wait", "How long to wait for a change, in seconds or as 30s; 60 s at most."),
		parameter("header", "If-None-Match", "The ETag of the status that is known."),
	}, response{http.StatusOK, "application/json", a.schema(reflect.TypeFor[backend.JobStatusResponse]()), []string{"ETag"}},
		response{status: http.StatusNotModified, headers: []string{"ETag"}})

	register(a, route{method: http.MethodGet, path: api.PathJobs, id: "list-jobs", tag: "jobs", scopes: mayRead, summary: "Own jobs, newest first"}, a.list)
	register(a, route{
		method: http.MethodDelete, path: api.PathJob, id: "cancel-job", tag: "jobs", scopes: mayCancel, waits: true, class: watchers, summary: "Cancel a job",
		also: http.StatusAccepted, description: "200: the work has stopped. 202: it is stopping. 409: the job had ended.",
	}, a.cancel)
	register(a, route{method: http.MethodGet, path: api.PathResult, id: "get-result", tag: "jobs", scopes: mayRead, summary: "The result of a completed job"}, a.result)
	register(a, route{method: http.MethodGet, path: api.PathManifest, id: "list-artifacts", tag: "files", scopes: mayRead, summary: "The files of a completed job"}, a.manifest)
	events := route{
		method: http.MethodGet, path: api.PathEvents, id: "watch-job", tag: "jobs", scopes: mayRead, waits: true, class: watchers, status: http.StatusSwitchingProtocols,
		summary: "A job's events over a WebSocket",
		description: "Every message is an Event as JSON, first those kept with a number above after, then live ones. " +
			"The service closes with 1000 behind the terminal one, with 1001 when it goes away, with 1013 when the caller was too slow to read (the reason names the number to go on after), with 1011 and a fault's code as the reason when it must end.",
	}
	a.handle(events, a.watch)
	a.enter(events, []*huma.Param{parameter("query", "after", "The number of the last event seen.")},
		response{http.StatusSwitchingProtocols, "application/json", a.schema(reflect.TypeFor[backend.Event]()), nil})
}

// representation is an answer that was prepared: its text and its strong ETag.
type representation struct {
	body  []byte
	etag  string
	media string
}

func represent(v any) representation {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // the bodies of package api all marshal
	}
	return representation{body: body, etag: tag(body), media: "application/json"}
}

// tag is a strong ETag of a text.
func tag(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
}

// known says whether If-None-Match names the representation.
func (rep representation) known(ifNoneMatch string) bool {
	return ifNoneMatch == "*" || (ifNoneMatch != "" && strings.Contains(ifNoneMatch, rep.etag))
}

var revalidate = []string{"private, no-cache"}

// send answers the representation, or 304 to those who know it.
func (rep representation) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Etag"] = []string{rep.etag}
	h["Cache-Control"] = revalidate
	if rep.known(r.Header.Get("If-None-Match")) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"] = []string{rep.media}
	h["Content-Length"] = []string{strconv.Itoa(len(rep.body))}
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(rep.body)
	}
}

// status answers GET of a job. It is the call that comes most often, so it does no more than it must.
func (a *API) status(w http.ResponseWriter, r *http.Request) error {
	c := callOf(r.Context())
	c.job = r.PathValue("id")
	known := r.Header.Get("If-None-Match")
	wait, err := waitOf(r)
	if err != nil {
		return err
	}
	if wait == 0 || known == "" {
		status, err := a.o.Service.Status(r.Context(), c.grant.Caller, c.job)
		if err != nil {
			return err
		}
		represent(status).send(w, r)
		return nil
	}
	if err := a.watches(r.Context(), c); err != nil {
		return err
	}
	c.waits = true
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer a.waiting.add(cancel)()
	status, err := a.o.Service.StatusWhen(ctx, c.grant.Caller, c.job, func(s backend.JobStatusResponse) bool { return represent(s).known(known) }, wait)
	if ctx.Err() != nil && r.Context().Err() == nil { // the service goes away
		status, err = a.o.Service.Status(r.Context(), c.grant.Caller, c.job)
	}
	if err != nil {
		return err
	}
	represent(status).send(w, r)
	return nil
}

// waitOf reads the only parameter that GET of a job knows.
func waitOf(r *http.Request) (time.Duration, error) {
	if r.URL.RawQuery == "" {
		return 0, nil
	}
	query := r.URL.Query()
	if err := onlyQuery(query, "wait"); err != nil {
		return 0, err
	}
	if !query.Has("wait") {
		return 0, nil
	}
	wait, err := backend.ParseDuration(query.Get("wait"))
	if err != nil {
		return 0, malformed([]fault.Problem{{Key: "wait", Message: err.Error()}})
	}
	return min(wait, longestWait), nil
}

type jobQuery struct {
	Status    backend.JobStatus `query:"status" enum:"pending,running,completed,failed,cancelled"`
	Operation backend.Operation `query:"operation" enum:"scan,generate-iac,create-tenant,generate-spec,visualize,snapshot-query,snapshot-diff,snapshot-export,snapshot-path,snapshot-reach"`
	TenantID  string            `query:"tenant_id"`
	Limit     int               `query:"limit" minimum:"1" maximum:"1000" doc:"At most so many; 100 if it is left out."`
	Cursor    string            `query:"cursor" doc:"The cursor of the page before."`
}

func (a *API) list(ctx context.Context, c *call, in *jobQuery) (*struct{ Body backend.JobPage }, error) {
	page, err := a.o.Service.List(ctx, c.grant.Caller, backend.JobFilter(*in))
	if err != nil {
		return nil, err
	}
	return &struct{ Body backend.JobPage }{page}, nil
}

type jobPath struct {
	ID string `path:"id" doc:"The job's id."`
}

type cancelled struct {
	Status int
	Body   api.Cancellation
}

func (a *API) cancel(ctx context.Context, c *call, in *jobPath) (*cancelled, error) {
	c.job = in.ID
	status, stopped, err := a.o.Service.Cancel(ctx, c.grant.Caller, in.ID, a.o.CancelPatience)
	if err != nil {
		return nil, err
	}
	out := &cancelled{Status: http.StatusOK, Body: api.Cancellation{JobStatusResponse: status, CancelRequested: !stopped}}
	if !stopped {
		out.Status = http.StatusAccepted
	}
	return out, nil
}

func (a *API) result(ctx context.Context, c *call, in *jobPath) (*struct{ Body api.Result }, error) {
	c.job = in.ID
	op, result, err := a.o.Service.Result(ctx, c.grant.Caller, in.ID)
	if err != nil {
		return nil, err
	}
	return &struct{ Body api.Result }{api.Result{JobID: in.ID, Operation: op, Result: result}}, nil
}

func (a *API) manifest(ctx context.Context, c *call, in *jobPath) (*struct{ Body api.Manifest }, error) {
	c.job = in.ID
	files, err := a.o.Service.Artifacts(ctx, c.grant.Caller, in.ID)
	if err != nil {
		return nil, err
	}
	m := api.Manifest{JobID: in.ID, Artifacts: files}
	for _, f := range files {
		m.TotalSize += f.Size
	}
	return &struct{ Body api.Manifest }{m}, nil
}

// onlyQuery refuses parameters that a call does not know.
func onlyQuery(query url.Values, known ...string) error {
	var problems []fault.Problem
	for name := range query {
		if !slices.Contains(known, name) {
			problems = append(problems, unknown(name, name, known))
		}
	}
	if len(problems) > 0 {
		return malformed(problems)
	}
	return nil
}
