package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestReadBatch(t *testing.T) {
	lines, err := readBatch(strings.NewReader(`
{"operation": "scan", "request": {"tenant_id": "t", "locations": ["westeurope"], "resource_limit": 5}}

{"operation": "create-tenant", "request": {"dry_run": true, "spec": "spec.md"}, "inputs": {"spec.md": "in/contoso.md"}, "idempotency_key": "mine"}
{"operation": "scan"}
`), "/batches", "default", "id")
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 3 || lines[0].number != 2 || lines[1].number != 4 || lines[2].number != 5 {
		t.Fatalf("got %+v", lines)
	}
	want := []backend.Request{
		&backend.ScanRequest{TenantID: "t", Filter: backend.Filter{Locations: []string{"westeurope"}}, ResourceLimit: 5},
		&backend.TenantCreationRequest{TenantID: "default", DryRun: true, Spec: "spec.md"},
		&backend.ScanRequest{TenantID: "default"},
	}
	for i, l := range lines {
		if diff := cmp.Diff(want[i], l.submission.Request); diff != "" || l.problem != nil {
			t.Errorf("line %d: %v (-want +got):\n%s", l.number, l.problem, diff)
		}
	}
	if key := lines[1].submission.IdempotencyKey; key != "mine" || len(lines[0].submission.IdempotencyKey) != 32 {
		t.Errorf("keys %q, %q", key, lines[0].submission.IdempotencyKey)
	}
	if diff := cmp.Diff([]dispatch.File{{Path: "spec.md", File: filepath.Join("/batches", "in", "contoso.md")}}, lines[1].files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// TestSameBatchSameKeys: the keys follow from the name of the batch, the line and its number.
func TestSameBatchSameKeys(t *testing.T) {
	keys := func(text, id string) (keys []string) {
		t.Helper()
		lines, err := readBatch(strings.NewReader(text), "", "", id)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			keys = append(keys, l.submission.IdempotencyKey)
		}
		return keys
	}
	const twice = `{"operation":"scan"}` + "\n" + `{"operation":"scan"}` + "\n"
	a := keys(twice, "a")
	if again := keys(twice, "a"); !cmp.Equal(a, again) {
		t.Errorf("%q and %q", a, again)
	}
	if other := keys(twice, "b"); a[0] == a[1] || a[0] == other[0] {
		t.Errorf("%q and %q", a, other)
	}
}

func TestMalformedLines(t *testing.T) {
	for text, word := range map[string]string{
		`scan`:                   "invalid character",
		`{"operation": "scn"}`:   "did you mean scan?",
		`{"operation": "dance"}`: "there are scan",
		`{}`:                     `no operation ""`,
		`{"operation": "scan", "request": {"tennant_id": "t"}}`:                        `unknown field "tennant_id"`,
		`{"operation": "scan", "request": {"locations": "x"}}`:                         "locations: a JSON string does not fit",
		`{"operation": "scan", "tenant": "t"}`:                                         `unknown field "tenant"`,
		`{"operation": "scan"} {"operation": "scan"}`:                                  "behind the object",
		`{"operation": "scan", "idempotency_key": "` + strings.Repeat("x", 256) + `"}`: "255",
		`{"operation": "scan", "idempotency_key": "first"}`:                            "that of line 1",
	} {
		lines, err := readBatch(strings.NewReader(`{"operation": "scan", "idempotency_key": "first"}`+"\n"+text+"\n"), "", "", "id")
		if err != nil || len(lines) != 2 || lines[1].problem == nil {
			t.Errorf("%s: got %+v, %v", text, lines, err)
			continue
		}
		if got := lines[1].problem.Message; !strings.HasPrefix(got, "line 2: ") || !strings.Contains(got, word) {
			t.Errorf("%s: %q does not say %q", text, got, word)
		}
	}
	for name, text := range map[string]string{"empty": "\n \n", "too long": `{"operation": "` + strings.Repeat("x", maxLine)} {
		if _, err := readBatch(strings.NewReader(text), "", "", ""); fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// batch writes a file of n scans, the tenants of which count from 0, before more lines.
func batch(t *testing.T, n int, more ...string) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"operation": "scan", "request": {"tenant_id": "%d"}}`+"\n", i)
	}
	file := filepath.Join(t.TempDir(), "batch.ndjson")
	if err := os.WriteFile(file, []byte(b.String()+strings.Join(more, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func rowsOf(t *testing.T, out string) (rows []batchRow) {
	t.Helper()
	for line := range strings.Lines(out) {
		var row batchRow
		if err := json.Unmarshal([]byte(line), &row); err != nil || !strings.HasPrefix(line, `{"schema_version":1,`) {
			t.Fatalf("%q: %v", line, err)
		}
		rows = append(rows, row)
	}
	return rows
}

func TestSubmitBatch(t *testing.T) {
	f := durableFake(t, nil)
	file := batch(t, 250)
	r := atg(t, t.Context(), f, nil, "--backend", "acme", "-q", "job", "submit", "--batch", file, "--batch-id", "b", "-o", "ndjson")
	rows := rowsOf(t, r.out)
	if r.code != 0 || r.err != "" || len(rows) != 250 || len(jobsOf(t, f)) != 250 {
		t.Fatalf("exit %d, %d rows, %d jobs, %s", r.code, len(rows), len(jobsOf(t, f)), r.err)
	}
	for i, row := range rows {
		job, err := f.GetJob(t.Context(), row.JobID)
		if err != nil || row.Line != i+1 || row.State != "accepted" || job.TenantID != fmt.Sprint(i) {
			t.Errorf("%+v is on tenant %s, %v", row, job.TenantID, err)
		}
		settle(t, f, row.JobID)
	}
	if diff := cmp.Diff([]int{100, 100, 50}, f.batches); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	again := atg(t, t.Context(), f, nil, "--backend", "acme", "-q", "job", "submit", "--batch", file, "--batch-id", "b", "-o", "ndjson")
	if again.code != 0 || len(jobsOf(t, f)) != 250 || rowsOf(t, again.out)[7].JobID != rows[7].JobID {
		t.Errorf("the same batch again: exit %d, %d jobs", again.code, len(jobsOf(t, f)))
	}
}

func TestBatchOutcomes(t *testing.T) {
	bad := `{"operation": "scna"}`
	refuse := func(s backend.Submission) error {
		if s.Request.Tenant() == "1" {
			return fault.New(fault.Forbidden, "not your tenant")
		}
		return nil
	}
	for _, tc := range []struct {
		name   string
		lines  int
		more   string
		refuse func(backend.Submission) error
		cut    int // the calls that are answered; 0 is all
		flags  string
		code   int
		states string // of the first lines, and of the last
		jobs   int
		says   []string
	}{
		{"malformed: nothing is sent", 2, bad, nil, 0, "", 2, "", 0, []string{"line 3: ", "did you mean scan?", "--keep-going"}},
		{"malformed, but the others", 2, bad, nil, 0, "--keep-going", 2, "accepted accepted malformed", 2, []string{"1 of 3", "line 3"}},
		{"one is refused", 3, "", refuse, 0, "", 4, "accepted refused accepted", 2, []string{"1 of 3", "not your tenant"}},
		{"the second call is lost", 201, "", nil, 1, "", 5, "accepted accepted unsent", 100, []string{"connection lost", "nothing twice: atg --backend acme job submit --batch ", "--batch-id "}},
		{"the first call is lost", 2, "", nil, -1, "", 5, "unknown unknown unknown", 0, []string{"--batch-id "}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := durableFake(t, nil)
			f.refuse, f.cut = tc.refuse, tc.cut
			args := append([]string{"--backend", "acme", "-q", "job", "submit", "-o", "ndjson", "--batch", batch(t, tc.lines, tc.more)}, strings.Fields(tc.flags)...)
			r := atg(t, t.Context(), f, nil, args...)
			rows := rowsOf(t, r.out)
			var states []string
			if len(rows) > 1 {
				states = []string{rows[0].State, rows[1].State, rows[len(rows)-1].State}
			}
			if got := strings.Join(states, " "); r.code != tc.code || got != tc.states || len(jobsOf(t, f)) != tc.jobs {
				t.Errorf("exit %d, states %q, %d jobs; %s", r.code, got, len(jobsOf(t, f)), r.err)
			}
			says(t, "stderr", r.err, tc.says...)
			for _, j := range jobsOf(t, f) {
				settle(t, f, j.JobID)
			}
		})
	}
}

func TestBatchTable(t *testing.T) {
	f := durableFake(t, nil)
	r := atg(t, t.Context(), f, []string{"STDIN=" + `{"operation": "scan"}`}, "--backend", "acme", "--no-progress", "job", "submit", "--batch", "-")
	if r.code != 0 || r.err != "" {
		t.Errorf("%+v", r)
	}
	says(t, "stdout", r.out, "LINE", "accepted", jobsOf(t, f)[0].JobID)
	settle(t, f, jobsOf(t, f)[0].JobID)
	if r := atg(t, t.Context(), f, nil, "--backend", "acme", "job", "submit", "--batch", "/does/not/exist"); r.code != 2 {
		t.Errorf("%+v", r)
	}
	if r := atg(t, t.Context(), newFake(nil), nil, "job", "submit", "--batch", batch(t, 1)); r.code != 2 || r.out != "" {
		t.Errorf("%+v", r)
	}
}
