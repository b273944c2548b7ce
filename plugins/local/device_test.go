package local_test

import (
	"testing"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

func TestSignInElsewhere(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{})
	settings["auth"] = "device-code"
	b := start(t, settings)
	job, err := b.Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{}})
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	if err := b.WatchJob(t.Context(), job.JobID, 0, func(e backend.Event) error {
		if e.SignIn != nil {
			if asked++; e.SignIn.URL == "" || !sim.ApproveDevice(e.SignIn.Code) {
				t.Errorf("sign in = %+v", e.SignIn)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if o := finish(t, b, job.JobID); asked != 1 || o.result == nil || !o.result.Complete {
		t.Errorf("asked %d times: %+v", asked, o.job.Fault)
	}
}
