package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

var shardChecks = []Check{
	{
		Name:        "shards/equal",
		Requirement: "A scan that is planned, done in shards and merged reads nothing twice, and its result equals that of a scan in one piece.",
		Feature:     backend.FeatureShards,
		Run: func(ctx context.Context, s *Subject) error {
			return s.inParts(ctx, func(_ string, whole partsOf) error { return s.inShards(ctx, whole) })
		},
	},
	{
		Name:        "budget/bounds",
		Requirement: "SetShare takes a share above 0 and up to 1, and refuses any other with invalid_argument.",
		Feature:     backend.FeatureBudget,
		Run: func(ctx context.Context, s *Subject) error {
			sharer := s.configured.(backend.Sharer)
			for _, share := range []float64{0, -1, 1.5} {
				if err := expect(fault.InvalidArgument, sharer.SetShare(ctx, share)); err != nil {
					return fmt.Errorf("a share of %g: %w", share, err)
				}
			}
			return errors.Join(sharer.SetShare(ctx, 0.25), sharer.SetShare(ctx, 1))
		},
	},
}

// inShards does the subject's scan in two shards, and compares.
func (s *Subject) inShards(ctx context.Context, whole partsOf) error {
	if !s.can.Has(backend.FeatureParts) {
		return errors.New("the feature shards needs the feature parts")
	}
	dir, err := os.MkdirTemp("", "atg-conformance-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	plan, err := s.scanIn(ctx, dir, nil, backend.ShardPlan)
	switch {
	case err != nil:
		return fmt.Errorf("the plan: %w", err)
	case !plan.has(backend.ShardPlan):
		return fmt.Errorf("no part has the key %s", backend.ShardPlan)
	case plan.result.Plan == nil:
		return errors.New("the result of planning has no plan")
	case plan.result.Snapshot != nil:
		return errors.New("planning has made a snapshot")
	}
	keys := make([]string, 0, len(plan.result.Plan.Parts))
	for _, p := range plan.result.Plan.Parts {
		keys = append(keys, p.Key)
	}
	all := slices.Clone(plan.parts)
	half := (len(keys) + 1) / 2
	for _, shard := range [][]string{keys[:half], keys[half:]} {
		if len(shard) == 0 {
			continue
		}
		done, err := s.scanIn(ctx, dir, plan.parts, shard...)
		if err != nil {
			return fmt.Errorf("a shard: %w", err)
		}
		if done.result.Snapshot != nil {
			return errors.New("a shard has made a snapshot")
		}
		for _, p := range done.parts {
			if slices.ContainsFunc(all, func(known backend.Part) bool { return known.Key == p.Key }) {
				return fmt.Errorf("the part %s was read twice", p.Key)
			}
		}
		all = append(all, done.parts...)
	}
	merged, err := s.scanIn(ctx, dir, all)
	if err != nil {
		return fmt.Errorf("the merge: %w", err)
	}
	return whole.equal(merged)
}
