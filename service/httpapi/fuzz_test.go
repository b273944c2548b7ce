package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// FuzzBodies sends any body to any operation, alone and in a batch. Whatever it is, the answer is a job or a problem, both ways are
// of one mind, and what was taken is what was sent.
func FuzzBodies(f *testing.F) {
	g := newRig(f, nil)
	g.snapshot("s1", "x")
	g.snapshot("s2", "x")
	for i, body := range []string{
		`{}`, `{"tenant_id":"t1","depth":"resources","tags":{"a":"b"},"resource_limit":5}`, `{"output_format":"bicep","filters":{}}`, `null`, `[]`, `{"a":`, `"x"`,
		`{"after":"s2","before":"s1"}`, `{"from":"a","to":"b","max_hops":-1}`, `{"tenant_id":null}`, `{"Tenant_ID":"t1"}`, `{"resource_limit":1e400}`, `{"resource_limit":9223372036854775808}`,
		`{"subscriptions":[null]}`, `{"tenant_id":"\ud800"}`, `{"node":"a"} `,
	} {
		f.Add(i, body)
	}
	send := func(t *testing.T, path, body string) (int, []byte) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+g.key)
		w := httptest.NewRecorder()
		g.api.ServeHTTP(w, r)
		return w.Code, w.Body.Bytes()
	}
	f.Fuzz(func(t *testing.T, n int, body string) {
		op := backend.Operations()[uint(n)%uint(len(backend.Operations()))]
		status, answer := send(t, api.Fill(api.PathOf(op), "s1"), body)
		switch {
		case status == http.StatusAccepted:
			var job backend.JobStatusResponse
			if err := json.Unmarshal(answer, &job); err != nil || job.Operation != op {
				t.Fatalf("%s %s: %s", op, body, answer)
			}
		case status >= 400 && status < 500 || status == http.StatusNotImplemented:
			var p api.Problem
			if err := json.Unmarshal(answer, &p); err != nil || p.Status != status || !p.Code.Known() || p.Title == "" {
				t.Fatalf("%s %s: %d %s", op, body, status, answer)
			}
		default:
			t.Fatalf("%s %s: %d %s", op, body, status, answer)
		}
		if !json.Valid([]byte(body)) {
			return
		}
		if api.NewBody(op).OnSnapshot() != nil {
			return // the path names the snapshot, in a batch the body does
		}
		batch, answer := send(t, api.PathBatch, `{"operations":[{"operation":"`+string(op)+`","body":`+body+`}]}`)
		var items api.BatchAnswer
		if batch == http.StatusBadRequest && status == http.StatusBadRequest {
			return // what cannot be read at all, such as 1e400, spoils the batch
		}
		if err := json.Unmarshal(answer, &items); batch != http.StatusOK || err != nil {
			t.Fatalf("%s %s: in a batch %d %s", op, body, batch, answer)
		}
		if taken := items.Items[0].Job != nil; taken != (status == http.StatusAccepted) {
			t.Fatalf("%s %s: alone %d, in a batch %s", op, body, status, answer)
		}
	})
}
