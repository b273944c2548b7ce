package remote

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Each of the specification's exceptions, however the service words it, is that exception here, with its
// remedy.
func TestExceptions(t *testing.T) {
	get := func(t *testing.T, c *RemoteClient) error { _, err := c.GetJobStatus(t.Context(), "j1"); return err }
	result := func(t *testing.T, c *RemoteClient) error { _, err := c.GetJobResult(t.Context(), "j1"); return err }
	file := func(t *testing.T, c *RemoteClient) error {
		_, err := c.DownloadArtifacts(t.Context(), "j1", t.TempDir(), func(backend.Progress) {})
		return err
	}
	cases := map[string]struct {
		path   string
		then   string // what else is asked for; answered with a job
		call   func(t *testing.T, c *RemoteClient) error
		status int
		bodies []string
		class  fault.Class
		code   fault.Code
	}{
		"AuthenticationError": {path: "/api/v1/jobs/j1", call: get, status: 401, class: fault.ErrAuthentication, code: fault.AuthFailed,
			bodies: []string{`{"title":"x","code":"auth_failed","status":401}`, `{"error":{"code":"auth_failed","message":"x"}}`, `{"detail":"Invalid API key"}`, `{"message":"x"}`, "Unauthorized", ""}},
		"AuthenticationError, forbidden": {path: "/api/v1/jobs/j1", call: get, status: 403, class: fault.ErrAuthentication, code: fault.Forbidden,
			bodies: []string{`{"title":"x","code":"forbidden","status":403}`, `{"detail":"x"}`, "no", ""}},
		"JobNotFoundError": {path: "/api/v1/jobs/j1", call: get, status: 404, class: fault.ErrJobNotFound, code: fault.JobNotFound,
			bodies: []string{`{"title":"x","code":"job_not_found","status":404}`, `{"detail":"Job not found"}`, "404 page not found", ""}},
		"JobNotCompleteError": {path: "/api/v1/jobs/j1/result", then: "/api/v1/jobs/j1", call: result, status: 409, class: fault.ErrJobNotComplete, code: fault.JobNotComplete,
			bodies: []string{`{"title":"x","code":"job_not_complete","status":409,"hint":"wait"}`, `{"detail":"Job is running"}`, ""}},
		"ArtifactsNotAvailableError": {path: "/api/v1/jobs/j1/artifacts/manifest", call: file, status: 404, class: fault.ErrArtifactsNotAvailable, code: fault.ArtifactsNotAvailable,
			bodies: []string{`{"title":"x","code":"artifacts_not_available","status":404}`}},
		"ArtifactsNotAvailableError, without a manifest": {path: "/api/v1/jobs/j1/artifacts(/manifest)?", call: file, status: 404, class: fault.ErrArtifactsNotAvailable, code: fault.ArtifactsNotAvailable,
			bodies: []string{`{"detail":"x"}`, ""}},
		"ServiceUnavailableError": {path: "/api/v1/jobs/j1", call: get, status: 503, class: fault.ErrServiceUnavailable, code: fault.ServiceUnavailable,
			bodies: []string{`{"title":"x","code":"service_unavailable","status":503}`, `{"detail":"x"}`, "<html>502", ""}},
		"ServiceUnavailableError, throttled": {path: "/api/v1/jobs/j1", call: get, status: 429, class: fault.ErrServiceUnavailable, code: fault.Throttled,
			bodies: []string{`{"title":"x","code":"throttled","status":429}`, `{"detail":"x"}`, ""}},
		"RemoteExecutionError": {path: "/api/v1/jobs/j1", call: get, status: 500, class: fault.ErrRemoteExecution, code: fault.RemoteFailed,
			bodies: []string{`{"title":"x","code":"remote_failed","status":500}`, `{"detail":"x"}`, "oops", ""}},
	}
	for name, c := range cases {
		for i, body := range c.bodies {
			t.Run(fmt.Sprintf("%s, %d", name, i), func(t *testing.T) {
				mocked(t, func(t *testing.T, client *RemoteClient) {
					client.config.MaxRetries = 0
					mock("GET", c.path).Reply(c.status).BodyString(body)
					if c.path == "/api/v1/jobs/j1/artifacts(/manifest)?" {
						mock("GET", c.path).Reply(c.status).BodyString(body)
					}
					if c.then != "" {
						mock("GET", c.then).Reply(http.StatusOK).BodyString(jobJSON)
					}
					err := c.call(t, client)
					f := fault.As(err)
					if !errors.Is(err, c.class) || !errors.Is(err, fault.ErrExecution) || !errors.Is(err, fault.ErrRemoteExecution) || f.Code != c.code {
						t.Fatalf("the answer is %v (%s)", err, fault.CodeOf(err))
					}
					if f.Hint == "" || f.Message == "" || f.Origin != fault.OriginService {
						t.Errorf("nobody knows what to do about %+v", f)
					}
				})
			})
		}
	}
}

// A code of tomorrow is kept, and what the service says with it.
func TestUnknownCode(t *testing.T) {
	mocked(t, func(t *testing.T, c *RemoteClient) {
		mock("GET", "/api/v1/jobs/j1").Reply(http.StatusTeapot).BodyString(`{"title":"x","code":"of_tomorrow","status":418,"hint":"h","problems":[{"message":"p"}]}`)
		_, err := c.GetJobStatus(t.Context(), "j1")
		if f := fault.As(err); f == nil || f.Code != "of_tomorrow" || f.Hint != "h" || len(f.Problems) != 1 {
			t.Errorf("the answer is %+v", f)
		}
	})
}
