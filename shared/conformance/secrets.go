package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// silent is a log that nobody reads.
var silent = slog.New(slog.DiscardHandler)

// canary is the value of a secret that must be seen nowhere.
const canary = "canary-7f3a-must-not-be-seen"

var secretChecks = []Check{
	{
		Name:        "secrets/nowhere",
		Requirement: "The value of a secret setting stands in no fault, event, result or file name, and in no log line.",
		Run: func(ctx context.Context, s *Subject) error {
			schema, err := s.schema(ctx)
			if err != nil {
				return err
			}
			secrets := map[string]any{}
			for name, p := range schema.Properties {
				if p.WriteOnly && p.takes("string") {
					secrets[name] = canary
				}
			}
			if len(secrets) == 0 {
				return skipped{"the schema marks no text as secret"}
			}
			if s.Program == nil {
				return s.fresh(ctx, false, func(b backend.Backend) error { return seen(canary, s.everything(ctx, b, secrets)) })
			}
			return s.alone(ctx, func(r *running) error {
				places := s.everything(ctx, r.client, secrets)
				_ = r.client.Close(ctx)
				_ = r.stdin.Close()
				if err := r.ends(ctx, endGrace); err != nil {
					return err
				}
				places["the log"] = r.written.String()
				return seen(canary, places)
			})
		},
	},
	{
		Name:        "errors/shape",
		Requirement: "Every error is a fault: a known code, and a message that is one sentence without a final period.",
		Run: func(ctx context.Context, s *Subject) error {
			b := s.configured
			_, unknown := b.GetJob(ctx, "no-such-job")
			_, result := b.GetResult(ctx, "no-such-job")
			errs := map[string]error{"GetJob of an unknown job": unknown, "GetResult of one": result}
			for _, op := range backend.Operations() {
				if !s.can.Can(op) {
					_, errs["Submit of what it cannot do"] = b.Submit(ctx, backend.Submission{Request: backend.NewRequest(op)})
				}
			}
			if err := s.fresh(ctx, false, func(b backend.Backend) error {
				errs["Configure with an unknown setting"] = b.Configure(ctx, s.with(map[string]any{"no_such_setting_at_all": true}))
				return nil
			}); err != nil {
				return err
			}
			for call, err := range errs {
				f := fault.As(err)
				switch {
				case f == nil:
					return fmt.Errorf("%s: %w is no fault", call, errOrNone(err))
				case !f.Code.Known() || f.Code == fault.Internal:
					return fmt.Errorf("%s: the code is %q (%w)", call, f.Code, f)
				case f.Message == "" || strings.Contains(f.Message, "\n") || strings.HasSuffix(f.Message, "."):
					return fmt.Errorf("%s: the message is %q", call, f.Message)
				}
			}
			return nil
		},
	},
}

// everything is what a backend with the secrets lets be seen, by where. It need not work: no service may know the secrets.
func (s *Subject) everything(ctx context.Context, b backend.Backend, secrets map[string]any) map[string]string {
	places := map[string]string{}
	add := func(place string, value any, err error) {
		text, _ := json.Marshal(value)
		places[place] += string(text)
		for f := fault.As(err); f != nil; f = fault.As(f.Cause) {
			places["a fault of "+place] += fmt.Sprintf("%v %+v %v", err, *f, f.Cause)
		}
	}
	err := b.Configure(ctx, s.with(secrets))
	add("Configure", nil, err)
	if err != nil {
		return places
	}
	d, err := b.Describe(ctx)
	add("Describe", d, err)
	add("CheckHealth", b.CheckHealth(ctx), nil)
	if !s.can.Can(backend.OpScan) {
		return places
	}
	request := s.Scan
	job, err := b.Submit(ctx, backend.Submission{Request: &request})
	add("Submit", job, err)
	if err != nil {
		return places
	}
	add("WatchJob", nil, b.WatchJob(ctx, job.JobID, 0, func(e backend.Event) error { add("an event", e, nil); return nil }))
	result, err := b.GetResult(ctx, job.JobID)
	add("GetResult", result, err)
	if scan, ok := result.(*backend.ScanResult); ok && scan.Snapshot != nil {
		s.made = append(s.made, scan.Snapshot.ID)
	}
	if store, ok := b.(backend.ArtifactStore); ok && s.can.Has(backend.FeatureArtifacts) {
		files, err := store.ListArtifacts(ctx, job.JobID)
		add("ListArtifacts", files, err)
	}
	return places
}
