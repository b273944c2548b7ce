package conformance_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/conformance"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// run runs the checks on a backend made anew at each start and answers what failed and was skipped.
func run(t *testing.T, start func() backend.Backend, only ...string) (failed, skipped map[string]string) {
	t.Helper()
	failed, skipped = map[string]string{}, map[string]string{}
	s := &conformance.Subject{
		Start: func(context.Context) (backend.Backend, func(), error) {
			b := start()
			return b, func() {
				if b, ok := b.(*broken); ok {
					_ = b.reference.Close(context.WithoutCancel(t.Context()))
				}
			}, nil
		},
		Patience: time.Minute,
	}
	if len(only) > 0 && len(only) < 10 {
		s.Patience = 5 * time.Second // a slow defect uses it up
	}
	if len(only) > 0 {
		s.Only = func(c conformance.Check) bool { return slices.Contains(only, c.Name) }
	}
	seen := 0
	if _, err := conformance.Run(t.Context(), s, func(o conformance.Outcome) {
		seen++
		if o.Err != nil {
			failed[o.Check.Name] = o.Err.Error()
		}
		if o.Skipped != "" {
			skipped[o.Check.Name] = o.Skipped
		}
	}); err != nil {
		t.Fatal(err)
	}
	if len(only) == 0 && seen != len(conformance.Checks()) {
		t.Errorf("%d of %d checks were reported", seen, len(conformance.Checks()))
	}
	return failed, skipped
}

func TestTheReferencePasses(t *testing.T) {
	var shared *reference
	failed, skipped := run(t, func() backend.Backend {
		r := newReference()
		if shared == nil {
			shared = r
		}
		return r
	})
	if len(failed) > 0 {
		t.Errorf("failed: %v", failed)
	}
	want := map[string]string{
		"features/undeclared":      "the backend declares every feature that it has",
		"durable_jobs/found-again": "the backend does not declare durable_jobs",
	}
	for _, c := range conformance.Checks() {
		if slices.Contains(programDefects, c.Name) && !strings.HasPrefix(c.Name, "messages/") && c.Name != "versions/unknown-values" && c.Name != "secrets/nowhere" {
			want[c.Name] = "the backend runs in this process"
		}
	}
	if d := cmp.Diff(want, skipped); d != "" {
		t.Errorf("skipped (-want +got):\n%s", d)
	}
	if n := shared.left(); n > 2 { // those of cancelled jobs that had finished before
		t.Errorf("the checks left %d snapshots", n)
	}
}

func TestChecksAreNamedOnceAndSayWhatTheyRequire(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range conformance.Checks() {
		if seen[c.Name] || !strings.Contains(c.Name, "/") || !strings.HasSuffix(c.Requirement, ".") {
			t.Errorf("check %q: %q", c.Name, c.Requirement)
		}
		seen[c.Name] = true
	}
}

// TestEveryCheckCanFail breaks the reference in one way for each check.
func TestEveryCheckCanFail(t *testing.T) {
	ctx := t.Context()
	n := 0
	defects := map[string]func(*broken){
		"describe/unconfigured": func(b *broken) { b.describe = func(d *backend.Description) { d.Name = "Not A Name" } },
		"describe/settings-schema": func(b *broken) {
			b.describe = func(d *backend.Description) { d.SettingsSchema = []byte(`{"type":"object"}`) }
		},
		"configure/unknown-setting": func(b *broken) { b.configure = func(backend.Settings) error { return nil } },
		"configure/all-at-once": func(b *broken) {
			b.configure = func(s backend.Settings) error {
				f := fault.As(takeSettings(s))
				if f == nil {
					return nil
				}
				slices.SortFunc(f.Problems, func(a, b fault.Problem) int { return strings.Compare(b.Key, a.Key) })
				f.Problems = f.Problems[:1]
				return f
			}
		},
		"errors/shape": func(b *broken) {
			b.get = func(r *reference, id string) (backend.JobStatusResponse, error) {
				job, err := r.GetJob(ctx, id)
				if err != nil {
					return job, fault.New(fault.JobNotFound, "There is no such job.")
				}
				return job, nil
			}
		},
		"jobs/side-by-side": func(b *broken) {
			var mu sync.Mutex
			at, last := 0, backend.JobStatusResponse{}
			b.submit = func(r *reference, s backend.Submission) (backend.JobStatusResponse, error) {
				mu.Lock()
				at++
				crowded := at > 1 && last.JobID != ""
				mu.Unlock()
				<-time.After(20 * time.Millisecond) // for others to come
				mu.Lock()
				defer mu.Unlock()
				at--
				if crowded {
					return last, nil
				}
				job, err := r.Submit(ctx, s)
				if err == nil {
					last = job
				}
				return job, err
			}
		},
		"events/slow-reader": func(b *broken) {
			var one sync.Map
			b.watch = func(r *reference, id string, after uint64, yield func(backend.Event) error) error {
				if _, busy := one.LoadOrStore(id, true); busy {
					return fault.New(fault.Conflict, "somebody else watches the job")
				}
				defer one.Delete(id)
				return r.WatchJob(ctx, id, after, yield)
			}
		},
		"cancel/prompt": func(b *broken) {
			b.cancel = func(r *reference, id string) (backend.JobStatusResponse, error) {
				<-time.After(3 * time.Second)
				return r.CancelJob(ctx, id)
			}
		},
		"durable_jobs/found-again": func(b *broken) {
			b.capabilities = func(c *backend.Capabilities) { c.Features = append(c.Features, backend.FeatureDurableJobs) }
		},
		"configure/secrets-stay-secret": func(b *broken) {
			b.configure = func(s backend.Settings) error {
				if len(s) == 0 {
					return nil
				}
				key, _ := s["key"].(string)
				return fault.New(fault.ConfigInvalid, "bad "+key, fault.Problems(fault.Problem{Key: "no_such_setting_at_all"}))
			}
		},
		"capabilities/known": func(b *broken) {
			b.capabilities = func(c *backend.Capabilities) { c.Operations = append(c.Operations, "dance") }
		},
		"health/answers": func(b *broken) { b.health = func(h *backend.Health) { h.Healthy = false } },
		"jobs/unsupported-operation": func(b *broken) {
			b.submit = func(r *reference, s backend.Submission) (backend.JobStatusResponse, error) {
				if s.Request.Operation() == backend.OpVisualize {
					s.Request = &backend.ScanRequest{}
				}
				return r.Submit(ctx, s)
			}
		},
		"jobs/not-found": func(b *broken) {
			b.get = func(r *reference, id string) (backend.JobStatusResponse, error) {
				job, err := r.GetJob(ctx, id)
				if err != nil {
					return job, errors.New("gone")
				}
				return job, nil
			}
		},
		"jobs/states": func(b *broken) {
			b.get = func(r *reference, id string) (backend.JobStatusResponse, error) {
				job, err := r.GetJob(ctx, id)
				job.CompletedAt = nil
				return job, err
			}
		},
		"jobs/result": func(b *broken) {
			b.result = func(r *reference, id string) (backend.Result, error) {
				if _, err := r.GetResult(ctx, id); err != nil {
					return nil, err
				}
				return &backend.VisualizationResult{}, nil
			}
		},
		"jobs/idempotency": func(b *broken) {
			b.submit = func(r *reference, s backend.Submission) (backend.JobStatusResponse, error) {
				s.IdempotencyKey = ""
				return r.Submit(ctx, s)
			}
		},
		"jobs/concurrent-calls": func(b *broken) {
			b.get = func(r *reference, id string) (backend.JobStatusResponse, error) {
				job, err := r.GetJob(ctx, id)
				if job.Status.Terminal() {
					job.Status = backend.JobRunning
				}
				return job, err
			}
		},
		"jobs/deadline": func(b *broken) {
			b.watch = func(r *reference, id string, after uint64, yield func(backend.Event) error) error {
				err := r.WatchJob(ctx, id, after, yield)
				if id == "no-such-job" {
					if n++; n > 1 { // the first call is of jobs/not-found
						return errors.New("something else")
					}
				}
				return err
			}
		},
		"events/order": func(b *broken) {
			b.watch = func(r *reference, id string, after uint64, yield func(backend.Event) error) error {
				return r.WatchJob(ctx, id, after, func(e backend.Event) error { e.Time = time.Time{}; return yield(e) })
			}
		},
		"events/replay": func(b *broken) {
			b.watch = func(r *reference, id string, _ uint64, yield func(backend.Event) error) error {
				return r.WatchJob(ctx, id, 0, yield)
			}
		},
		"events/reader-may-leave": func(b *broken) {
			b.watch = func(r *reference, id string, after uint64, yield func(backend.Event) error) error {
				return r.WatchJob(ctx, id, after, func(e backend.Event) error { _ = yield(e); return nil })
			}
		},
		"cancel/stops-the-work": func(b *broken) {
			b.cancel = func(r *reference, id string) (backend.JobStatusResponse, error) {
				job, err := r.CancelJob(ctx, id)
				job.Status = backend.JobRunning
				if fault.CodeOf(err) == fault.Conflict && job.Status.Terminal() {
					return job, err
				}
				return job, nil
			}
		},
		"cancel/finished": func(b *broken) {
			b.cancel = func(r *reference, id string) (backend.JobStatusResponse, error) {
				_, err := r.CancelJob(ctx, id)
				job, _ := r.GetJob(ctx, id)
				if job.Status == backend.JobCompleted {
					return job, nil
				}
				return job, err
			}
		},
		"features/undeclared": func(b *broken) {
			b.capabilities = func(c *backend.Capabilities) { c.Features = nil }
		},
		"list_jobs/pages": func(b *broken) {
			b.list = func(*reference, backend.JobFilter) (backend.JobPage, error) { return backend.JobPage{}, nil }
		},
		"batch/each-on-its-own": func(b *broken) {
			b.batch = func(r *reference, s []backend.Submission) ([]backend.BatchItem, error) {
				items, err := r.SubmitBatch(ctx, s)
				return items[:min(1, len(items))], err
			}
		},
		"inputs/checked": func(b *broken) { b.put = func(*reference, backend.Input, io.Reader) error { return nil } },
		"artifacts/complete": func(b *broken) {
			b.download = func(r *reference, id, dir string) ([]backend.Artifact, error) {
				files, err := r.DownloadArtifacts(ctx, id, dir, func(backend.Progress) {})
				for _, f := range files {
					err = errors.Join(err, os.WriteFile(filepath.Join(dir, f.Path), bytes.Repeat([]byte("x"), int(f.Size)), 0o600))
				}
				return files, err
			}
		},
		"snapshots/not-found": func(b *broken) {
			b.snapshot = func(r *reference, id string) (backend.SnapshotDetail, error) {
				if id == ".." {
					return backend.SnapshotDetail{}, nil
				}
				return r.GetSnapshot(ctx, id)
			}
		},
		"snapshots/of-a-scan": func(b *broken) {
			b.fetch = func(r *reference, id, dir string) (backend.Artifact, error) {
				a, err := r.FetchSnapshot(ctx, id, dir, func(backend.Progress) {})
				a.SHA256 = strings.Repeat("0", 64)
				return a, err
			}
		},
		"parts/files": func(b *broken) {
			b.watch = func(r *reference, id string, after uint64, yield func(backend.Event) error) error {
				return r.WatchJob(ctx, id, after, func(e backend.Event) error {
					if e.Part != nil {
						other := *e.Part
						other.SHA256 = strings.Repeat("0", 64)
						e.Part = &other
					}
					return yield(e)
				})
			}
		},
		"parts/not-again": func(b *broken) {
			b.submit = func(r *reference, s backend.Submission) (backend.JobStatusResponse, error) {
				s.Parts = nil
				return r.Submit(ctx, s)
			}
		},
		"parts/damaged": func(b *broken) { // it believes whatever it finds
			b.submit = func(r *reference, s backend.Submission) (backend.JobStatusResponse, error) {
				for i, p := range s.Parts {
					content, err := os.ReadFile(filepath.Join(s.WorkDir, p.Path))
					if err != nil {
						return backend.JobStatusResponse{}, err
					}
					sum := sha256.Sum256(content)
					s.Parts[i].SHA256 = hex.EncodeToString(sum[:])
				}
				return r.Submit(ctx, s)
			}
		},
		"shards/equal":            func(b *broken) { b.cut = allParts },
		"budget/bounds":           func(b *broken) { b.generous = true },
		"generate-iac/result":     func(b *broken) { b.unnamed = "main.json" },
		"generate-iac/same-bytes": func(b *broken) { b.fickle = true },
		"generate-iac/refusals":   func(b *broken) { b.careless = true },
		"close/ends":              func(b *broken) { b.close = func(context.Context) error { return errors.New("stuck") } },
	}
	for _, c := range conformance.Checks() {
		if slices.Contains(programDefects, c.Name) {
			continue // TestEveryCheckOfAProgramCanFail
		}
		t.Run(c.Name, func(t *testing.T) {
			defect, ok := defects[c.Name]
			if !ok {
				t.Fatal("no defect proves that this check can fail")
			}
			n = 0
			failed, _ := run(t, func() backend.Backend {
				b := &broken{reference: newReference()}
				defect(b)
				return b
			}, confined(c.Name)...)
			if failed[c.Name] == "" {
				t.Errorf("the check passed a defective backend; failed: %v", failed)
			}
			delete(failed, c.Name)
			for _, name := range also[c.Name] {
				delete(failed, name)
			}
			if len(failed) > 0 {
				t.Errorf("others failed, too: %v", failed)
			}
		})
	}
}

// programDefects are the checks that a defective program fails.
var programDefects = []string{
	"secrets/nowhere", "versions/unknown-fields", "versions/unknown-operation", "versions/unknown-values",
	"messages/large-settings", "messages/large-submission", "messages/long-names",
	"process/by-hand", "process/handshake", "process/lifeline", "process/stop", "process/signals", "process/crash",
}

// slow are the defects that take long, and the checks to which their tests are confined.
var slow = map[string][]string{"cancel/prompt": {"cancel/stops-the-work", "cancel/prompt", "cancel/finished"}}
