package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

var partChecks = []Check{
	{
		Name:        "parts/files",
		Requirement: "A part that is announced has a key of its own, and a file below WorkDir with its SHA-256.",
		Feature:     backend.FeatureParts,
		Run: func(ctx context.Context, s *Subject) error {
			return s.inParts(ctx, func(dir string, first partsOf) error {
				for _, p := range first.parts {
					a, err := partFile(dir, p)
					if err == nil {
						err = verify(dir, a)
					}
					if err != nil {
						return fmt.Errorf("part %s: %w", p.Key, err)
					}
				}
				return nil
			})
		},
	},
	{
		Name:        "parts/not-again",
		Requirement: "A submission with finished parts does none of them again, and its result is equal.",
		Feature:     backend.FeatureParts,
		Run: func(ctx context.Context, s *Subject) error {
			return s.inParts(ctx, func(dir string, first partsOf) error {
				again, err := s.scanIn(ctx, dir, first.parts)
				if err != nil {
					return err
				}
				for _, p := range again.parts {
					if first.has(p.Key) {
						return fmt.Errorf("the part %s was announced again", p.Key)
					}
				}
				return first.equal(again)
			})
		},
	},
	{
		Name:        "parts/damaged",
		Requirement: "A part whose file is not what it was is done again, and the result is equal.",
		Feature:     backend.FeatureParts,
		Run: func(ctx context.Context, s *Subject) error {
			return s.inParts(ctx, func(dir string, first partsOf) error {
				largest := slices.MaxFunc(first.parts, func(a, b backend.Part) int { return int(a.Rows - b.Rows) })
				file := filepath.Join(dir, filepath.FromSlash(largest.Path))
				content, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				if err := os.Remove(file); err != nil { // it is immutable, and may be read only
					return err
				}
				if err := os.WriteFile(file, content[:len(content)/2], 0o600); err != nil {
					return err
				}
				again, err := s.scanIn(ctx, dir, first.parts)
				if err != nil {
					return err
				}
				if !again.has(largest.Key) {
					return fmt.Errorf("the part %s was taken although half of its file is gone", largest.Key)
				}
				return first.equal(again)
			})
		},
	},
}

// partsOf is a completed scan and the parts that it announced.
type partsOf struct {
	parts  []backend.Part
	result backend.ScanResult
}

func (p partsOf) has(key string) bool {
	return slices.ContainsFunc(p.parts, func(part backend.Part) bool { return part.Key == key })
}

// equal compares the figures of two scans of one thing.
func (p partsOf) equal(other partsOf) error {
	figures := func(r backend.ScanResult) string {
		return fmt.Sprintf("complete %v, %d subscriptions, %d resources, %d relationships, %d identities",
			r.Complete, r.Subscriptions, r.Resources, r.Relationships, r.Identities)
	}
	if a, b := figures(p.result), figures(other.result); a != b {
		return fmt.Errorf("the scan with finished parts has %s; without them it had %s", b, a)
	}
	return nil
}

// inParts runs the subject's scan in a folder, and hands over what it announced.
func (s *Subject) inParts(ctx context.Context, use func(dir string, first partsOf) error) error {
	if s.can.Has(backend.FeatureDurableJobs) {
		return skipped{"the backend's jobs outlive it, and keep their parts themselves"}
	}
	dir, err := os.MkdirTemp("", "atg-conformance-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	first, err := s.scanIn(ctx, dir, nil)
	if err != nil {
		return err
	}
	if len(first.parts) == 0 {
		return skipped{"the backend's scan is too small to have parts"}
	}
	return use(dir, first)
}

// scanIn runs the subject's scan, or a shard of it, in a folder with finished parts.
func (s *Subject) scanIn(ctx context.Context, dir string, parts []backend.Part, shard ...string) (partsOf, error) {
	var p partsOf
	if !s.can.Can(backend.OpScan) {
		return p, skipped{"the backend does not scan"}
	}
	request := s.Scan
	job, err := s.configured.Submit(ctx, backend.Submission{Request: &request, WorkDir: dir, Parts: parts, Shard: shard})
	if err != nil {
		return p, fmt.Errorf("submit: %w", err)
	}
	defer func() { _ = s.discard(ctx, job.JobID) }()
	events, err := s.watch(ctx, job.JobID, 0)
	if err != nil {
		return p, fmt.Errorf("watch: %w", err)
	}
	for _, e := range events {
		if e.Kind != backend.EventPart || e.Part == nil {
			continue
		}
		if e.Part.Key == "" || p.has(e.Part.Key) {
			return p, fmt.Errorf("the key %q is none, or of two parts", e.Part.Key)
		}
		p.parts = append(p.parts, *e.Part)
	}
	result, err := s.configured.GetResult(ctx, job.JobID)
	if err != nil {
		if parts != nil {
			return p, fmt.Errorf("with finished parts: %w", err)
		}
		return p, skipped{"the backend's scan does not complete here"}
	}
	scan, ok := result.(*backend.ScanResult)
	if !ok {
		return p, errors.New("the result of a scan is another")
	}
	p.result = *scan
	return p, nil
}

// partFile is the file of a part.
func partFile(dir string, p backend.Part) (backend.Artifact, error) {
	a := backend.Artifact{Path: p.Path, SHA256: p.SHA256}
	if !filepath.IsLocal(filepath.FromSlash(p.Path)) {
		return a, fmt.Errorf("the file %q leads out of the folder", p.Path)
	}
	info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(p.Path)))
	if err != nil {
		return a, err
	}
	a.Size = info.Size()
	return a, nil
}
