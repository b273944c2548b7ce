package tenant_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// pairs are those of the map beside a specification, by pseudonym.
func pairs(t *testing.T, dir string) map[string]string {
	t.Helper()
	file := filepath.Join(dir, tenant.MapFile)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the map has the mode %v: %v", info.Mode(), err)
	}
	var said struct {
		Note  string
		Pairs []struct{ Pseudonym, Original, Kind string }
	}
	if err := json.Unmarshal(content, &said); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(said.Note, "PRIVATE.") {
		t.Errorf("the map does not say that it is private: %q", said.Note)
	}
	all := map[string]string{}
	for _, p := range said.Pairs {
		if other, ok := all[p.Pseudonym]; ok && other != p.Original && p.Kind != "address" {
			t.Errorf("%q stands for %q and for %q", p.Pseudonym, other, p.Original)
		}
		all[p.Pseudonym] = p.Original
	}
	return all
}

func TestAnonymized(t *testing.T) {
	r := contoso(t)
	request := backend.SpecGenerationRequest{Anonymize: true}
	text, _, dir := generate(t, r, request)
	parsed(t, text)
	known := pairs(t, dir)
	again, _, other := generate(t, r, request)
	if text != again {
		t.Error("a second time, other pseudonyms were chosen")
	}
	if len(pairs(t, other)) != len(known) {
		t.Error("a second time, there is another map")
	}

	lower := strings.ToLower(text)
	if strings.Contains(lower, "contoso") {
		t.Errorf("it still says whose tenant it is: %s", around(lower, "contoso"))
	}
	secrets := regexp.MustCompile(`\$\{secret:[^}]+\}`).FindAllString(text, -1)
	for _, s := range secrets {
		if strings.Count(text, s) < 2 {
			t.Errorf("%s is either not listed or not used", s)
		}
	}
	if len(secrets) < 10 {
		t.Errorf("there are only %d secrets", len(secrets))
	}
	found := 0
	err := r.Heads(t.Context(), func(h graph.Head) error {
		if h.Table != graph.Resources || len(h.Name) < 6 || !regexp.MustCompile(`^[a-z]+-[a-z0-9-]+$`).MatchString(h.Name) {
			return nil
		}
		found++
		if regexp.MustCompile(`\b` + regexp.QuoteMeta(h.Name) + `\b`).MatchString(lower) {
			t.Errorf("the name %s is still there: %s", h.Name, around(lower, h.Name))
		}
		return nil
	})
	if err != nil || found < 50 {
		t.Fatal(found, err)
	}
	guids := regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	for _, id := range guids.FindAllString(lower, -1) {
		if !strings.HasPrefix(id, "00000000-0000-") && known[id] == "" && spec.RoleName(id) == "" {
			t.Errorf("the id %s is still there: %s", id, around(lower, id))
		}
	}
	for _, mail := range regexp.MustCompile(`[a-z0-9.]+@[a-z0-9.]+`).FindAllString(lower, -1) {
		if !strings.HasSuffix(mail, "@example.com") {
			t.Errorf("the address %s is still there", mail)
		}
	}
}

// around is where a text is, with its line.
func around(text, what string) string {
	at := strings.Index(text, what)
	begin := strings.LastIndexByte(text[:at], '\n') + 1
	end := strings.IndexByte(text[at:], '\n')
	return text[begin : at+end]
}

// TestAnonymizedAtRandom: whatever is in a snapshot, its specification under pseudonyms is valid, has as much in it, and the map leads back to
// the names.
func TestAnonymizedAtRandom(t *testing.T) {
	for seed := range uint64(20) {
		r := random(t, seed)
		text, _, _ := generate(t, r, backend.SpecGenerationRequest{})
		hidden, _, dir := generate(t, r, backend.SpecGenerationRequest{Anonymize: true})
		was, is, known := parsed(t, text), parsed(t, hidden), pairs(t, dir)
		if len(was.Assignments) != len(is.Assignments) || len(was.Groups) != len(is.Groups) || len(was.Subscriptions) != len(is.Subscriptions) {
			t.Errorf("%d: something has got lost", seed)
		}
		names := func(s *spec.Spec, original func(string) string) (all []string) {
			for _, one := range s.Resources {
				parts := strings.Split(one.Name, "/")
				for i := range parts {
					parts[i] = original(parts[i])
				}
				all = append(all, strings.ToLower(one.Type+" "+strings.Join(parts, "/")))
			}
			slices.Sort(all)
			return all
		}
		before := names(was, func(name string) string { return name })
		after := names(is, func(name string) string {
			if o, ok := known[name]; ok {
				return o
			}
			return name
		})
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%d: the map does not lead back: %s", seed, diff)
		}
	}
}
