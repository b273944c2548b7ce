package httpapi

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"path"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// mayBringInputs are the scopes of operations that take inputs.
var mayBringInputs = []api.Scope{api.ScopeDeploy, api.ScopeSubmit}

var ranges = []*huma.Param{
	parameter("header", "Range", "Bytes to answer, as RFC 9110 has it."),
	parameter("header", "If-Range", "The ETag that the range must be of."),
	parameter("header", "If-None-Match", "The ETag of what is known."),
}

func fileResponses(media string) []response {
	headers := []string{"ETag", "Accept-Ranges", "Content-Length", "Content-Disposition"}
	return []response{
		{http.StatusOK, media, rawBytes, headers},
		{http.StatusPartialContent, media, rawBytes, append([]string{"Content-Range"}, headers...)},
		{status: http.StatusNotModified, headers: []string{"ETag"}},
	}
}

func (a *API) registerFiles() {
	file := route{
		method: http.MethodGet, path: api.PathFile + "{path}", id: "get-artifact", tag: "files", scopes: mayRead, waits: true, class: transfers,
		summary: "One file of a completed job", description: "The ETag is the file's SHA-256.",
	}
	a.handle(file, a.file)
	a.enter(file, ranges, fileResponses(anyFile)...)

	archive := route{
		method: http.MethodGet, path: api.PathArchive, id: "get-archive", tag: "files", scopes: mayRead, waits: true, class: transfers,
		summary: "All files of a completed job as a zip", description: "It is not compressed, and the same bytes each time, so that ranges of it can be had.",
	}
	a.handle(archive, a.archive)
	a.enter(archive, ranges, fileResponses("application/zip")...)

	input := route{
		method: http.MethodPut, path: api.PathInput, id: "put-input", tag: "operations", scopes: mayBringInputs, work: true, waits: true, class: transfers,
		summary: "Bring a file that an operation needs", description: "201: it is new. 200: it was there.",
	}
	a.handle(input, a.putInput)
	schema := a.schema(reflect.TypeFor[backend.Input]())
	a.enter(input, nil, response{http.StatusCreated, "application/json", schema, nil}, response{http.StatusOK, "application/json", schema, nil})
	a.huma.OpenAPI().Paths[api.PathInput].Put.RequestBody = &huma.RequestBody{
		Required: true, Content: map[string]*huma.MediaType{anyFile: {Schema: rawBytes}},
	}
}

const anyFile = "application/octet-stream"

func (a *API) file(w http.ResponseWriter, r *http.Request) error {
	c := callOf(r.Context())
	c.job = r.PathValue("id")
	f, err := a.o.Service.OpenArtifact(r.Context(), c.grant.Caller, c.job, r.PathValue("path"))
	if err != nil {
		return err
	}
	return a.serveFile(w, r, f, path.Base(r.PathValue("path")))
}

// serveFile answers an open file under a name, with ranges, and closes it.
func (a *API) serveFile(w http.ResponseWriter, r *http.Request, f jobs.File, name string) error {
	defer f.Close() //nolint:errcheck // it was only read
	return a.serveContent(w, r, f, anyFile, name, `"`+f.Artifact().SHA256+`"`)
}

func (a *API) serveContent(w http.ResponseWriter, r *http.Request, content io.ReadSeeker, media, name, etag string) error {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Etag", etag)
	h["Cache-Control"] = revalidate
	out, in := newStreamWriter(w, a.o.StreamPatience), &erring{ReadSeeker: content}
	http.ServeContent(out, r, "", time.Time{}, in)
	if in.err != nil {
		return fault.New(fault.Internal, "the file cannot be read", fault.Because(in.err))
	}
	return out.refusal()
}

func (a *API) archive(w http.ResponseWriter, r *http.Request) error {
	c := callOf(r.Context())
	c.job = r.PathValue("id")
	files, err := a.o.Service.Artifacts(r.Context(), c.grant.Caller, c.job)
	if err != nil {
		return err
	}
	job, err := a.o.Service.Status(r.Context(), c.grant.Caller, c.job)
	if err != nil {
		return err
	}
	made := job.CreatedAt
	if job.CompletedAt != nil {
		made = *job.CompletedAt
	}
	z := newArchive(files, made, &a.crcs, func(f backend.Artifact) (io.ReadSeekCloser, error) {
		return a.o.Service.OpenArtifact(r.Context(), c.grant.Caller, c.job, f.Path)
	})
	defer z.Close() //nolint:errcheck // it was only read
	return a.serveContent(w, r, z, "application/zip", c.job+".zip", z.etag())
}

func (a *API) putInput(w http.ResponseWriter, r *http.Request) error {
	sum, limit := r.PathValue("sha256"), a.o.Capabilities.Limits.InputBytes
	if !isSHA256(sum) {
		return malformed([]fault.Problem{{Key: "sha256", Message: "it is no SHA-256: 64 hexadecimal digits in lower case"}})
	}
	if r.ContentLength > limit {
		return withStatus{tooLarge("the file", limit), http.StatusRequestEntityTooLarge}
	}
	body := &streamReader{Reader: http.MaxBytesReader(w, r.Body, limit), control: http.NewResponseController(w), patience: a.o.StreamPatience}
	in, created, err := a.o.Service.PutInput(r.Context(), callOf(r.Context()).grant.Caller, sum, body)
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return withStatus{tooLarge("the file", limit), http.StatusRequestEntityTooLarge}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return slowBody()
	}
	if err != nil {
		return err
	}
	if !created { // take what still comes, so that the caller gets to read the answer
		if _, err := io.Copy(io.Discard, body); err != nil {
			return fault.New(fault.InvalidArgument, "the file did not arrive", fault.Because(err), fault.Retryable())
		}
	}
	answer := represent(in)
	h := w.Header()
	h.Set("Content-Type", answer.media)
	if created {
		w.WriteHeader(http.StatusCreated)
	}
	_, _ = w.Write(answer.body)
	return nil
}

func isSHA256(s string) bool {
	if len(s) != 64 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
