package build

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseID(t *testing.T) {
	const group = "/subscriptions/s/resourceGroups/g"
	type want struct{ scope, typ, names, up, deployed string }
	for id, w := range map[string]want{
		"/subscriptions/s":                                                   {"/subscriptions/s", "", "", "/subscriptions/s", ""},
		group:                                                                {group, "", "", group, "/subscriptions/s"},
		strings.ToUpper(group):                                               {strings.ToUpper(group), "", "", strings.ToUpper(group), "/SUBSCRIPTIONS/S"},
		group + "/providers/A.B/c/d":                                         {group, "A.B/c", "d", group, group},
		group + "/PROVIDERS/A.B/c/d/e/f":                                     {group, "A.B/c/e", "d/f", group + "/providers/A.B/c/d", group},
		group + "/providers/A.B/c/d/e/f/g/h":                                 {group, "A.B/c/e/g", "d/f/h", group + "/providers/A.B/c/d/e/f", group},
		group + "/providers/A.B/c/d/providers/X.Y/z/1":                       {group + "/providers/A.B/c/d", "X.Y/z", "1", group + "/providers/A.B/c/d", group},
		group + "/providers/A.B/c/d/e/f/providers/X.Y/z/1/w/2":               {group + "/providers/A.B/c/d/e/f", "X.Y/z/w", "1/2", group + "/providers/A.B/c/d/e/f/providers/X.Y/z/1", group},
		group + "/providers/X.Y/z/1":                                         {group, "X.Y/z", "1", group, group},
		"/subscriptions/s/providers/X.Y/z/1":                                 {"/subscriptions/s", "X.Y/z", "1", "/subscriptions/s", "/subscriptions/s"},
		"/providers/X.Y/z/1":                                                 {"", "X.Y/z", "1", "", ""},
		"/providers/Microsoft.Management/managementGroups/m":                 {"", "Microsoft.Management/managementGroups", "m", "", ""},
		"/providers/Microsoft.Management/managementGroups/m/providers/X/z/1": {"/providers/Microsoft.Management/managementGroups/m", "X/z", "1", "/providers/Microsoft.Management/managementGroups/m", "/providers/Microsoft.Management/managementGroups/m"},
		"/providers/Microsoft.Management/managementGroups/m/settings/x":      {"", "Microsoft.Management/managementGroups/settings", "m/x", "/providers/Microsoft.Management/managementGroups/m", "/providers/Microsoft.Management/managementGroups/m"},
		"/subscriptions/s/resourceGroups/Ⱥ/providers/X.Y/z/İ":                {"/subscriptions/s/resourceGroups/Ⱥ", "X.Y/z", "İ", "/subscriptions/s/resourceGroups/Ⱥ", "/subscriptions/s/resourceGroups/Ⱥ"},
	} {
		a, ok := parseID(id)
		got := want{a.scope, a.typ(), strings.Join(a.names, "/"), a.up(), deploymentScope(id)}
		if diff := cmp.Diff(w, got, cmp.AllowUnexported(want{})); diff != "" || !ok {
			t.Errorf("%s: %v %s", id, ok, diff)
		}
	}
	for _, id := range []string{
		"", "/", "x", "/subscriptions", "/subscriptions/", "/subscriptions/s/", "//subscriptions/s", "/subscriptions/s/resourceGroups", "/subscriptions/s/locations/l", group + "/x", group + "/x/y",
		"/tenants/t", "/providers", "/providers/A.B", "/providers/A.B/c", group + "/providers/A.B/c/d/e", group + "/providers//c/d", "subscriptions/s", group + "/providers/A.B/c/d/",
	} {
		if a, ok := parseID(id); ok {
			t.Errorf("%q is %+v", id, a)
		}
	}
}

// FuzzID: an id's pieces are beginnings of it, and to go up from one ends.
func FuzzID(f *testing.F) {
	for _, id := range []string{in("web", "Microsoft.Web/sites/a/slots/b"), groupID("ȺK"), "/providers/Microsoft.Management/managementGroups/m/providers/X/y/z", "/a//b", inSub1, "/PROVIDERS/x/y/İ"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if scope := deploymentScope(id); !strings.HasPrefix(id, scope) || scope == id && scope != "" {
			t.Errorf("%q is deployed to %q", id, scope)
		}
		for up, steps := id, 0; up != ""; steps++ {
			next := upOf(up)
			if len(next) >= len(up) || !strings.EqualFold(next, id[:len(next)]) || steps > len(id) {
				t.Fatalf("above %q is %q", up, next)
			}
			up = next
		}
		if snake(id) != "" && !symbolForm.MatchString("a"+snake(id)) || !unitForm.MatchString(slug(id)) {
			t.Errorf("%q is %q and %q", id, snake(id), slug(id))
		}
	})
}

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"virtualMachines": "virtual_machines", "IPAddress": "ip_address", "publicIPAddresses": "public_ip_addresses", "VM-1": "vm_1", "vm_1": "vm_1", "a--b..c": "a_b_c", "DB2Server": "db2_server",
		"": "", "---": "", "日本": "", "é1": "1", "A": "a", "dnsZones": "dns_zones", "$web": "web", "x_": "x",
	} {
		if got := snake(text); got != want {
			t.Errorf("snake(%q) = %q, want %q", text, got, want)
		}
	}
	for word, want := range map[string]string{
		"virtualMachines": "virtualMachine", "policies": "policy", "publicIPAddresses": "publicIPAddress", "sites": "site", "redis": "redis", "databases": "database", "privateDnsZones": "privateDnsZone",
		"accounts": "account", "indexes": "index", "serverFarms": "serverFarm", "status": "status", "dns": "dns", "A": "A", "as": "as", "classes": "class", "websites": "website",
	} {
		if got := singular(word); got != want {
			t.Errorf("singular(%q) = %q, want %q", word, got, want)
		}
	}
	for text, want := range map[string]string{
		"rg-web": "rg-web", "RG_Web.1": "rg-web-1", "1st": "x-1st", "con": "x-con", "COM7": "x-com7", "lpt0": "x-lpt0", "company": "company", "main": "x-main", "a": "a", "-a-": "a",
	} {
		if got := slug(text); got != want {
			t.Errorf("slug(%q) = %q, want %q", text, got, want)
		}
	}
	if a, b := slug("日"), slug("本"); a == b || slug(strings.Repeat("x", 100)+"1") == slug(strings.Repeat("x", 100)+"2") {
		t.Errorf("%s and %s", a, b)
	}
}
