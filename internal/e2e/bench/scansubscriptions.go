package main

import (
	"context"
	"fmt"
	"strconv"
)

// manySubscriptions is one more than a query of Resource Graph covers if it names none.
const manySubscriptions = 10_001

// scanSubscriptions scans a tenant of very many subscriptions with little in them. The reference is a scan of as many resources
// in four subscriptions.
func (b bench) scanSubscriptions(ctx context.Context) ([]figure, error) {
	var seconds []float64
	for _, subscriptions := range []int{4, manySubscriptions} {
		result, err := b.scanOf(ctx, subscriptions)
		if err != nil {
			return nil, err
		}
		seconds = append(seconds, result.wall.Seconds())
	}
	return []figure{{Name: "scan_subscriptions_s", Value: round(seconds[1]), Unit: "s", Reference: round(seconds[0]),
		Note: fmt.Sprintf("a whole scan of %d subscriptions with %d resources at depth resources, no quota; the reference is one of 4 subscriptions with as many", manySubscriptions, b.scale/10)}}, nil
}

// scanOf scans a tenth of the usual resources in so many subscriptions.
func (b bench) scanOf(ctx context.Context, subscriptions int) (scanned, error) {
	b, done, err := b.apart()
	if err != nil {
		return scanned{}, err
	}
	defer done()
	sim, err := b.startSimulator(ctx, "--synthetic", strconv.Itoa(b.scale/10), "--subscriptions", strconv.Itoa(subscriptions), "--quota", "0", "--no-arm-limits")
	if err != nil {
		return scanned{}, err
	}
	defer sim.stop()
	result, err := b.scan(ctx, sim, "--depth", "resources")
	if err == nil && (result.Subscriptions != int64(subscriptions) || result.synthetic() != int64(b.scale/10)) {
		err = fmt.Errorf("the scan found %d subscriptions and %d resources", result.Subscriptions, result.synthetic())
	}
	return result, err
}
