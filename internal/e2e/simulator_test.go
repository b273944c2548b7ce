//go:build unix

package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"aead.dev/minisign"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

type key int

const stateKey key = 0

// state is what the commands of one script share.
type state struct {
	ctx       context.Context // ends with the test
	simulator *azuresim.Server
	gate      *azuresim.Gate
	wire      *wire // to the service; nil unless the script has asked for one
	processes map[string]*process
	home      string
	signing   *minisign.PrivateKey // of the command minisign
}

func stateOf(ts *testscript.TestScript) *state { return ts.Value(stateKey).(*state) }

// startSimulator is sim [-empty | -synthetic N | -with FILE] [-emptied] [-nobody] [-quota N] [-tokens D] [-role R]: it starts a simulator and points the
// environment at it. Its tenant is Contoso, or has no subscription, or N generated resources in two. -emptied leaves it its subscriptions, with
// nothing in them, -nobody its directory with nobody in it. FILE has more rows for Contoso, as contoso.jsonl has them. Who deploys is not told to wait between two looks at it.
func startSimulator(ts *testscript.TestScript, neg bool, args []string) {
	flags := flag.NewFlagSet("sim", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	empty := flags.Bool("empty", false, "")
	emptied, nobody := flags.Bool("emptied", false, ""), flags.Bool("nobody", false, "")
	synthetic := flags.Int("synthetic", 0, "")
	with := flags.String("with", "", "")
	quota := flags.Int("quota", -1, "")
	tokens := flags.Duration("tokens", time.Hour, "")
	role := flags.String("role", "", "")
	if err := flags.Parse(args); neg || err != nil || flags.NArg() > 0 {
		ts.Fatalf("usage: sim [-empty | -synthetic N | -with FILE] [-emptied] [-nobody] [-quota N] [-tokens DURATION] [-role ROLE]")
	}
	config := azuresim.Config{Role: azuresim.Role(*role), Quota: *quota, NoARMLimits: true, TokenLifetime: *tokens, RetryAfter: -1, Log: slog.New(slog.DiscardHandler)}
	var err error
	switch {
	case *empty:
		config.Tenant, err = tenant.Empty()
	case *synthetic > 0:
		config.Tenant, err = tenant.Synthetic(tenant.SyntheticOptions{Resources: *synthetic, Subscriptions: 2, Seed: 7})
	case *with != "":
		contoso, read := os.ReadFile(filepath.Join("..", "azuresim", "tenant", "contoso.jsonl"))
		ts.Check(read)
		config.Tenant, err = tenant.Load(strings.NewReader(string(contoso)+"\n"+ts.ReadFile(*with)), tenant.ContosoID)
	default:
		config.Tenant, err = tenant.Contoso()
	}
	ts.Check(err)
	if *emptied {
		config.Tenant, err = config.Tenant.Emptied()
		ts.Check(err)
	}
	if *nobody {
		config.Tenant, err = config.Tenant.WithoutIdentities()
		ts.Check(err)
	}
	s := stateOf(ts)
	s.simulator, err = azuresim.New(config)
	ts.Check(err)
	ts.Check(s.simulator.Start())
	ts.Defer(func() { _ = s.simulator.Close() })
	for name, value := range s.simulator.Env() {
		ts.Setenv(name, value)
	}
}

// inject is inject JSON: faults as azuresim.Faults has them.
func inject(ts *testscript.TestScript, neg bool, args []string) {
	var faults azuresim.Faults
	if neg || len(args) != 1 {
		ts.Fatalf("usage: inject JSON")
	}
	ts.Check(json.Unmarshal([]byte(args[0]), &faults))
	_, err := stateOf(ts).simulator.Inject(faults)
	ts.Check(err)
}

// hold is hold METHOD PATH BODY: requests that match wait at a gate.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: hold METHOD PATH BODY")
	}
	gate, err := stateOf(ts).simulator.Hold(args[0], args[1], args[2])
	ts.Check(err)
	stateOf(ts).gate = gate
}

// await is await N: until N requests have come to the gate.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await N")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	ctx, cancel := patience(ts)
	defer cancel()
	ts.Check(stateOf(ts).gate.Wait(ctx, n))
}

// release is release: opens the gate.
func release(ts *testscript.TestScript, _ bool, _ []string) { stateOf(ts).gate.Release() }
