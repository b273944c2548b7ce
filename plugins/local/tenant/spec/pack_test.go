package spec

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// What is packed is the same when it is unpacked, with all places.
func TestPack(t *testing.T) {
	text := func(s string, line, column int32) Value {
		return Value{Kind: template.String, Text: s, At: Position{line, column}}
	}
	whole := Value{Kind: template.Map, At: Position{3, 1}, Fields: []Field{
		{Name: "name", At: Position{3, 2}, Value: text("a", 3, 8)},
		{Name: "identity", At: Position{4, 2}, Value: Value{Kind: template.Map, At: Position{4, 9}, Fields: []Field{{Name: "type", Value: text("SystemAssigned", 4, 12)}}}},
		{Name: "properties", At: Position{5, 2}, Value: Value{Kind: template.Map, At: Position{1 << 20, 70000}, Fields: []Field{
			{Name: "", Value: Value{Kind: template.Null}},
			{Name: "list", Value: Value{Kind: template.List, Items: []Value{{Kind: template.Bool, Bool: true}, {Kind: template.Bool}, {Kind: template.Number, Text: "1.50"}, text("", 0, 0), {Kind: template.List}, {Kind: template.Map}}}},
			{Name: "text", At: Position{-1, 0}, Value: text("\x00 é\n", 9, 9)},
		}}},
	}}
	long := whole // it comes into a box of its own
	long.Fields = append(slices.Clone(whole.Fields[:2]), Field{Name: "description", Value: text(strings.Repeat("long ", boxSize), 6, 1)})
	packed, packedLong, on := whole, long, &shelf{}
	pack := packer{shelf: on}
	pack.resource(&packedLong)
	pack.resource(&packed)
	pack.close()
	for _, one := range []struct{ packed, whole *Value }{{&packed, &whole}, {&packedLong, &long}, {&packed, &whole}} {
		r := Resource{shelf: on, packed: placeOf(one.packed)}
		if d := cmp.Diff(*one.whole, r.fields()); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
	if len(packed.Fields) != 1 || packed.text("name") != "a" || !packed.Bool {
		t.Errorf("what is kept: %+v", packed.Fields)
	}
}
