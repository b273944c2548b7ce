package httpapi_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

const guidePath = "../../docs/api.md"

func guide(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(guidePath)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTheGuidesExamples makes every call of docs/api.md, in its order, and compares what comes with what it says. An … in the
// guide stands for anything.
func TestTheGuidesExamples(t *testing.T) {
	g := newRig(t, nil)
	s := &shell{t: t, g: g, vars: map[string]string{}}
	// what happens between the calls, by the last word of the call that comes next
	s.before = map[string]func(){
		"$ATG/api/v1/auth": func() { g.key, g.keyID = g.named("ci") },
		"$ATG/api/v1/jobs/$JOB": func() {
			g.begin(s.vars["JOB"])
			g.progress(s.vars["JOB"], 1, 42)
			g.overall(s.vars["JOB"], 2, 0.42)
		},
		"$ATG/api/v1/jobs/$JOB/result": func() {
			g.complete(s.vars["JOB"], &backend.ScanResult{
				Success: true, Complete: true, Subscriptions: 2, Resources: 1200, Relationships: 3400, DurationSeconds: 12.5,
				Coverage: backend.Coverage{Complete: true, Entries: []backend.CoverageEntry{}},
			}, map[string]string{"report/summary.txt": "1200 resources\n"})
		},
		"$ATG/api/v1/snapshots?limit=1": func() { g.snapshot("s1", "snapshot") },
		"$ATG/api/v1/jobs/$CODE/result": func() { g.complete(s.vars["CODE"], code(), nil) },
	}
	blocks := regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(guide(t), -1)
	ran := 0
	for _, block := range blocks {
		for _, example := range strings.Split(block[1], "$ ")[1:] {
			command, want, _ := strings.Cut(example, "\n")
			s.run(command, strings.TrimSuffix(want, "\n"))
			ran++
		}
	}
	if ran < 20 || len(s.before) > 0 {
		t.Errorf("%d examples were run; %d that should have come did not", ran, len(s.before))
	}
}

// code is the result of the guide's generate-iac.
func code() *backend.IaCGenerationResult {
	return &backend.IaCGenerationResult{
		Success: true, OutputFormat: "terraform", FilesGenerated: []string{"deploy.sh", "main.tf", "report.ndjson"},
		ResourcesIncluded: 40, ResourcesTrimmed: 12, ResourcesOmitted: 1, DurationSeconds: 1.5, Snapshot: "s1",
		Omitted: []backend.Omitted{
			{Resource: "/subscriptions/a", Reason: "the type cannot be deployed"},
			{Resource: "/subscriptions/b", Reason: "Azure makes it with its parent", Trimmed: true},
		},
		Checks: []backend.Check{{
			Tool: "terraform", Version: "1.9.8", State: backend.CheckFailed, Message: "1 error",
			Findings: []backend.CheckFinding{{File: "main.tf", Line: 12, Severity: backend.SeverityError, Message: "Unsupported argument"}},
		}},
		Notes: []string{"The name of a storage account has to be unique in the world."},
	}
}

// shell runs what the guide has instead of a shell: curl, of which it knows what the guide uses.
type shell struct {
	t      *testing.T
	g      *rig
	vars   map[string]string
	before map[string]func()
	last   answer
}

var word = regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)

func (s *shell) run(command, want string) {
	s.t.Helper()
	if name, value, ok := strings.Cut(command, "="); ok && !strings.Contains(name, " ") {
		s.vars[name] = s.assigned(name, value)
		return
	}
	words := word.FindAllString(command, -1)
	plain := strings.Trim(words[len(words)-1], `"`)
	if hook := s.before[plain]; hook != nil {
		delete(s.before, plain)
		hook()
	}
	q, output := s.curl(words)
	a := s.g.do(q)
	s.last = a
	got := string(bytes.TrimSuffix(a.body, []byte("\n")))
	switch output {
	case "headers":
		got = fmt.Sprintf("%s %d", strings.TrimSuffix(a.Proto, ".0"), a.StatusCode)
		for _, line := range strings.Split(want, "\n")[1:] {
			name, _, _ := strings.Cut(line, ":")
			got += "\n" + name + ": " + a.Header.Get(name)
		}
	case "code":
		got = strconv.Itoa(a.StatusCode)
	case "zip":
		if _, err := zip.NewReader(bytes.NewReader(a.body), int64(len(a.body))); err != nil || a.StatusCode != http.StatusOK {
			s.t.Errorf("%s: %d, %v", command, a.StatusCode, err)
		}
		return
	}
	if strings.HasPrefix(want, "{") {
		var x, y any
		if err := json.Unmarshal([]byte(want), &x); err != nil {
			s.t.Errorf("%s: the guide's answer is no JSON: %v", command, err)
		}
		if err := json.Unmarshal(a.body, &y); err != nil {
			s.t.Errorf("%s: %v: %s", command, err, a.body)
		}
		if !alike(x, y) {
			s.t.Errorf("%s:\n the guide has %s\n the service  %s", command, want, a.body)
		}
		return
	}
	if !like(want, got) {
		s.t.Errorf("%s:\n the guide has %q\n the service  %q", command, want, got)
	}
}

// curl reads a command line; output says what is to be looked at.
func (s *shell) curl(words []string) (q request, output string) {
	s.t.Helper()
	q = request{method: http.MethodGet, header: map[string]string{}}
	if words[0] == "curl" {
		q.key, words = "none", slices.DeleteFunc(words, func(w string) bool { return w == "--cacert" || w == "ca.pem" || w == "-sS" })
	} else if words[0] != "api" {
		s.t.Fatalf("%v is neither curl nor api", words)
	}
	for i := 1; i < len(words); i++ {
		next := func() string {
			i++
			return s.expand(words[i])
		}
		switch words[i] {
		case "-X":
			q.method = next()
		case "-H":
			name, value, _ := strings.Cut(next(), ": ")
			q.header[name] = value
		case "--json":
			q.method, q.body, q.header["Content-Type"] = http.MethodPost, next(), "application/json"
		case "--data-binary":
			if next() != "@spec.md" {
				s.t.Fatalf("%v sends a file that is not there", words)
			}
			q.body = "# spec\n"
		case "-D":
			next()
			output = "headers"
		case "-w":
			next()
			output = "code"
		case "-o":
			if file := next(); file != "/dev/null" {
				output = "zip"
			}
		default:
			path, ok := strings.CutPrefix(s.expand(words[i]), s.g.server.URL)
			if !ok {
				s.t.Fatalf("curl knows no %q here", words[i])
			}
			q.path = path
		}
	}
	return q, output
}

func (s *shell) expand(w string) string {
	if text, ok := strings.CutPrefix(w, "'"); ok {
		return strings.TrimSuffix(text, "'")
	}
	return os.Expand(strings.Trim(w, `"`), func(name string) string {
		if name == "ATG" {
			return s.g.server.URL
		}
		return s.vars[name]
	})
}

// assigned is the value of a variable, with the present one in the place of its ….
func (s *shell) assigned(name, value string) string {
	switch name {
	case "JOB", "CODE":
		var job backend.JobStatusResponse
		if err := json.Unmarshal(s.last.body, &job); err != nil {
			s.t.Fatal(err)
		}
		return job.JobID
	case "ETAG":
		return s.last.Header.Get("ETag")
	}
	s.t.Fatalf("the guide sets %s to %s", name, value)
	return ""
}

// alike compares JSON values of the guide with those of the service.
func alike(x, y any) bool {
	switch x := x.(type) {
	case map[string]any:
		y, ok := y.(map[string]any)
		return ok && maps.EqualFunc(x, y, alike)
	case []any:
		y, ok := y.([]any)
		return ok && slices.EqualFunc(x, y, alike)
	case string:
		y, ok := y.(string)
		return ok && like(x, y)
	}
	return x == y
}

// like compares a text of the guide with one of the service.
func like(x, y string) bool {
	parts := strings.Split(x, "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`(?s)^` + strings.Join(parts, ".+") + `$`).MatchString(y)
}

// TestTheGuidesTables compares the scopes and limits that docs/api.md lists with those that there are; docs/reference/faults.md, which is
// generated, has the codes.
func TestTheGuidesTables(t *testing.T) {
	text := guide(t)
	for _, scope := range api.Scopes() {
		if !strings.Contains(text, "| `"+string(scope)+"` |") {
			t.Errorf("the guide lacks scope %s", scope)
		}
	}
	for _, limit := range []string{fmt.Sprint(api.MaxIdempotencyKey), fmt.Sprint(backend.MaxBatch)} {
		if !strings.Contains(text, limit) {
			t.Errorf("the guide lacks the limit %s", limit)
		}
	}
}
