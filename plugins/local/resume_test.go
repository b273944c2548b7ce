package local_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// manyParts is a tenant whose scan has some tens of parts.
func manyParts(t *testing.T, resources int) *tenant.Tenant {
	t.Helper()
	made, err := tenant.Synthetic(tenant.SyntheticOptions{Resources: resources, Subscriptions: 2, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// attempt is a scan with a work folder.
func attempt(t *testing.T, b backend.Backend, request backend.ScanRequest, dir string, parts []backend.Part) outcome {
	t.Helper()
	job, err := b.Submit(t.Context(), backend.Submission{Request: &request, WorkDir: dir, Parts: parts})
	if err != nil {
		t.Fatal(err)
	}
	return finish(t, b, job.JobID)
}

// cutShort cancels a scan once it has announced so many parts, and answers those that it had by its end.
func cutShort(t *testing.T, b backend.Backend, request backend.ScanRequest, dir string, after int) []backend.Part {
	t.Helper()
	job, err := b.Submit(t.Context(), backend.Submission{Request: &request, WorkDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	announced := 0
	err = b.WatchJob(t.Context(), job.JobID, 0, func(e backend.Event) error {
		if e.Part != nil {
			announced++
		}
		if announced == after {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatalf("the scan ended before it had announced %d parts: %v", after, err)
	}
	if _, err := b.CancelJob(t.Context(), job.JobID); err != nil {
		t.Fatal(err)
	}
	return partsOf(finish(t, b, job.JobID))
}

func partsOf(o outcome) []backend.Part {
	var parts []backend.Part
	for _, e := range o.events {
		if e.Part != nil {
			parts = append(parts, *e.Part)
		}
	}
	return parts
}

func keysOf(parts []backend.Part) []string {
	var keys []string
	for _, p := range parts {
		keys = append(keys, p.Key)
	}
	slices.Sort(keys)
	return keys
}

func digest(t *testing.T, settings backend.Settings, o outcome) string {
	t.Helper()
	if o.result == nil {
		t.Fatalf("the scan ended as %s: %v", o.job.Status, o.job.Error)
	}
	store, err := graph.OpenStore(settings["store_dir"].(string))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := store.Digest(t.Context(), o.result.Snapshot.ID)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestAScanGoesOnFromItsParts(t *testing.T) {
	for name, c := range map[string]struct {
		resources int
		request   backend.ScanRequest
	}{
		"resources":              {2_600, backend.ScanRequest{Depth: backend.DepthResources}},
		"children":               {1_000, backend.ScanRequest{Depth: backend.DepthChildren}},
		"lists":                  {1_000, backend.ScanRequest{Depth: backend.DepthResources, Discovery: backend.DiscoveryARM}},
		"identities, all":        {100, backend.ScanRequest{Depth: backend.DepthResources, Identities: backend.IdentitiesAll}},
		"identities, referenced": {100, backend.ScanRequest{Depth: backend.DepthResources, Identities: backend.IdentitiesReferenced}},
	} {
		t.Run(name, func(t *testing.T) {
			sim, settings := simulate(t, azuresim.Config{Tenant: manyParts(t, c.resources), NoARMLimits: true})
			settings["parallelism"] = 2
			if c.request.Identities != "" {
				settings["graph_endpoint"] = sim.URL()
			}
			b, request := start(t, settings), c.request
			whole := attempt(t, b, request, t.TempDir(), nil)
			all := keysOf(partsOf(whole))
			if len(all) != len(slices.Compact(slices.Clone(all))) {
				t.Errorf("a part was announced twice: %v", all)
			}
			dir := t.TempDir()
			finished := cutShort(t, b, request, dir, len(all)*2/3)
			sim.ResetRequests()
			rest := attempt(t, b, request, dir, finished)
			if got, want := digest(t, settings, rest), digest(t, settings, whole); got != want {
				t.Errorf("the snapshot has the digest %s, that of an undisturbed scan %s", got, want)
			}
			if d := diffCoverage(byPlace(whole.result.Coverage.Entries), byPlace(rest.result.Coverage.Entries)); d != "" {
				t.Errorf("ledger (-undisturbed +resumed):\n%s", d)
			}
			both := keysOf(slices.Concat(finished, partsOf(rest)))
			if d := cmp.Diff(all, both); d != "" {
				t.Errorf("parts (-undisturbed +both attempts):\n%s", d)
			}
		})
	}
}

func TestPartsThatDoNotFitAreReadAgain(t *testing.T) {
	_, settings := simulate(t, azuresim.Config{Tenant: manyParts(t, 2_600), NoARMLimits: true})
	b := start(t, settings)
	request := backend.ScanRequest{Depth: backend.DepthResources}
	spoil := func(t *testing.T, dir string, p backend.Part, change func([]byte) []byte) {
		t.Helper()
		name := filepath.Join(dir, filepath.FromSlash(p.Path))
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, change(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	whole := attempt(t, b, request, t.TempDir(), nil)
	for name, c := range map[string]func(t *testing.T, dir string, parts []backend.Part) []backend.Part{
		"a flipped bit": func(t *testing.T, dir string, parts []backend.Part) []backend.Part {
			spoil(t, dir, parts[2], func(b []byte) []byte { b[len(b)/2] ^= 4; return b })
			return parts
		},
		"cut off": func(t *testing.T, dir string, parts []backend.Part) []backend.Part {
			spoil(t, dir, parts[2], func(b []byte) []byte { return b[:len(b)/2] })
			return parts
		},
		"gone": func(t *testing.T, dir string, parts []backend.Part) []backend.Part {
			if err := os.Remove(filepath.Join(dir, filepath.FromSlash(parts[2].Path))); err != nil {
				t.Fatal(err)
			}
			return parts
		},
		"another's name": func(_ *testing.T, _ string, parts []backend.Part) []backend.Part {
			parts[2].Key, parts[3].Key = parts[3].Key, parts[2].Key
			return parts
		},
		"outside": func(_ *testing.T, _ string, parts []backend.Part) []backend.Part {
			parts[2].Path = "../" + parts[2].Path
			return parts
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			finished := c(t, dir, partsOf(attempt(t, b, request, dir, nil)))
			rest := attempt(t, b, request, dir, finished)
			if got, want := digest(t, settings, rest), digest(t, settings, whole); got != want {
				t.Errorf("the snapshot has the digest %s, that of an undisturbed scan %s", got, want)
			}
			if n := len(partsOf(rest)); n == 0 || n > 2 {
				t.Errorf("%d parts were read again", n)
			}
			warned := slices.ContainsFunc(rest.events, func(e backend.Event) bool {
				return e.Log != nil && e.Log.Level == backend.LevelWarn && strings.Contains(e.Log.Message, "read again")
			})
			if !warned {
				t.Error("nothing was said of it")
			}
		})
	}
	t.Run("of another request", func(t *testing.T) {
		dir := t.TempDir()
		finished := partsOf(attempt(t, b, backend.ScanRequest{Depth: backend.DepthResources, Filter: backend.Filter{Locations: []string{"eastus"}}}, dir, nil))
		if got, want := digest(t, settings, attempt(t, b, request, dir, finished)), digest(t, settings, whole); got != want {
			t.Errorf("the snapshot has the digest %s, that of an undisturbed scan %s", got, want)
		}
	})
}

// TestAResumedScanAsksForNothingTwice counts the queries for rows.
func TestAResumedScanAsksForNothingTwice(t *testing.T) {
	sim, settings := simulate(t, azuresim.Config{Tenant: manyParts(t, 2_600), NoARMLimits: true})
	settings["graph_endpoint"] = sim.URL()
	b := start(t, settings)
	for _, which := range []backend.Identities{backend.IdentitiesAll, backend.IdentitiesReferenced} {
		request := backend.ScanRequest{Depth: backend.DepthResources, Identities: which}
		dir := t.TempDir()
		first := attempt(t, b, request, dir, nil)
		finished := partsOf(first)
		sim.ResetRequests()
		rest := attempt(t, b, request, dir, finished)
		for _, r := range sim.Requests() {
			if strings.Contains(r.Body, "order by id asc") || strings.Contains(r.Path, "/locks") || strings.HasPrefix(r.Path, "/v1.0/") {
				t.Errorf("%s %s was asked again: %s", r.Method, r.Path, r.Body)
			}
		}
		if rest.result == nil || rest.result.Resources != first.result.Resources || rest.result.Identities != first.result.Identities || !rest.result.Complete {
			t.Errorf("result = %+v", rest.result)
		}
		if got, want := digest(t, settings, rest), digest(t, settings, first); got != want {
			t.Errorf("the snapshot has the digest %s, that of the first scan %s", got, want)
		}
	}
}

// TestWhatIsReferredToMayChange adds a role assignment between two attempts: the parts of what was referred to before do not stand
// for what is now.
func TestWhatIsReferredToMayChange(t *testing.T) {
	contoso, err := tenant.Contoso()
	if err != nil {
		t.Fatal(err)
	}
	sim, settings := withDirectory(t, azuresim.Config{Tenant: contoso})
	b := start(t, settings)
	request := backend.ScanRequest{Depth: backend.DepthResources, Identities: backend.IdentitiesReferenced}
	dir := t.TempDir()
	first := attempt(t, b, request, dir, nil)
	parts := slices.DeleteFunc(partsOf(first), func(p backend.Part) bool { return strings.HasSuffix(p.Key, "/authorizationresources") })
	if len(parts) == len(partsOf(first)) {
		t.Fatalf("no part has role assignments: %v", keysOf(parts))
	}
	ids := append([]string{""}, subscriptionsOf(contoso)...)
	var stranger directory.Object // a group that nothing names yet
	known := closure(sim.Directory(), contoso.ID, namedBy(t, contoso, ids...))
	for _, o := range sim.Directory().All(directory.Group, 0) {
		if known.Identities[o.ID] == "" {
			stranger = o
		}
	}
	if stranger.ID == "" {
		t.Fatal("every group is referred to")
	}
	changed := withAssignment(t, contoso, stranger.ID)
	sim.SetTenant(changed)
	rest := attempt(t, b, request, dir, parts)
	want := closure(sim.Directory(), contoso.ID, namedBy(t, changed, ids...))
	if d := cmp.Diff(want, peopleOf(t, settings, rest).withoutKinds()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if want.Identities[stranger.ID] == "" {
		t.Error("the new role assignment names nobody")
	}
}
