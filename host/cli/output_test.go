package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/runner"
)

// printed is a call of a command that prints data.
type printed struct {
	args   string
	fake   func(*testing.T) *fake // nil is a new one
	before []string               // calls that go before, in the same home
	env    []string
	code   int
}

// with is a new fake that is changed.
func with(change func(*fake)) func(*testing.T) *fake {
	return func(*testing.T) *fake {
		f := newFake(nil)
		change(f)
		return f
	}
}

// finished is a backend with a completed job, JOB in the arguments of calls.
func finished(t *testing.T) *fake {
	f := durableFake(t, nil)
	settle(t, f, submit(t, f, &backend.ScanRequest{TenantID: "t"}))
	return f
}

// running is a backend with a job that goes on until it is cancelled.
func running(t *testing.T) *fake {
	f := durableFake(t, func(ctx context.Context, _ *runner.Job) (backend.Result, error) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	})
	submit(t, f, &backend.ScanRequest{TenantID: "t"})
	return f
}

// away is a backend whose service cannot be reached.
func away(t *testing.T) *fake {
	f := durableFake(t, nil)
	f.schema, f.health = remoteSchema, unreachable(fault.ServiceUnavailable)
	return f
}

// HOME in arguments is the home, in which there are the files of outputFiles.
var outputFiles = map[string]string{
	"contoso.md": "# Contoso", "batch.ndjson": `{"operation":"scan","request":{"tenant_id":"t"}}` + "\n", "bin/atg-backend-acme": "#!/bin/sh\n",
}

var installAcme = "backend install HOME/bin/atg-backend-acme --no-verify --yes"

// outputs are calls of every command that prints data, by command.
var outputs = map[string]printed{
	"atg scan":         {args: "scan"},
	"atg generate-iac": {args: "generate-iac --format terraform --output-dir HOME/out --force", fake: func(*testing.T) *fake { return generating(map[string]string{"main.tf": "1"}) }},
	"atg create-tenant": {args: "create-tenant HOME/contoso.md --dry-run", fake: func(*testing.T) *fake {
		f, _ := creating(&backend.TenantCreationResult{Success: true, Complete: true, Plan: &backend.TenantPlan{Digest: "d"}}, nil)
		return f
	}},
	"atg generate-spec": {args: "generate-spec --output HOME/spec.md --force", fake: with(func(f *fake) {
		f.specification = &backend.SpecGenerationResult{Success: true, Complete: true}
		f.files = map[string]string{"spec.md": "x"}
	})},
	"atg visualize":       {args: "visualize --output HOME/x.html --force"},
	"atg snapshot list":   {args: "snapshot list"},
	"atg snapshot show":   {args: "snapshot show"},
	"atg snapshot pull":   {args: "snapshot pull --file HOME/x.db --force"},
	"atg snapshot delete": {args: "snapshot delete snap-1 --yes"},
	"atg snapshot query":  {args: "snapshot query owners", fake: func(*testing.T) *fake { return asked() }},
	"atg snapshot path":   {args: "snapshot path ada safe", fake: func(*testing.T) *fake { return walked() }},
	"atg snapshot reach":  {args: "snapshot reach ada", fake: func(*testing.T) *fake { return walked() }},
	"atg snapshot export": {args: "snapshot export --format jsonl --output HOME/graph.jsonl --force", fake: with(func(f *fake) {
		f.export = &backend.SnapshotExportResult{Format: "jsonl", Complete: true}
		f.files = map[string]string{"graph.jsonl": "{}"}
	})},
	"atg snapshot diff": {args: "snapshot diff", fake: func(*testing.T) *fake { return comparing() }},

	"atg job list":     {args: "--backend acme job list", fake: finished},
	"atg job show":     {args: "--backend acme job show JOB", fake: finished},
	"atg job watch":    {args: "--backend acme job watch JOB", fake: finished},
	"atg job result":   {args: "--backend acme job result JOB", fake: finished},
	"atg job download": {args: "--backend acme job download JOB --output-dir HOME/files --force", fake: finished},
	"atg job cancel":   {args: "--backend acme job cancel JOB", fake: running},
	"atg job submit":   {args: "--backend acme job submit --batch HOME/batch.ndjson", fake: func(t *testing.T) *fake { return durableFake(t, nil) }},
	"atg job flush":    {args: "job flush --dry-run", before: []string{"--remote scan --queue"}, fake: away, env: []string{"ATG_SERVICE_URL=https://atg.example.com", "ATG_API_KEY=k"}},

	"atg health":          {args: "health"},
	"atg backend list":    {args: "backend list", env: []string{"ATG_BACKEND_PATH=HOME/bin"}},
	"atg backend info":    {args: "backend info acme", env: []string{"ATG_BACKEND_PATH=HOME/bin"}},
	"atg backend new":     {args: "backend new acme --lang go --dir HOME/new"},
	"atg backend test":    {args: "backend test HOME/bin/atg-backend-acme --check describe", code: -1},
	"atg backend install": {args: installAcme},
	"atg backend remove":  {args: "backend remove acme", before: []string{installAcme}},
	"atg backend upgrade": {args: "backend upgrade --yes", before: []string{installAcme}},
	"atg backend push":    {args: "backend push --name acme --release 1 --platform plan9/mips=HOME/bin/atg-backend-acme oci-layout:HOME/layout:1"},

	"atg config show":     {args: "config show"},
	"atg config path":     {args: "config path"},
	"atg config validate": {args: "config validate"},
	"atg config init":     {args: "config init --force"},

	"atg auth login":  {args: "auth login https://atg.example.com --api-key-stdin", fake: with(func(f *fake) { f.schema = remoteSchema }), env: []string{"STDIN=k"}},
	"atg auth logout": {args: "auth logout https://atg.example.com"},
	"atg auth status": {args: "auth status https://atg.example.com", fake: with(func(f *fake) { f.schema = remoteSchema }), env: []string{"ATG_API_KEY=k"}},
	"atg doctor":      {args: "doctor", code: -1},
	"atg version":     {args: "version"},
}

// texts are the commands that print no data.
var texts = map[string]string{
	"atg completion": "a script for a shell",
	"atg help":       "words for people",
}

// run makes the call with more arguments, in a home of its own.
func (p printed) run(t *testing.T, seen func(ui.Document), more ...string) result {
	t.Helper()
	home := t.TempDir()
	for name, content := range outputFiles {
		path := filepath.Join(home, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	f := newFake(nil)
	if p.fake != nil {
		f = p.fake(t)
	}
	job := ""
	if f.durable {
		for _, j := range jobsOf(t, f) {
			job = j.JobID
		}
	}
	fill := func(args string) []string {
		return strings.Fields(strings.NewReplacer("HOME", home, "JOB", job).Replace(args))
	}
	env := append([]string{"HOME=" + home, "AppData=" + home, "LocalAppData=" + home, "PATH="}, fill(strings.Join(p.env, " "))...)
	for _, args := range p.before {
		atg(t, t.Context(), f, env, fill(args)...)
	}
	r := seeing(t, t.Context(), f, env, seen, append(fill(p.args), more...)...)
	if p.code >= 0 && r.code != p.code {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
	return r
}

// TestEveryCommandHasEveryFormat: a command of the grammar that prints data heeds -o and --jq, whatever it is.
func TestEveryCommandHasEveryFormat(t *testing.T) {
	var g grammar
	parser, err := newParser(&g, nil)
	if err != nil {
		t.Fatal(err)
	}
	known := maps.Clone(texts)
	for name := range outputs {
		known[name] = "data"
	}
	for _, node := range parser.Model.Leaves(true) {
		if known[path(node)] == "" {
			t.Errorf("nobody knows what %s prints: enter it in outputs", path(node))
		}
		delete(known, path(node))
	}
	for name := range known {
		t.Errorf("there is no %s", name)
	}
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		t.Run(name, func(t *testing.T) {
			call := outputs[name]
			var asJSON, asYAML map[string]any
			r := call.run(t, nil, "-o", "json")
			if err := json.Unmarshal([]byte(r.out), &asJSON); err != nil || asJSON["schema_version"] != 1.0 {
				t.Fatalf("-o json: %v, %s, %s", err, r.out, r.err)
			}
			r = call.run(t, nil, "-o", "yaml")
			if err := yaml.Unmarshal([]byte(r.out), &asYAML); err != nil || json.Valid([]byte(r.out)) {
				t.Errorf("-o yaml: %v, %s", err, r.out)
			}
			keys := func(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
			if d := cmp.Diff(keys(asJSON), keys(asYAML)); d != "" {
				t.Errorf("-o json and -o yaml differ:\n%s", d)
			}
			r = call.run(t, nil, "-o", "ndjson")
			lines := 0
			for line := range strings.Lines(r.out) {
				lines++
				if line = strings.TrimSuffix(line, "\n"); !strings.HasPrefix(line, "{") || !json.Valid([]byte(line)) {
					t.Errorf("-o ndjson: %q", line)
				}
			}
			if lines == 0 {
				t.Errorf("-o ndjson prints nothing: %+v", r)
			}
			r = call.run(t, nil)
			if r.out == "" || json.Valid([]byte(r.out)) || strings.Contains(r.out, "schema_version") {
				t.Errorf("for people it prints %q", r.out)
			}
			r = call.run(t, nil, "--jq", ".schema_version")
			if r.out != "1\n" {
				t.Errorf("--jq: %q, %s", r.out, r.err)
			}
			wrong := call
			if wrong.code = -1; call.code == 0 {
				if r = wrong.run(t, nil, "--jq", ".["); r.code != 2 || r.out != "" || !strings.Contains(r.err, "character 3") {
					t.Errorf("a wrong --jq: %+v", r)
				}
			}
		})
	}
}

func TestTextIsNoJSON(t *testing.T) {
	for _, args := range []string{"completion bash", "help scan", "config init --stdout"} {
		if r := atg(t, t.Context(), nil, nil, append(strings.Fields(args), "--jq", ".")...); r.code != 2 || r.out != "" || !strings.Contains(r.err, "--jq") {
			t.Errorf("%s: %+v", args, r)
		}
	}
	f := asked()
	if r := atg(t, t.Context(), f, nil, "snapshot", "query", "owners", "--format", "csv", "--jq", "."); r.code != 2 || f.request != nil || !strings.Contains(r.err, "--format") {
		t.Errorf("%+v", r)
	}
	if r := atg(t, t.Context(), nil, nil, "version", "-o", "yaml", "--jq", "."); r.code != 2 || !strings.Contains(r.err, "yaml") {
		t.Errorf("%+v", r)
	}
}

// TestOutputIsDocumented: docs/output.md has what each command prints, as its types have it. -update writes it.
func TestOutputIsDocumented(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "output.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- shapes: go test ./host/cli -run Documented -update -->\n", "<!-- end of shapes -->\n"
	before, rest, found := bytes.Cut(text, []byte(begin))
	_, after, closed := bytes.Cut(rest, []byte(end))
	if !found || !closed {
		t.Fatal("docs/output.md has no place for shapes")
	}
	results, err := os.ReadFile(filepath.Join("..", "..", "docs", "reference", "results.md"))
	if err != nil {
		t.Fatal(err)
	}
	s := shapes{results: string(results)}
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		call := outputs[name]
		call.run(t, func(d ui.Document) { s.add(name, d) })
	}
	got := slices.Concat(before, []byte(begin), []byte(s.String()), []byte(end), after)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if d := cmp.Diff(string(text), string(got)); d != "" {
		t.Errorf("docs/output.md (-want +got); go test -update rewrites it:\n%s", d)
	}
}
