package conformance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var featureChecks = []Check{
	{
		Name:        "features/undeclared",
		Requirement: "A call of a feature that is not declared answers unsupported.",
		Run:         undeclared,
	},
	{
		Name:        "durable_jobs/found-again",
		Requirement: "A job outlives its process: a later one finds it by its id.",
		Feature:     backend.FeatureDurableJobs,
		Run: func(ctx context.Context, s *Subject) error {
			f, err := s.job(ctx)
			if err != nil {
				return err
			}
			return s.fresh(ctx, true, func(b backend.Backend) error {
				job, err := b.GetJob(ctx, f.submitted.JobID)
				if err != nil {
					return err
				}
				if job.Status != f.end().Status || job.Operation != backend.OpScan {
					return fmt.Errorf("it was %s, and is %s", f.end().Status, job.Status)
				}
				return nil
			})
		},
	},
	{
		Name:        "list_jobs/pages",
		Requirement: "ListJobs answers the newest first, in pages, and filters.",
		Feature:     backend.FeatureListJobs,
		Run: func(ctx context.Context, s *Subject) error {
			f, err := s.job(ctx)
			if err != nil {
				return err
			}
			lister := s.configured.(backend.Lister)
			seen, last := map[string]bool{}, backend.JobStatusResponse{}
			for cursor := ""; ; {
				page, err := lister.ListJobs(ctx, backend.JobFilter{Operation: backend.OpScan, Limit: 1, Cursor: cursor})
				if err != nil {
					return err
				}
				for _, j := range page.Jobs {
					if !last.CreatedAt.IsZero() && j.CreatedAt.After(last.CreatedAt) || seen[j.JobID] || j.Operation != backend.OpScan {
						return fmt.Errorf("job %s of %v came behind %s of %v", j.JobID, j.CreatedAt, last.JobID, last.CreatedAt)
					}
					seen[j.JobID], last = true, j
				}
				if cursor = page.Cursor; cursor == "" || seen[f.submitted.JobID] {
					break
				}
			}
			if !seen[f.submitted.JobID] {
				return fmt.Errorf("the job %s is in no page", f.submitted.JobID)
			}
			return nil
		},
	},
	{
		Name:        "batch/each-on-its-own",
		Requirement: "SubmitBatch accepts or refuses each submission on its own, in order, and no more than 100.",
		Feature:     backend.FeatureBatch,
		Run: func(ctx context.Context, s *Subject) error {
			batcher := s.configured.(backend.Batcher)
			request := s.Scan
			bad := backend.IaCGenerationRequest{OutputFormat: "no-such-format"}
			items, err := batcher.SubmitBatch(ctx, []backend.Submission{{Request: &bad}, {Request: &request}})
			if err != nil {
				return err
			}
			if len(items) != 2 || items[0].Fault == nil || items[0].Job != nil || items[1].Job == nil || items[1].Fault != nil {
				return fmt.Errorf("the answers are %+v", items)
			}
			many := make([]backend.Submission, backend.MaxBatch+1)
			for i := range many {
				many[i].Request = &bad
			}
			_, err = batcher.SubmitBatch(ctx, many)
			if err := expect(fault.InvalidArgument, err); err != nil {
				return err
			}
			return s.discard(ctx, items[1].Job.JobID)
		},
	},
	{
		Name:        "inputs/checked",
		Requirement: "PutInput takes a file once it has its size and SHA-256, again without complaint, and refuses another with integrity.",
		Feature:     backend.FeatureInputs,
		Run: func(ctx context.Context, s *Subject) error {
			store := s.configured.(backend.InputStore)
			content := strings.Repeat("conformance ", 200_000) // more than one chunk
			sum := sha256.Sum256([]byte(content))
			in := backend.Input{Path: "input.txt", Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
			err := store.PutInput(ctx, in, strings.NewReader(content[1:]+"?"))
			if err := expect(fault.Integrity, err); err != nil {
				return err
			}
			for range 2 {
				if err := store.PutInput(ctx, in, strings.NewReader(content)); err != nil {
					return err
				}
			}
			return nil
		},
	},
	{
		Name:        "artifacts/complete",
		Requirement: "DownloadArtifacts writes exactly the files that ListArtifacts names, inside the folder, with their SHA-256.",
		Feature:     backend.FeatureArtifacts,
		Run: func(ctx context.Context, s *Subject) error {
			f, err := s.job(ctx)
			if err != nil {
				return err
			}
			if f.end().Status != backend.JobCompleted {
				return skipped{"the backend's scan does not complete here"}
			}
			store := s.configured.(backend.ArtifactStore)
			listed, err := store.ListArtifacts(ctx, f.submitted.JobID)
			if err != nil {
				return err
			}
			dir, err := os.MkdirTemp("", "atg-conformance-")
			if err != nil {
				return err
			}
			defer func() { _ = os.RemoveAll(dir) }()
			written, err := store.DownloadArtifacts(ctx, f.submitted.JobID, dir, func(backend.Progress) {})
			if err != nil {
				return err
			}
			if !slices.Equal(listed, written) {
				return fmt.Errorf("listed are %+v, written were %+v", listed, written)
			}
			for _, a := range written {
				if err := verify(dir, a); err != nil {
					return err
				}
			}
			return nil
		},
	},
}

// undeclared calls what the backend does not declare. Over RPC every interface is there and the far
// side answers; in process a missing interface is answer enough.
func undeclared(ctx context.Context, s *Subject) error {
	b, tried := s.configured, 0
	try := func(feature backend.Feature, is bool, call func() error) error {
		if s.can.Has(feature) || !is {
			return nil
		}
		tried++
		if err := expect(fault.Unsupported, call()); err != nil {
			return fmt.Errorf("%s: %w", feature, err)
		}
		return nil
	}
	lister, isLister := b.(backend.Lister)
	batcher, isBatcher := b.(backend.Batcher)
	inputs, isInputs := b.(backend.InputStore)
	artifacts, isArtifacts := b.(backend.ArtifactStore)
	snapshots, isSnapshots := b.(backend.SnapshotStore)
	sharer, isSharer := b.(backend.Sharer)
	err := errors.Join(
		try(backend.FeatureListJobs, isLister, func() error { _, err := lister.ListJobs(ctx, backend.JobFilter{}); return err }),
		try(backend.FeatureBatch, isBatcher, func() error {
			request := s.Scan
			_, err := batcher.SubmitBatch(ctx, []backend.Submission{{Request: &request}})
			return err
		}),
		try(backend.FeatureInputs, isInputs, func() error {
			sum := sha256.Sum256(nil)
			return inputs.PutInput(ctx, backend.Input{Path: "x", SHA256: hex.EncodeToString(sum[:])}, strings.NewReader(""))
		}),
		try(backend.FeatureArtifacts, isArtifacts, func() error { _, err := artifacts.ListArtifacts(ctx, "x"); return err }),
		try(backend.FeatureSnapshots, isSnapshots, func() error { _, err := snapshots.GetSnapshot(ctx, "x"); return err }),
		try(backend.FeatureShards, true, func() error {
			request := s.Scan
			_, err := b.Submit(ctx, backend.Submission{Request: &request, Shard: []string{backend.ShardPlan}})
			return err
		}),
		try(backend.FeatureBudget, isSharer, func() error { return sharer.SetShare(ctx, 1) }),
	)
	if err == nil && tried == 0 {
		return skipped{"the backend declares every feature that it has"}
	}
	return err
}

// verify says whether a downloaded file is what it was said to be.
func verify(dir string, a backend.Artifact) error {
	if !filepath.IsLocal(filepath.FromSlash(a.Path)) {
		return fmt.Errorf("the file %q leads out of the folder", a.Path)
	}
	file, err := os.Open(filepath.Join(dir, filepath.FromSlash(a.Path)))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); n != a.Size || got != a.SHA256 {
		return fmt.Errorf("the file %q has %d bytes and SHA-256 %s, not %d and %s", a.Path, n, got, a.Size, a.SHA256)
	}
	return nil
}
