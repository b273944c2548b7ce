package tenant

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// full is the directory of a tenant with the service principals of its managed identities.
func full(t *Tenant) *directory.Directory {
	d := directory.New(t.Directory, time.Now)
	for identity := range t.Identities() {
		d.AddIdentity(identity, directory.Lag{})
	}
	return d
}

// named are the principals that rows name, with what they say these are.
func named(t *testing.T, in *Tenant) map[string]string {
	t.Helper()
	found := map[string]string{}
	var walk func(value any)
	walk = func(value any) {
		switch v := value.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for name, inner := range v {
				text, _ := inner.(string)
				if list, ok := inner.([]any); ok && len(list) == 1 {
					text, _ = list[0].(string)
				}
				if id := strings.ToLower(text); isGUID.MatchString(id) {
					switch name {
					case "principalId":
						found[id], _ = v["principalType"].(string)
					case "objectId", "sid", "adminGroupObjectIDs":
						found[id] = ""
					}
				}
				walk(inner)
			}
		}
	}
	for row := range in.allRows() {
		for _, column := range []string{"properties", "identity"} {
			var value any
			if err := json.Unmarshal(row.JSON(column), &value); err != nil {
				t.Fatal(err)
			}
			walk(value)
		}
	}
	return found
}

var isGUID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// Whatever a row of Contoso names is in its directory, but for what contosoDirectory says is not.
func TestContosoDirectoryHasWhoIsNamed(t *testing.T) {
	tenant := mustContoso(t)
	d := full(tenant)
	var missing []string
	principals := named(t, tenant)
	for id, typ := range principals {
		o, ok := d.Find(id)
		if !ok {
			missing = append(missing, id)
			continue
		}
		if typ != "" && !strings.EqualFold(typ, o.Kind.String()) {
			t.Errorf("%s is a %s, not a %s", id, o.Kind, typ)
		}
	}
	if len(principals) < 40 {
		t.Errorf("%d principals are named", len(principals))
	}
	want := []string{"15446a39-eb8a-57e2-835f-d70c8298f697", "f9f827c5-6ec0-553f-ad88-ce3d48e6fa3b"}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(missing))); diff != "" {
		t.Error(diff)
	}
}

// What the directory of Contoso is told to have, it has: all kinds of objects and of trouble.
func TestContosoDirectory(t *testing.T) {
	d := full(mustContoso(t))
	counts := map[string]int{}
	for _, kind := range directory.Kinds {
		for _, o := range d.All(kind, 0) {
			counts[kind.String()]++
			for _, what := range []string{"userType", "servicePrincipalType"} {
				if text := o.Text(what); text != "" {
					counts[text]++
				}
			}
			if o.Properties["accountEnabled"] == false {
				counts["disabled "+kind.String()]++
			}
			if strings.ContainsAny(o.Text("displayName"), "<>\n\u202e\"") {
				counts["hostile "+kind.String()]++
			}
			if o.Text("appOwnerOrganizationId") == microsoftTenant {
				counts["of Microsoft"]++
			}
			for _, relation := range []directory.Relation{directory.Members, directory.Owners} {
				for _, ref := range d.Linked(o.ID, relation, 0) {
					counts[relation.String()+" "+ref.Kind.String()]++
				}
			}
			for _, ref := range d.Linked(o.ID, directory.Members, 0) {
				if d.IsLinked(ref.ID, directory.Members, o.ID) {
					counts["in a circle"]++
				}
			}
			counts["credentials expired"] += expiring(o, "2000-01-01", "2026-12-01")
			counts["credentials expiring"] += expiring(o, "2026-12-01", "2027-01-01")
			counts["credentials"] += expiring(o, "2027-01-01", "9999")
		}
	}
	want := map[string]int{
		"user": 30, "Member": 28, "Guest": 2, "disabled user": 1, "hostile user": 2, "group": 19, "hostile group": 1, "application": 6, "hostile application": 1,
		"servicePrincipal": 36, "Application": 13, "ManagedIdentity": 23, "of Microsoft": 7, "disabled servicePrincipal": 1,
		"members user": 58, "members group": 7, "members servicePrincipal": 5, "owners user": 30, "in a circle": 2,
		"credentials": 3, "credentials expired": 2, "credentials expiring": 2,
	}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Error(diff)
	}
}

// expiring counts the credentials of an object that end between two dates.
func expiring(o directory.Object, from, to string) (n int) {
	for _, name := range []string{"passwordCredentials", "keyCredentials"} {
		list, _ := o.Properties[name].([]any)
		for _, item := range list {
			if end, _ := item.(map[string]any)["endDateTime"].(string); end >= from && end < to {
				n++
			}
		}
	}
	return n
}

// A generated directory has the principals of its role assignments and identities, and follows from
// its options.
func TestSyntheticDirectory(t *testing.T) {
	options := SyntheticOptions{Resources: 3000, Subscriptions: 3, Seed: 4, Users: 700, Members: 650}
	made, err := Synthetic(options)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Synthetic(options)
	if err != nil {
		t.Fatal(err)
	}
	d, other := full(made), full(again)
	for id, typ := range named(t, made) {
		o, ok := d.Find(id)
		if !ok || typ != "" && !strings.EqualFold(typ, o.Kind.String()) {
			t.Errorf("%s (%s) is %v in the directory: %s", id, typ, ok, o.Kind)
		}
	}
	counts := map[string]int{}
	for _, kind := range directory.Kinds {
		for i, o := range d.All(kind, 0) {
			counts[kind.String()]++
			same, ok := other.Find(o.ID)
			if diff := cmp.Diff(o, same); diff != "" || !ok {
				t.Fatalf("%d: %s", i, diff)
			}
			if name := o.Text("userPrincipalName"); name != "" {
				if found, _ := d.Named(kind, strings.ToUpper(name)); found.ID != o.ID {
					t.Errorf("%s is %s, not %s", name, found.ID, o.ID)
				}
			}
			if app := o.Text("appId"); app != "" {
				if found, _ := d.Named(kind, app); found.ID != o.ID {
					t.Errorf("%s is %s, not %s", app, found.ID, o.ID)
				}
			}
		}
	}
	if counts["user"] != 700 || counts["group"] != 120 || counts["application"] != 20 || counts["servicePrincipal"] < 25+5*30 {
		t.Errorf("%v", counts)
	}
	largest, circle := 0, false
	for _, group := range d.All(directory.Group, 0) {
		n, users := 0, map[string]bool{}
		for _, ref := range d.Linked(group.ID, directory.Members, 0) {
			if !d.IsLinked(group.ID, directory.Members, ref.ID) || users[ref.ID] {
				t.Errorf("%s is a member of %s, and is not", ref.ID, group.ID)
			}
			users[ref.ID] = true
			n++
			circle = circle || d.IsLinked(ref.ID, directory.Members, group.ID)
		}
		largest = max(largest, n)
		if outsider := made.Directory.Object(directory.User, 0).ID; !users[outsider] && d.IsLinked(group.ID, directory.Members, outsider) {
			t.Errorf("%s is a member of %s that is not listed", outsider, group.ID)
		}
	}
	if largest != 650 || !circle {
		t.Errorf("the largest group has %d members; a circle: %v", largest, circle)
	}
	for name, want := range map[string]bool{"nobody@x": false, "ana.abara.000700@" + domain: false, "a.b.x@" + domain: false, "@": false} {
		if _, ok := made.Directory.Named(directory.User, name); ok != want {
			t.Errorf("%s is found", name)
		}
	}
	if _, err := Synthetic(SyntheticOptions{Subscriptions: 1, Users: maxUsers + 1}); err == nil {
		t.Error("too many users are none")
	}
}

// The same directory serves a tenant without resources; none one without identities.
func TestDirectoryOfEmptiedTenants(t *testing.T) {
	tenant := mustContoso(t)
	emptied, err := tenant.Emptied()
	if err != nil {
		t.Fatal(err)
	}
	bare, err := tenant.WithoutIdentities()
	if err != nil {
		t.Fatal(err)
	}
	nothing, err := Empty()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		tenant            *Tenant
		users, identities int
		resources         bool
	}{
		"emptied": {emptied, 30, 0, false}, "bare": {bare, 0, 23, true}, "nothing": {nothing, 0, 0, false},
	} {
		n := 0
		for range test.tenant.Identities() {
			n++
		}
		if test.tenant.Directory.Len(directory.User) != test.users || n != test.identities || test.tenant.Resources().Len() > 0 != test.resources {
			t.Errorf("%s: %d users, %d identities, %d resources", name, test.tenant.Directory.Len(directory.User), n, test.tenant.Resources().Len())
		}
	}
}

func TestDirectoryOfAFile(t *testing.T) {
	for name, test := range map[string]struct{ file, want string }{
		"an object":       {`{"directory":"Groups","object":{"id":"A","displayName":"g"},"members":["B"]}`, ""},
		"no collection":   {`{"directory":"teams","object":{"id":"a"}}`, `line 1: unknown collection of the directory "teams"`},
		"no id":           {`{"directory":"users","object":{}}`, "line 1: the object has no id"},
		"twice":           {`{"directory":"users","object":{"id":"a"}}` + "\n" + `{"directory":"groups","object":{"id":"A"}}`, "line 2: the directory has two objects a, or two of its name"},
		"the same name":   {`{"directory":"users","object":{"id":"a","userPrincipalName":"x"}}` + "\n" + `{"directory":"users","object":{"id":"b","userPrincipalName":"X"}}`, "line 2: the directory has two objects b, or two of its name"},
		"another member":  {`{"directory":"users","objects":{}}`, "unknown field"},
		"without objects": {``, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(strings.NewReader(test.file), "t")
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v", err)
			}
		})
	}
}
