package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/internal/conf"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// TestExitCodes holds the codes against the design's table, as a person reads it.
func TestExitCodes(t *testing.T) {
	table := map[int]string{
		1: "internal",
		2: "invalid_argument config_invalid unsupported backend_not_found job_not_found job_not_complete artifacts_not_available snapshot_not_found conflict",
		3: "incomplete",
		4: "auth_required auth_failed forbidden azure_auth_required azure_forbidden",
		5: "service_unavailable throttled backend_incompatible backend_crashed",
		6: "job_failed remote_failed execution_failed cancelled",
		7: "integrity", 8: "differences", 124: "timeout job_max_wait", 130: "interrupted",
	}
	seen := 0
	for want, codes := range table {
		for code := range strings.FieldsSeq(codes) {
			seen++
			if got := exitCode(fault.New(fault.Code(code), "x")); got != want {
				t.Errorf("%s exits with %d, want %d", code, got, want)
			}
		}
		if !slices.ContainsFunc(meanings, func(m struct {
			exit    int
			meaning string
		}) bool {
			return m.exit == want
		}) {
			t.Errorf("atg help exit-codes lacks %d", want)
		}
	}
	if all := len(fault.Codes()); seen != all {
		t.Errorf("the table has %d codes, the package %d", seen, all)
	}
	for err, want := range map[error]int{nil: 0, context.DeadlineExceeded: 124, context.Canceled: 130, os.ErrClosed: 1, fault.New("new", "x"): 1} {
		if got := exitCode(err); got != want {
			t.Errorf("%v exits with %d, want %d", err, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name string
		args string
		want func(*grammar)
	}{
		{"filters", "scan --subscription a,b --subscription c --resource-group rg --resource-type t --location l --exclude-type e", func(g *grammar) {
			g.Scan.filterFlags = filterFlags{Subscription: []string{"a", "b", "c"}, ResourceGroup: []string{"rg"}, ResourceType: []string{"t"},
				Location: []string{"l"}, ExcludeType: []string{"e"}}
		}},
		{"the original's names", "scan --filter-by-subscriptions a,b --filter-by-rgs rg --no-aad-import", func(g *grammar) {
			g.Scan.filterFlags = filterFlags{Subscription: []string{"a", "b"}, ResourceGroup: []string{"rg"}}
			g.Scan.NoAADImport = true
		}},
		{"tags", "scan --tag env=prod,eu --tag owner --tag a=b=c", func(g *grammar) {
			g.Scan.Tag = []tagFlag{{"env", "prod,eu"}, {"owner", ""}, {"a", "b=c"}}
		}},
		{"numbers", "scan --limit 10_000 --timeout 90", func(g *grammar) {
			g.Scan.Limit, g.Timeout = 10000, conf.Duration(90*time.Second)
		}},
		{"global flags before", "--backend acme -o json -q -v --no-input scan --depth children", func(g *grammar) {
			g.BackendName, g.Output, g.Quiet, g.Verbose, g.NoInput = "acme", "json", true, true, true
			g.Scan.Depth = "children"
		}},
		{"global flags behind", "scan --timeout 1h30m --log-format json --color never --remote --profile p --config f --no-progress", func(g *grammar) {
			g.Timeout, g.LogFormat, g.Color, g.Remote = conf.Duration(90*time.Minute), "json", "never", true
			g.Profile, g.ConfigFile, g.NoProgress = "p", "f", true
		}},
		{"several snapshots", "snapshot delete a b -y", func(g *grammar) {
			g.Snapshot.Delete.IDs, g.Snapshot.Delete.Yes = []string{"a", "b"}, true
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			parsed := func(args []string, change func(*grammar)) grammar {
				var g grammar
				parser, err := newParser(&g, args)
				if err != nil {
					t.Fatal(err)
				}
				if err := kong.Bind(&app{}).Apply(parser); err != nil {
					t.Fatal(err)
				}
				if _, err := parser.Parse(args); err != nil {
					t.Fatal(err)
				}
				change(&g)
				return g
			}
			verb := slices.DeleteFunc(strings.Fields(tc.args), func(w string) bool { return w != "scan" && w != "snapshot" && w != "delete" })
			if slices.Contains(verb, "delete") {
				verb = append(verb, "x")
			}
			got, want := parsed(strings.Fields(tc.args), func(*grammar) {}), parsed(verb, tc.want)
			got.Backend, got.Job = want.Backend, want.Job // their defaults are there only where all commands were built
			if diff := cmp.Diff(want, got, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	for _, tc := range []struct {
		args  string
		words []string
	}{
		{"scan --subscriptoin x", []string{"unknown flag --subscriptoin", "did you mean --subscription?", "atg scan --help"}},
		{"scan --filter-by-sub x", []string{"unknown flag --filter-by-sub"}},
		{"--bakend x scan", []string{"did you mean --backend?"}},
		{"snapshot lsit", []string{"unexpected argument lsit", "did you mean list?", "atg snapshot --help"}},
		{"scan --limit 0", []string{"--limit", `"0" is no limit`}},
		{"scan --limit=-5", []string{`"-5" is no limit`}},
		{"scan --limit", []string{"--limit needs a value", "atg scan --help"}},
		{"scan --limit -1", []string{`--limit needs a value, and "-1" looks like a flag`, "did you mean --limit=-1?"}},
		{"scan --timeout soon", []string{"--timeout", `"soon" is no duration`, "5m"}},
		{"scan --tag =x", []string{"--tag", "NAME=VALUE"}},
		{"scan -o xml", []string{"--output", "table", "ndjson", "xml"}},
		{"scan --depth deep", []string{"--depth", "children"}},
		{"scan --no-aad-import --identities all", []string{"--no-aad-import", "contradict"}},
		{"scan extra", []string{"unexpected argument extra"}},
		{"snapshot delete", []string{"missing", "id"}},
		{"generate-iac", []string{"missing", "--format", "--output-dir"}},
		{"help snapshot lits", []string{"did you mean list?"}},
		{"help exit-code", []string{"did you mean exit-codes?"}},
		{"--backend", []string{"--backend"}},
	} {
		t.Run(tc.args, func(t *testing.T) {
			r := atg(t, t.Context(), newFake(nil), nil, strings.Fields(tc.args)...)
			if r.code != 2 || r.out != "" {
				t.Errorf("exit %d, stdout %q", r.code, r.out)
			}
			for _, w := range tc.words {
				if !strings.Contains(r.err, w) {
					t.Errorf("%q does not say %q", r.err, w)
				}
			}
		})
	}
}

func TestMachineReadableUsage(t *testing.T) {
	r := atg(t, t.Context(), nil, nil, "--log-format", "json", "scan", "--nope")
	var record struct{ Level, Code string }
	if err := json.Unmarshal([]byte(r.err), &record); err != nil || record.Code != "invalid_argument" || record.Level != "ERROR" {
		t.Errorf("got %q, %v", r.err, err)
	}
}

func TestHelp(t *testing.T) {
	all := map[string]string{
		"":                     "atg COMMAND --help",
		"--help":               "--log-format FORMAT",
		"help":                 "generate-iac",
		"scan -h":              "--subscription ID|NAME…",
		"help scan":            "atg scan --tag env=prod",
		"snapshot":             "delete",
		"snapshot show --help": "[ID]",
		"help snapshot pull":   "--file FILE",
		"help exit-codes":      "azure_forbidden",
		"help environment":     "ATG_API_KEY",
		"help extensions":      "atg-NAME",
		"help remote":          "atg auth login",
		"help jobs":            "atg job watch ID",
		"job":                  "flush",
		"job watch --help":     "atg --backend remote job watch ID --output-dir ./infra",
		"auth login -h":        "--api-key-stdin",
		"generate-iac --help":  "atg generate-iac --format FORMAT --output-dir DIR",
		"snapshot delete -h":   "ID…",
	}
	for args, want := range all {
		r := atg(t, t.Context(), nil, nil, strings.Fields(args)...)
		if r.code != 0 || r.err != "" || !strings.Contains(r.out, want) {
			t.Errorf("%q: exit %d, %q, stderr %q", args, r.code, r.out, r.err)
		}
	}
}

// TestEveryFlagIsExplained keeps the help complete.
func TestEveryFlagIsExplained(t *testing.T) {
	var g grammar
	parser, err := newParser(&g, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := kong.Visit(parser.Model, func(node kong.Visitable, next kong.Next) error {
		switch n := node.(type) {
		case *kong.Node:
			if n.Help == "" && n.Parent != nil {
				t.Errorf("%s has no help", path(n))
			}
		case *kong.Flag:
			if n.Help == "" || !strings.HasSuffix(n.Help, ".") || !n.IsBool() && n.PlaceHolder == "" {
				t.Errorf("--%s: help %q, placeholder %q", n.Name, n.Help, n.PlaceHolder)
			}
		}
		return next(nil)
	}); err != nil {
		t.Fatal(err)
	}
}

func TestVersion(t *testing.T) {
	var out bytes.Buffer
	if code := Main(t.Context(), Process{Args: []string{"version"}, Streams: ui.Streams{Out: &out}}); code != 0 {
		t.Errorf("exit %d", code)
	}
	line := regexp.MustCompile(`^atg \S+ \(([0-9a-f]+, )?go1\S+, \w+/\w+\)\n$`)
	slow := atg(t, t.Context(), nil, nil, "version")
	if !line.MatchString(out.String()) || slow.out != out.String() {
		t.Errorf("quick %q, slow %q", out.String(), slow.out)
	}
	var v struct {
		SchemaVersion         int `json:"schema_version"`
		Version, Go, Platform string
	}
	r := atg(t, t.Context(), nil, nil, "version", "-o", "json")
	if err := json.Unmarshal([]byte(r.out), &v); err != nil || v.SchemaVersion != ui.SchemaVersion || v.Version == "" || v.Go == "" || v.Platform == "" {
		t.Errorf("%q: %v", r.out, err)
	}
}

func TestScan(t *testing.T) {
	denied := fault.New(fault.AzureForbidden, "no right to read", fault.Hint("ask for the role Reader"))
	t.Chdir(t.TempDir())
	if err := os.WriteFile("spec.md", []byte("# Contoso"), 0o600); err != nil {
		t.Fatal(err)
	}
	fails := func(err error) runner.Work {
		return func(context.Context, *runner.Job) (backend.Result, error) { return nil, err }
	}
	for _, tc := range []struct {
		name string
		scan runner.Work
		args string
		env  []string
		code int
		out  []string
		err  []string
	}{
		{"table", nil, "scan", nil, 0, []string{"Contoso (t)  complete", "7 in 1 subscription, 1 type", "3.5/s", "microsoft.web/sites", "next: atg snapshot show snap-2"}, nil},
		{"json", nil, "scan -o json", nil, 0, []string{`"schema_version": 1`, `"resources": 7`, `"duration_seconds": 2`}, nil},
		{"incomplete", func(context.Context, *runner.Job) (backend.Result, error) {
			return &backend.ScanResult{Success: true, Resources: 3, Coverage: backend.Coverage{Entries: []backend.CoverageEntry{
				{Scope: "s", Name: "Payments", Kind: "resources", State: backend.CoverageDenied, Expected: -1, Fault: denied},
			}}}, nil
		}, "scan", nil, 3, []string{"incomplete", "Payments: resources", "no right to read"}, []string{"incomplete: ", "1 of 1", "hint: ask for the role Reader"}},
		{"failed", fails(denied), "scan", nil, 4, nil, []string{"error: no right to read", "hint: ask"}},
		{"failed, as json", fails(denied), "scan -o json --log-format json", nil, 4, nil, []string{`"code":"azure_forbidden"`}},
		{"another backend", nil, "scan --backend acme", nil, 0, []string{"next: atg --backend acme snapshot show snap-2"}, nil},
		{"detach", nil, "scan --detach", nil, 2, nil, []string{"backend local does not support --detach"}},
		{"generate-iac", nil, "generate-iac --format arm --output-dir x", nil, 2, nil, []string{"backend local does not support generate-iac", "it can do: scan, visualize"}},
		{"create-tenant", nil, "create-tenant spec.md --dry-run", nil, 2, nil, []string{"backend local does not support create-tenant"}},
		{"create-tenant, nobody to ask", nil, "create-tenant spec.md", nil, 2, nil, []string{"--yes"}},
		{"create-tenant, no file", nil, "create-tenant missing.md", nil, 2, nil, []string{"the specification cannot be read", "missing.md"}},
		{"commands of a backend's hint", fails(fault.New(fault.JobFailed, "no", fault.Hint("see `atg snapshot list`, or atg job list; atg --profile x scan is whole"))), "scan --backend acme", nil, 6, nil,
			[]string{"see `atg --backend acme snapshot list`, or atg --backend acme job list; atg --profile x scan is whole"}},
		{"resume and dry run", nil, "scan --resume last --dry-run", nil, 2, nil, []string{"--resume and --dry-run contradict each other"}},
		{"resume, without parts", nil, "scan --resume last", nil, 2, nil, []string{"backend local does not support --resume"}},
		{"remote without an address", nil, "--remote scan", nil, 2, nil, []string{"service_url"}},
		{"logs", func(_ context.Context, job *runner.Job) (backend.Result, error) {
			job.Log(backend.LevelInfo, "hello %s", "\x1b[2J")
			job.Progress(backend.Progress{Phase: "resources", Done: 7, Total: 7, Unit: "rows"})
			return &backend.ScanResult{Success: true, Complete: true, Resources: 7}, nil
		}, "scan", nil, 0, []string{"Scan  complete"}, []string{`hello \x1b[2J`, "resources: 7 of 7 rows"}},
		{"quiet", func(_ context.Context, job *runner.Job) (backend.Result, error) {
			job.Log(backend.LevelWarn, "hm")
			job.Progress(backend.Progress{Phase: "resources", Done: 7})
			return &backend.ScanResult{Success: true, Complete: true, Resources: 7}, nil
		}, "-q scan -o ndjson", nil, 0, []string{`{"schema_version":1,"success":true`}, nil},
		{"timeout", func(ctx context.Context, _ *runner.Job) (backend.Result, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, "--timeout 0.05 scan", nil, 124, nil, []string{"--timeout", "cancelling the job"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(tc.scan)
			r := atg(t, t.Context(), f, tc.env, strings.Fields(tc.args)...)
			if r.code != tc.code {
				t.Errorf("exit %d, want %d", r.code, tc.code)
			}
			for _, s := range []struct {
				got  string
				want []string
			}{{r.out, tc.out}, {r.err, tc.err}} {
				if (s.got == "") != (len(s.want) == 0) {
					t.Errorf("got %q", s.got)
				}
				for _, w := range s.want {
					if !strings.Contains(s.got, w) {
						t.Errorf("%q does not say %q", s.got, w)
					}
				}
			}
		})
	}
}

func TestScanRequest(t *testing.T) {
	f := newFake(nil)
	r := atg(t, t.Context(), f, []string{"ATG_TENANT_ID=from-env"}, strings.Fields("scan --tenant-id me --tag a=b --limit 5 --no-aad-import --depth children --discovery arm --dry-run")...)
	want := &backend.ScanRequest{
		TenantID: "me", Filter: backend.Filter{Tags: map[string]string{"a": "b"}}, ResourceLimit: 5, Depth: backend.DepthChildren,
		Identities: backend.IdentitiesNone, Discovery: backend.DiscoveryARM, DryRun: true,
	}
	if diff := cmp.Diff(backend.Request(want), f.request); diff != "" || r.code != 0 {
		t.Errorf("%+v; request (-want +got):\n%s", r, diff)
	}
	f = newFake(nil)
	if atg(t, t.Context(), f, []string{"ATG_TENANT_ID=from-env"}, "scan"); f.request.Tenant() != "from-env" {
		t.Errorf("tenant %q", f.request.Tenant())
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	f := newFake(func(ctx context.Context, job *runner.Job) (backend.Result, error) {
		cancel(fault.New(fault.Interrupted, "interrupted"))
		<-ctx.Done()
		job.Log(backend.LevelInfo, "tidied up")
		return nil, ctx.Err()
	})
	r := atg(t, ctx, f, nil, "scan")
	if r.code != 130 || !strings.Contains(r.err, "tidied up") || !strings.Contains(r.err, "error: interrupted") || f.stopped != 1 {
		t.Errorf("%+v, stopped %d times", r, f.stopped)
	}
}

func TestPanicIsADefect(t *testing.T) {
	f := newFake(nil)
	f.Runner = nil
	r := atg(t, t.Context(), f, nil, "scan")
	if r.code != 1 || !strings.Contains(r.err, "a defect of atg") {
		t.Errorf("%+v", r)
	}
}
