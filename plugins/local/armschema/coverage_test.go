package armschema_test

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
)

func sorted(all []string) []string { slices.Sort(all); return all }

// unknown are the types that tracked.txt and the simulator's tenant have and the schema does not, with the reason.
var unknown = map[string]string{
	"microsoft.policyinsights/policystates": "a row of compliance, and no resource",
}

func TestWhatIsScannedIsKnown(t *testing.T) {
	types := tracked()
	file, err := os.Open("../../../internal/azuresim/tenant/contoso.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var line struct{ Row struct{ Type string } }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		types[strings.ToLower(line.Row.Type)] = true
	}
	if err := lines.Err(); err != nil || len(types) < 200 {
		t.Fatal(len(types), err)
	}
	var got, want []string
	for typ := range types {
		if _, ok := armschema.Lookup(typ); !ok && typ != "" {
			got = append(got, typ)
		}
	}
	for typ := range unknown {
		want = append(want, typ)
	}
	if d := cmp.Diff(sorted(want), sorted(got)); d != "" {
		t.Errorf("unknown types (-want +got):\n%s", d)
	}
}

// TestFigures holds what docs/armschema.md says: how much is known, in comparison with Bicep's 3,405 types.
func TestFigures(t *testing.T) {
	writable := 0
	for _, name := range armschema.Names() {
		if lookup(t, name).Writable {
			writable++
		}
	}
	if n := armschema.Types(); n != len(armschema.Names()) || n < 1800 || writable < 1300 {
		t.Errorf("%d types, %d writable", n, writable)
	}
	if size := armschema.Size(); size > 2_500_000 {
		t.Errorf("%d bytes", size)
	}
}

// walk calls for every property of every type, once for each definition.
func walk(t *testing.T, call func(typ string, p armschema.Property)) {
	t.Helper()
	seen := map[*armschema.Schema]bool{}
	var visit func(typ string, s *armschema.Schema)
	visit = func(typ string, s *armschema.Schema) {
		if s == nil || seen[s] {
			return
		}
		seen[s] = true
		for _, p := range s.Properties {
			call(typ, p)
			visit(typ, p.Schema)
		}
		visit(typ, s.Items)
		for _, v := range s.Variants {
			visit(typ, v)
		}
	}
	for _, name := range armschema.Names() {
		visit(name, lookup(t, name).Body)
	}
	if len(seen) < 5000 {
		t.Errorf("%d definitions", len(seen))
	}
}

func TestEveryDefinition(t *testing.T) {
	settable, states := map[string]bool{}, 0
	walk(t, func(typ string, p armschema.Property) {
		if p.Name == "" || p.Schema == nil || p.ReadOnly && (p.WriteOnly || p.Required) {
			t.Errorf("%s: %+v", typ, p)
		}
		if p.Name == "provisioningState" {
			if states++; !p.ReadOnly {
				settable[typ] = true
			}
		}
		if p.Secret && (p.Schema.Kind == armschema.Bool || p.Schema.Kind == armschema.Number) {
			t.Errorf("%s: %s is secret", typ, p.Name)
		}
	})
	if states < 300 {
		t.Errorf("%d provisioningState", states)
	}
	if len(settable) > 0 {
		t.Errorf("provisioningState is writable in %d: %v", len(settable), settable)
	}
}
