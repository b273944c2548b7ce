package build

import (
	"fmt"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// raw is a row as it is.
func raw(id, typ, properties string) graph.Row {
	row := graph.Row{Table: graph.TableResources, ID: id, Type: typ, Properties: []byte(properties)}
	columns(&row)
	return row
}

const ownType = "Contoso.Own/things"

// own is a resource of a type that no schema knows.
func own(name, properties string) graph.Row {
	row := raw(in("web", ownType+"/"+name), ownType, properties)
	row.APIVersion = "2024-01-01"
	return row
}

// TestHostileBodies: whatever stands in a body, the resource is there or its absence has a reason, and those beside it are generated.
func TestHostileBodies(t *testing.T) {
	t.Parallel()
	nest := func(n int, open, end string) string {
		return `{"a":` + strings.Repeat(open, n) + "1" + strings.Repeat(end, n) + `}`
	}
	cases := map[string]struct {
		properties string
		reason     report.Reason // of a resource that is left out
		changed    report.Reason
		want       string // empty is not compared
	}{
		"lists nested 12,000 deep":      {properties: nest(12_000, "[", "]"), reason: report.Unreadable},
		"maps nested 12,000 deep":       {properties: nest(12_000, `{"a":`, "}"), reason: report.Unreadable},
		"lists nested 1,000 deep":       {properties: nest(1_000, "[", "]"), changed: report.TooDeep},
		"maps nested 1,000 deep":        {properties: nest(1_000, `{"a":`, "}"), changed: report.TooDeep},
		"no JSON":                       {properties: `{"a":`, reason: report.Unreadable},
		"two values":                    {properties: `{} {}`, reason: report.Unreadable},
		"a list":                        {properties: `[1]`, want: ""},
		"a string":                      {properties: `"x"`, want: ""},
		"null everywhere":               {properties: `{"a":null,"b":[null,null],"c":{"d":null}}`, want: ``},
		"duplicate names":               {properties: `{"a":1,"b":2,"a":3}`, want: `{a:3,b:2}`},
		"invalid UTF-8":                 {properties: "{\"a\":\"x\xffy\"}", want: "{a:\"x\ufffdy\"}"},
		"invalid UTF-8 in a name":       {properties: "{\"a\xff\":1}", want: "{a\ufffd:1}"},
		"an unpaired surrogate":         {properties: `{"a":"\ud800"}`, want: "{a:\"\ufffd\"}"},
		"NUL":                           {properties: `{"a":"\u0000"}`, want: "{a:\"\x00\"}"},
		"quotes and expressions":        {properties: `{"${a}\"'":"${b}\n%{if}"}`, want: "{${a}\"':\"${b}\n%{if}\"}"},
		"large numbers":                 {properties: `{"a":123456789012345678901234567890,"b":1e400,"c":-0.0}`, want: "{a:123456789012345678901234567890,b:1e400,c:-0.0}"},
		"an id that is cut off":         {properties: `{"a":"/subscriptions/","b":"/subscriptions/` + sub1 + `/resourceGroups//providers/x"}`, want: `{a:"/subscriptions/",b:"/subscriptions/{subscription_id}/resourceGroups//providers/x"}`},
		"an id of odd segments":         {properties: `{"a":"` + in("web", "Microsoft.Network/virtualNetworks") + `"}`, want: `{a:"/subscriptions/{subscription_id}/resourceGroups/{resource_group_prefix}web/providers/Microsoft.Network/virtualNetworks"}`},
		"letters that grow when lower":  {properties: `{"a":"` + groupID("ȺȺȺ") + `/providers/Microsoft.Network/virtualNetworks/Ⱥ"}`, want: `{a:"<existing_virtual_network>"}`},
		"letters that shrink and grow":  {properties: `{"a":"` + groupID("İKİ") + `"}`, want: `{a:"/subscriptions/{subscription_id}/resourceGroups/İKİ"}`},
		"its own id in another case":    {properties: `{"a":"` + strings.ToUpper(in("web", ownType+"/hostile")) + `"}`, want: ``},
		"an id longer than its own":     {properties: `{"a":"` + in("web", ownType+"/hostile/x") + `"}`, want: ``},
		"a GUID at the end":             {properties: `{"a":"-----------` + sub1 + `"}`, want: `{a:"-----------{subscription_id}"}`},
		"many hyphens":                  {properties: `{"a":"` + strings.Repeat("-", 4000) + `"}`, want: `{a:"` + strings.Repeat("-", 4000) + `"}`},
		"names that differ by case":     {properties: `{"a":1,"A":2}`, want: `{a:1,A:2}`},
		"names that become one symbol":  {properties: `{"my-password":"secret-1","my_password":"secret-2","myPassword":"secret-3"}`},
		"a secret with an endless name": {properties: `{"` + strings.Repeat("x", 5000) + `Password":"secret-1"}`},
		"a secret with a foreign name":  {properties: `{"名前":{"value":"AccountKey=` + strings.Repeat("a", 86) + `=="}}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			hostile := own("hostile", c.properties)
			b := buildRows(t, group(groupID("web"), ``), hostile, own("beside", `{"a":1}`), account(storage("web", "shop")))
			if got := b.rest[hostile.ID].Reason; got != c.reason {
				t.Fatalf("it is left out for %q, want %q", got, c.reason)
			}
			if len(b.resources) < 3 {
				t.Errorf("generated are %v", b.names())
			}
			if changes, _ := b.report.Changes(); c.changed != report.None && (len(changes) != 1 || changes[0].Reason != c.changed || changes[0].Resource != hostile.ID) {
				t.Errorf("changes are %+v", changes)
			}
			if c.want != "" {
				if got := b.properties(t, hostile.ID); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
			}
		})
	}
}

// TestLargeBodies: memory is the only limit of a body.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	items, names, dense := make([]string, 50_000), make([]string, 3_000), make([]string, 5_000)
	for i := range items {
		items[i] = fmt.Sprintf(`{"name":"n%d","value":%d}`, i, i)
	}
	for i := range names {
		names[i] = fmt.Sprintf(`"k%d":{"v":%d}`, i, i)
	}
	for i := range dense {
		dense[i] = `"` + in("web", fmt.Sprintf("Microsoft.Network/routeTables/r%d", i)) + `"`
	}
	b := buildRows(t,
		own("string", `{"a":"`+strings.Repeat("x ", 5<<19)+`"}`), own("list", `{"a":[`+strings.Join(items, ",")+`]}`),
		own("map", `{`+strings.Join(names, ",")+`}`), own("references", `{"a":[`+strings.Join(dense, ",")+`]}`),
	)
	sizes := map[string]int{}
	for id, r := range b.resources {
		for _, f := range r.Body {
			sizes[id[strings.LastIndexByte(id, '/')+1:]] = len(shown(f.Value))
		}
	}
	if len(b.resources) != 4 || sizes["string"] < 5<<20 || sizes["list"] < 1<<20 || sizes["map"] < 3_000*10 || sizes["references"] < 5_000*10 {
		t.Errorf("generated are %v", sizes)
	}
}

// TestHostileIDs: a row is generated as what its id says, or left out with a reason; it never spoils another.
func TestHostileIDs(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		row    graph.Row
		reason report.Reason
	}{
		"no slash":                      {raw("x", ownType, ``), report.NoForm},
		"a slash at the end":            {raw(in("web", ownType+"/x/"), ownType, ``), report.NoForm},
		"an empty segment":              {raw(in("web", ownType+"//x"), ownType, ``), report.NoForm},
		"a type without a name":         {raw(in("web", ownType), ownType, ``), report.NoForm},
		"a child without a name":        {raw(in("web", ownType+"/x/parts"), ownType+"/parts", ``), report.NoForm},
		"a resource named as a group":   {raw(groupID("other"), ownType, ``), report.NoForm},
		"a group named as a resource":   {raw(in("web", ownType+"/x"), groupRowType, ``), report.NoForm},
		"a group in nothing":            {raw("/x", groupRowType, ``), report.NoForm},
		"a group in a group":            {raw(groupID("web")+"/x", groupRowType, ``), report.NoForm},
		"more types than names":         {raw(in("web", ownType+"/x"), ownType+"/parts", ``), report.NoForm},
		"a tenant":                      {raw("/tenants/"+tenantID, "microsoft.resources/tenants", ``), report.NoForm},
		"no type":                       {raw(in("web", ownType+"/x"), "", ``), report.NoForm},
		"quotes and lines":              {raw(in("web", ownType+"/a\"b'c\nd${e}"), ownType, ``), report.None},
		"nothing but signs":             {raw(in("web", ownType+"/---"), ownType, ``), report.None},
		"letters of another script":     {raw(in("web", ownType+"/日本"), ownType, ``), report.None},
		"a type of another script":      {raw(in("web", "日本/会社/日本"), "日本/会社", ``), report.None},
		"a type that is a number":       {raw(in("web", "Contoso.Own/3things/x"), "Contoso.Own/3things", ``), report.None},
		"letters that grow":             {raw(groupID("ȺȺ")+"/providers/"+ownType+"/ȺȺ", ownType, ``), report.None},
		"letters that shrink":           {raw(groupID("KKK")+"/providers/"+ownType+"/KKK", ownType, ``), report.None},
		"invalid UTF-8":                 {raw(groupID("\xff\xfe")+"/providers/"+ownType+"/\xff", ownType, ``), report.None},
		"a subscription that is none":   {raw("/subscriptions/x/resourceGroups/y/providers/"+ownType+"/z", ownType, ``), report.None},
		"a very long name":              {raw(in("web", ownType+"/"+strings.Repeat("long", 2_000)), ownType, ``), report.None},
		"a very long group":             {raw(groupID(strings.Repeat("long", 2_000))+"/providers/"+ownType+"/x", ownType, ``), report.None},
		"providers as a name":           {raw(in("web", ownType+"/providers"), ownType, ``), report.None},
		"providers as the last but one": {raw(in("providers", ownType+"/x"), ownType, ``), report.None},
		"a management group's":          {raw("/providers/Microsoft.Management/managementGroups/m\"g/providers/"+ownType+"/x", ownType, ``), report.None},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.row.APIVersion, c.row.Location = "2024-01-01", "westeurope"
			rows := []graph.Row{group(groupID("web"), ``), account(storage("web", "shop")), own("to", `{"a":"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(c.row.ID)+`"}`), c.row}
			for _, split := range splits[len(name)%2:][:1] {
				b := build(t, open(t, rows...), Options{Split: split})
				if got := b.rest[c.row.ID].Reason; got != c.reason {
					t.Errorf("it is left out for %q, want %q", got, c.reason)
				}
				for _, id := range []string{groupID("web"), storage("web", "shop")} {
					if got := words(b.of(t, id).ParentID); !strings.HasPrefix(got, "/subscriptions/{subscription_id") {
						t.Errorf("%s hangs below %s", id, got)
					}
				}
			}
		})
	}
}

// TestRowsWithoutNames: an id is enough.
func TestRowsWithoutNames(t *testing.T) {
	web := group(groupID("web"), ``)
	web.Name = ""
	shop := account(storage("web", "shop"))
	shop.Name, shop.SubscriptionID, shop.ResourceGroup = "", "", ""
	b := buildRows(t, web, shop)
	if got := words(b.of(t, web.ID).Name) + " " + words(b.of(t, shop.ID).Name) + " " + words(b.of(t, shop.ID).ParentID); got !=
		"{resource_group_prefix}web shop /subscriptions/{subscription_id}/resourceGroups/{resource_group_prefix}web" {
		t.Error(got)
	}
}

// TestManyInOneGroup: a group may hold more than Azure lets one template have.
func TestManyInOneGroup(t *testing.T) {
	t.Parallel()
	rows := []graph.Row{group(groupID("web"), ``)}
	for i := range 3_000 {
		rows = append(rows, account(storage("web", fmt.Sprintf("shop%05d", i))))
	}
	b := build(t, open(t, rows...), Options{Split: template.SplitDeployment})
	if len(b.resources) != 3_001 || len(b.Units) < 3_000/azureLimits.Resources {
		t.Errorf("%d resources in %d units", len(b.resources), len(b.Units))
	}
}
