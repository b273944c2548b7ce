//go:build unix

package e2e

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// TestRoundTrip scans a tenant, deploys the ARM templates that are generated from it into the same
// subscriptions with nothing in them, scans those, and compares: everything is there again as it
// was, up to what testdata/roundtrip-differences.txt explains.
func TestRoundTrip(t *testing.T) {
	explained, err := readDifferences(filepath.Join("testdata", "roundtrip-differences.txt"))
	if err != nil {
		t.Fatal(err)
	}
	runScripts(t, "testdata/roundtrip", map[string]func(*testscript.TestScript, bool, []string){
		"tenant": serveTenant, "emptied": serveEmptied, "deploy-arm": deployARM,
		"same-tenant": func(ts *testscript.TestScript, neg bool, args []string) { sameTenant(ts, neg, args, explained) },
	})
	// The scripts are parallel tests: what none of them needs can be told only when all have ended.
	t.Cleanup(func() {
		if !t.Failed() {
			for _, line := range explained.unused() {
				t.Errorf("nothing differs any more as the line says: %s", line)
			}
		}
	})
}

// serveTenant is tenant contoso or tenant synthetic N SUBSCRIPTIONS SEED: serves a tenant without limits.
func serveTenant(ts *testscript.TestScript, neg bool, args []string) {
	switch {
	case !neg && len(args) == 1 && args[0] == "contoso":
		made, err := tenant.Contoso()
		ts.Check(err)
		serveSimulated(ts, made)
	case !neg && len(args) == 4 && args[0] == "synthetic":
		var n [3]int
		for i := range n {
			var err error
			n[i], err = strconv.Atoi(args[i+1])
			ts.Check(err)
		}
		made, err := tenant.Synthetic(tenant.SyntheticOptions{Resources: n[0], Subscriptions: n[1], Seed: uint64(n[2])})
		ts.Check(err)
		serveSimulated(ts, made)
	default:
		ts.Fatalf("usage: tenant contoso, or tenant synthetic N SUBSCRIPTIONS SEED")
	}
}

// serveEmptied is emptied: serves the subscriptions and management groups of the tenant before, with nothing in them.
func serveEmptied(ts *testscript.TestScript, _ bool, _ []string) {
	emptied, err := stateOf(ts).simulator.Tenant().Emptied()
	ts.Check(err)
	serveSimulated(ts, emptied)
}

func serveSimulated(ts *testscript.TestScript, served *tenant.Tenant) {
	s := stateOf(ts)
	var err error
	s.simulator, err = azuresim.New(azuresim.Config{Tenant: served, Quota: -1, NoARMLimits: true, RetryAfter: -1, Log: slog.New(slog.DiscardHandler)})
	ts.Check(err)
	ts.Check(s.simulator.Start())
	simulator := s.simulator
	ts.Defer(func() { _ = simulator.Close() })
	for name, value := range simulator.Env() {
		ts.Setenv(name, value)
	}
}

// sameTenant is same-tenant: the first and the last snapshot differ in nothing that is not explained.
func sameTenant(ts *testscript.TestScript, neg bool, args []string, explained *differences) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: same-tenant")
	}
	ctx, cancel := patience(ts)
	defer cancel()
	store, err := graph.OpenStore(filepath.Join(stateOf(ts).home, "data", "atg", "snapshots"))
	ts.Check(err)
	page, err := store.List(ctx, backend.SnapshotFilter{})
	ts.Check(err)
	if len(page.Snapshots) != 2 {
		ts.Fatalf("there are %d snapshots", len(page.Snapshots))
	}
	after, before := rowsOf(ctx, ts, store, page.Snapshots[0].ID), rowsOf(ctx, ts, store, page.Snapshots[1].ID)
	ts.Logf("%d rows before, %d after", len(before), len(after))
	found := compare(before, after, explained)
	if file := os.Getenv("ATG_ROUNDTRIP_DIFFERENCES"); file != "" {
		ts.Check(os.WriteFile(file+"."+strconv.Itoa(len(before)), []byte(strings.Join(found, "\n")), 0o600))
	}
	if len(found) > 0 {
		ts.Fatalf("%d differences are not explained:\n%s", len(found), strings.Join(found[:min(len(found), 60)], "\n"))
	}
}

// rowsOf are the rows of all tables of a snapshot, by lower-case id.
func rowsOf(ctx context.Context, ts *testscript.TestScript, store *graph.Store, id string) map[string]graph.Row {
	reader, err := store.Open(ctx, id)
	ts.Check(err)
	defer reader.Close()
	lookup, err := reader.Lookup(ctx)
	ts.Check(err)
	defer lookup.Close()
	rows := map[string]graph.Row{}
	ts.Check(reader.Heads(ctx, func(head graph.Head) error {
		row, err := lookup.Row(ctx, head.Place)
		rows[head.Key] = row
		return err
	}))
	return rows
}
