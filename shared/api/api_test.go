package api_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// fill gives every field of a request a value, so that one that is forgotten on the way is missed.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("k"), reflect.ValueOf("v"))
	default:
		panic("no value for a " + v.Type().String())
	}
}

func TestEveryRequestArrivesWhole(t *testing.T) {
	for _, op := range backend.Operations() {
		t.Run(string(op), func(t *testing.T) {
			request := backend.NewRequest(op)
			fill(reflect.ValueOf(request).Elem())
			backend.SetTenant(request, "the tenant")
			if request.Tenant() != "the tenant" {
				t.Errorf("SetTenant left %q", request.Tenant())
			}
			body, err := api.BodyOf(backend.Submission{Request: request})
			if err != nil {
				t.Fatal(err)
			}
			sent, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			got := api.NewBody(op)
			if err := json.Unmarshal(sent, got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(request, got.Submission().Request); diff != "" {
				t.Errorf("by %s (-sent +arrived):\n%s", sent, diff)
			}
			path := api.SubmitPath(body)
			if !strings.HasPrefix(path, "/api/v1/") || strings.Contains(path, "{") {
				t.Errorf("it goes to %q", path)
			}
			on := got.OnSnapshot() != nil
			if on != strings.HasPrefix(path, "/api/v1/snapshots/x/") {
				t.Errorf("it goes to %q, and is on a snapshot: %v", path, on)
			}
			if takes := strings.Contains(string(sent), `"snapshot":"x"`) || strings.Contains(string(sent), `"before":"x"`); takes != (len(backend.SnapshotsOf(request)) > 0) {
				t.Errorf("it names %d snapshots in %s", len(backend.SnapshotsOf(request)), sent)
			}
		})
	}
}

func TestASpecificationTravelsByItsSum(t *testing.T) {
	r := &backend.TenantCreationRequest{Spec: "a.md"}
	body, err := api.BodyOf(backend.Submission{Request: r, Inputs: []backend.Input{{Path: "a.md", SHA256: "abc"}}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]backend.Input{{Path: "a.md", SHA256: "abc"}}, body.Submission().Inputs); diff != "" {
		t.Error(diff)
	}
	for name, s := range map[string]backend.Submission{
		"another file":      {Request: r, Inputs: []backend.Input{{Path: "b.md"}}},
		"input of a scan":   {Request: &backend.ScanRequest{}, Inputs: []backend.Input{{Path: "a"}}},
		"parts":             {Request: &backend.ScanRequest{}, Parts: []backend.Part{{Key: "k"}}},
		"a work folder":     {Request: &backend.ScanRequest{}, WorkDir: "/w"},
		"no such operation": {},
	} {
		if _, err := api.BodyOf(s); fault.CodeOf(err) != fault.Unsupported {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAFaultTravelsWhole(t *testing.T) {
	for _, code := range fault.Codes() {
		f := fault.New(code, "what happened", fault.Hint("what to do"), fault.On("r"), fault.From(fault.OriginAzure), fault.Retryable(),
			fault.Problems(fault.Problem{Key: "k", Message: "m", Hint: "h", Line: 1, Column: 2}), fault.Because(errors.New("why")))
		p := api.ProblemOf(f)
		sent, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		got := api.DecodeProblem(p.Status, api.ProblemType, sent, "")
		if diff := cmp.Diff(f, got, cmp.Comparer(func(a, b error) bool { return a.Error() == b.Error() })); diff != "" || p.Status < 400 {
			t.Errorf("%s, status %d (-sent +arrived):\n%s", code, p.Status, diff)
		}
		if got.Hint != f.Hint || got.Code != code || !got.Retryable || got.Resource != "r" || got.Origin != fault.OriginAzure || !cmp.Equal(f.Problems, got.Problems) {
			t.Errorf("%s arrived as %+v", code, got)
		}
	}
	s := &backend.JobStatusResponse{Error: "what happened: why", Fault: fault.New(fault.JobFailed, "what happened")}
	if api.Restore(s); s.Fault.Error() != "what happened: why" {
		t.Errorf("a job's fault is %v", s.Fault)
	}
}

func TestWhatOthersAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		status      int
		media, body string
		want        fault.Code
		says, hides string
	}{
		"error object":      {400, "application/json", `{"error":{"code":"conflict","message":"taken"}}`, fault.Conflict, "taken", ""},
		"unknown code":      {409, "application/json", `{"error":{"code":"E42","message":"taken"}}`, fault.Conflict, "taken", "E42"},
		"detail":            {503, "application/json", `{"detail":"too busy"}`, fault.ServiceUnavailable, "too busy", ""},
		"message":           {429, "application/json", `{"message":"slow down"}`, fault.Throttled, "slow down", ""},
		"plain text":        {502, "text/plain", "upstream\nis gone", fault.ServiceUnavailable, "upstream is gone", ""},
		"a page":            {500, "text/html", "<html>secret stuff</html>", fault.RemoteFailed, "web page", "secret"},
		"a page as text":    {403, "text/plain", "<!DOCTYPE html>secret", fault.Forbidden, "web page", "secret"},
		"nothing":           {404, "", "", fault.JobNotFound, "404", ""},
		"half an object":    {500, "application/json", `{"code":`, fault.RemoteFailed, "500", ""},
		"a long text":       {500, "text/plain", strings.Repeat("ä", 5000), fault.RemoteFailed, "…", ""},
		"a proxy's refusal": {407, "", "", fault.AuthFailed, "407", ""},
		"a status unknown":  {599, "", "", fault.RemoteFailed, "599", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := api.DecodeProblem(c.status, c.media, []byte(c.body), fault.JobNotFound)
			if f.Code != c.want || !strings.Contains(f.Message, c.says) || c.hides != "" && strings.Contains(f.Message, c.hides) || len(f.Message) > 500 {
				t.Errorf("%s: %.300s", f.Code, f.Message)
			}
		})
	}
	if api.StatusOf("no_such_code") != http.StatusInternalServerError {
		t.Error("an unknown code is no server error")
	}
}

func TestPaths(t *testing.T) {
	for got, want := range map[string]string{
		api.Fill(api.PathJob, "a/b ?"):           "/api/v1/jobs/a%2Fb%20%3F",
		api.FilePath("j", "modules/a b.tf"):      "/api/v1/jobs/j/artifacts/files/modules/a%20b.tf",
		api.Fill(api.PathSnapshotQuery, "s"):     "/api/v1/snapshots/s/query",
		api.SubmitPath(&api.SnapshotQueryBody{}): "/api/v1/snapshots/latest/query",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
