package remote

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/conformance"
)

func TestConformance(t *testing.T) {
	cases := map[string]struct{ change func(*service) }{
		"a service that streams": {func(*service) {}},
		"one that only answers":  {func(s *service) { s.noStream = true }},
		"one without long polls": {func(s *service) { s.noStream, s.noLongPoll = true, true }},
		"one with archives only": {func(s *service) { s.noManifest = true }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newService()
			c.change(s)
			at := s.start(t)
			outcomes, err := conformance.Run(t.Context(), &conformance.Subject{
				Start: func(ctx context.Context) (backend.Backend, func(), error) {
					b := &remote{options: at.options(t)}
					return b, func() { _ = b.Close(ctx) }, nil
				},
				Settings: backend.Settings{
					"service_url": "https://example.com", "api_key": testKey, "ca_file": at.caFile, "job_poll_interval": "100ms",
				},
				Scan: backend.ScanRequest{ResourceLimit: 2},
			}, func(o conformance.Outcome) {
				if o.Err != nil {
					t.Errorf("%s: %v (%s)", o.Check.Name, o.Err, o.Check.Requirement)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range outcomes {
				family, _, _ := strings.Cut(o.Check.Name, "/")
				own := slices.Contains([]string{"parts", "shards", "budget"}, family) // the service's
				own = own || o.Skipped == "the backend runs in this process"          // what is of a program, internal/e2e checks
				if o.Skipped != "" && !own && o.Check.Name != "features/undeclared" {
					t.Errorf("%s was skipped: %s", o.Check.Name, o.Skipped)
				}
			}
		})
	}
}
