package api_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// FuzzDecodeProblem: whatever answers a request, a refusal is a fault with a code and a message of bounded length, and as a problem
// again it is the same.
func FuzzDecodeProblem(f *testing.F) {
	const problem = "application/problem+json"
	f.Add(404, problem, []byte(`{"title":"there is no job x","status":404,"detail":"there is no job x: gone","code":"job_not_found","hint":"h","retryable":true,"resource":"x","origin":"service","problems":[{"key":"k","message":"m","line":-1}]}`))
	f.Add(500, "application/json", []byte(`{"error":{"code":"throttled","message":"slow down"}}`))
	f.Add(422, "application/json", []byte(`{"detail":[{"loc":["body"],"msg":"field required"}]}`))
	f.Add(502, "text/html; charset=utf-8", []byte("<!DOCTYPE html><title>Bad gateway\x00</title>"))
	f.Add(401, "", []byte("\xff\x1b[2J no\r\nentry"))
	f.Add(-1, ";;", []byte(`{"title":`+strings.Repeat(`[`, 200)))
	f.Add(400, "", []byte(`{"message":"`+strings.Repeat("é", 9000)+`"}`))
	f.Fuzz(func(t *testing.T, status int, media string, body []byte) {
		got := api.DecodeProblem(status, media, body, fault.JobNotFound)
		if got == nil || got.Code == "" || got.Message == "" {
			t.Fatalf("no fault: %#v", got)
		}
		if n := len(got.Message); n > api.MaxText || !utf8.ValidString(got.Message) {
			t.Fatalf("a message of %d bytes: %q", n, got.Message)
		}
		content, err := json.Marshal(api.ProblemOf(got))
		if err != nil {
			t.Fatal(err)
		}
		again := api.DecodeProblem(api.StatusOf(got.Code), api.ProblemType, content, "")
		want := *got
		if want.Origin == "" {
			want.Origin = fault.OriginService
		}
		if want.Error() != again.Error() || cmp.Diff(&want, again, cmpopts.IgnoreFields(fault.Fault{}, "Cause"), cmpopts.EquateEmpty()) != "" {
			t.Errorf("%#v became %#v", got, again)
		}
	})
}

// FuzzResult: a result of any operation is one of its type, or a fault.
func FuzzResult(f *testing.F) {
	f.Add("scan", []byte(`{"success":true,"snapshot":{"id":"x"},"coverage":{"entries":[{"fault":null}]}}`))
	f.Add("generate-iac", []byte(`{"omitted":[{}],"files_generated":[null]}`))
	f.Add("create-tenant", []byte(`{"plan":{"steps":[{}]}}`))
	f.Add("x", []byte(`null`))
	f.Fuzz(func(t *testing.T, op string, content []byte) {
		got, err := api.Result{JobID: "j", Operation: backend.Operation(op), Result: content}.DecodeResult()
		if err != nil {
			if fault.CodeOf(err) != fault.RemoteFailed {
				t.Fatal(err)
			}
			return
		}
		if got.Operation() != backend.Operation(op) {
			t.Errorf("%s became the result of %s", op, got.Operation())
		}
		if _, err := json.Marshal(got); err != nil {
			t.Error(err)
		}
	})
}

// FuzzPath: whatever a job or a file is called, its URL has as many segments as it should, and gives the names back.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"j/1", "..", "%2e%2e/%2F", "a b?c#d", "\xff", "", "ü/\x00"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, id, file string) {
		path := api.Fill(api.PathJob, id)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://x"+path, nil)
		if err != nil {
			t.Fatalf("%q: %v", path, err)
		}
		if prefix := strings.TrimSuffix(api.PathJob, "{id}"); r.URL.Path != prefix+id || r.URL.RawQuery != "" || r.URL.Fragment != "" || strings.Contains(strings.TrimPrefix(r.URL.EscapedPath(), prefix), "/") {
			t.Errorf("%q became %q, %q", id, path, r.URL.Path)
		}
		if r, err = http.NewRequestWithContext(t.Context(), http.MethodGet, "https://x"+api.FilePath("j", file), nil); err != nil || !strings.HasSuffix(r.URL.Path, "/"+file) || r.URL.RawQuery != "" || r.URL.Fragment != "" {
			t.Errorf("%q became %q: %v", file, api.FilePath("j", file), err)
		}
	})
}
