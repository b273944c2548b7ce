package directory

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// small is a directory of two users and two groups that contain each other.
func small(t *testing.T, now func() time.Time) *Directory {
	t.Helper()
	l := NewList()
	add := func(kind Kind, id, name string, members ...string) {
		t.Helper()
		if !l.Add(Object{Kind: kind, ID: id, Properties: map[string]any{"displayName": id, keyProperty(kind): name}}, members, nil) {
			t.Fatalf("%s is there already", id)
		}
	}
	add(User, "u1", "one@x")
	add(User, "u2", "Two@x")
	add(Group, "g1", "", "u1", "g2", "u2", "gone")
	add(Group, "g2", "", "g1", "u1")
	if l.Add(Object{Kind: User, ID: "u1"}, nil, nil) || l.Add(Object{Kind: User, ID: "u3", Properties: map[string]any{"userPrincipalName": "ONE@x"}}, nil, nil) {
		t.Error("the same twice")
	}
	return New(l, now)
}

func ids(d *Directory, kind Kind) []string {
	list := []string{}
	for _, o := range d.All(kind, 0) {
		list = append(list, o.ID)
	}
	return list
}

func linked(d *Directory, id string) []string {
	list := []string{}
	for _, ref := range d.Linked(id, Members, 0) {
		list = append(list, ref.ID)
	}
	return list
}

func TestWhatIsWritten(t *testing.T) {
	d := small(t, time.Now)
	user := func(id, name string) Object {
		return Object{Kind: User, ID: id, Properties: map[string]any{"userPrincipalName": name}}
	}
	check := func(what string, got error, want error) {
		t.Helper()
		if !errors.Is(got, want) {
			t.Errorf("%s: %v", what, got)
		}
	}
	check("create", d.Create(user("u3", "three@x"), Lag{}), nil)
	check("create with a name that is taken", d.Create(user("u4", "TWO@X"), Lag{}), ErrNameUsed)
	check("rename", d.Update("U2", map[string]any{"userPrincipalName": "zwei@x", "a": 1}), nil)
	check("rename to a name that is taken", d.Update("u1", map[string]any{"userPrincipalName": "Three@x"}), ErrNameUsed)
	check("update nothing", d.Update("u9", nil), ErrNotFound)
	check("take the name that is free", d.Create(user("u5", "two@x"), Lag{}), nil)
	check("delete", d.Delete("u1"), nil)
	check("delete twice", d.Delete("u1"), ErrNotFound)
	check("delete what is new", d.Delete("u3"), nil)
	check("create again", d.Create(user("u6", "three@x"), Lag{}), nil)
	if diff := cmp.Diff([]string{"u2", "u5", "u6"}, ids(d, User)); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{"zwei@x": "u2", "TWO@x": "u5", "three@x": "u6", "one@x": ""} {
		if o, ok := d.Named(User, name); o.ID != want || ok != (want != "") {
			t.Errorf("%s is %s", name, o.ID)
		}
	}
	if o, _ := d.Find("u2"); o.Properties["displayName"] != "u2" || o.Properties["a"] != 1 {
		t.Errorf("%v", o)
	}
}

func TestLinks(t *testing.T) {
	d := small(t, time.Now)
	for i, step := range []struct {
		got  error
		want error
		left []string
	}{
		{d.Link("g1", Members, "u1"), ErrLinked, []string{"u1", "g2", "u2"}},
		{d.Unlink("g1", Members, "U1"), nil, nil},
		{d.Unlink("g1", Members, "u1"), ErrNotFound, nil},
		{d.Link("g1", Members, "u1"), nil, nil},
		{d.Link("g1", Members, "u1"), ErrLinked, nil},
		{d.Link("g1", Members, "u9"), ErrNotFound, nil},
		{d.Link("g9", Members, "u1"), ErrNotFound, nil},
		{d.Unlink("g9", Members, "u1"), ErrNotFound, nil},
		{d.Unlink("g1", Members, "u1"), nil, nil},
		{d.Unlink("g1", Members, "u1"), ErrNotFound, nil},
		{d.Link("g1", Members, "u1"), nil, nil},
	} {
		if !errors.Is(step.got, step.want) {
			t.Errorf("%d: %v", i, step.got)
		}
	}
	if diff := cmp.Diff([]string{"g2", "u2", "u1"}, linked(d, "G1")); diff != "" {
		t.Error(diff)
	}
	if !d.IsLinked("g1", Members, "U2") || d.IsLinked("g1", Owners, "u2") {
		t.Error("g1 refers to something else")
	}
	if err := d.Delete("u2"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"g2", "u1"}, linked(d, "g1")); diff != "" {
		t.Error(diff)
	}
}

// TestTransitive ends where groups contain each other.
func TestTransitive(t *testing.T) {
	d := small(t, time.Now)
	var list []string
	for _, ref := range d.Transitive("g1", 0) {
		list = append(list, ref.Kind.String()+" "+ref.ID)
	}
	if diff := cmp.Diff([]string{"user u1", "group g2", "user u2", "group g1"}, list); diff != "" {
		t.Error(diff)
	}
}

func TestIdentities(t *testing.T) {
	d := small(t, time.Now)
	d.AddIdentity(Identity{Resource: "/a/resourceGroups/G/Site", Principal: "P1", Client: "c1"}, Lag{})
	d.AddIdentity(Identity{Resource: "/a/resourcegroups/g/site", Principal: "p1", Client: "c1"}, Lag{}) // the same again
	d.AddIdentity(Identity{Resource: "/a/id", Principal: "p2", Client: "c2", UserAssigned: true}, Lag{})
	d.AddIdentity(Identity{Resource: "/a/ID", Principal: "p3", Client: "c3", UserAssigned: true}, Lag{}) // another for the same
	if diff := cmp.Diff([]string{"p1", "p3"}, ids(d, ServicePrincipal)); diff != "" {
		t.Error(diff)
	}
	if o, _ := d.Named(ServicePrincipal, "C1"); o.Text("displayName") != "Site" || !slices.Equal(o.Properties["alternativeNames"].([]any), []any{"isExplicit=False", "/a/resourcegroups/G/Site"}) {
		t.Errorf("%v", o)
	}
	d.RemoveIdentity("/A/RESOURCEGROUPS/G/SITE")
	d.RemoveIdentity("/a/resourceGroups/g/site")
	if _, ok := d.Find("p1"); ok {
		t.Error("p1 is still there")
	}
	d.AddIdentity(Identity{Resource: "/a/site", Principal: "p1", Client: "c1"}, Lag{})
	if diff := cmp.Diff([]string{"p3", "p1"}, ids(d, ServicePrincipal)); diff != "" {
		t.Error(diff)
	}
}

// TestLag: others find what is new late, who writes finds it at once.
func TestLag(t *testing.T) {
	now := time.Unix(0, 0)
	d := small(t, func() time.Time { return now })
	if err := d.Create(Object{Kind: User, ID: "u3", Properties: map[string]any{"userPrincipalName": "three@x"}}, Lag{Delay: time.Second, Misses: 1}); err != nil {
		t.Fatal(err)
	}
	if err := d.Link("g1", Members, "u3"); err != nil {
		t.Error(err)
	}
	if _, ok := d.Find("u3"); ok || slices.Contains(ids(d, User), "u3") || slices.Contains(linked(d, "g1"), "u3") {
		t.Error("it is found at once")
	}
	now = now.Add(time.Second)
	for i, want := range []bool{false, true, true} {
		if _, ok := d.Find("u3"); ok != want {
			t.Errorf("%d: found: %v", i, ok)
		}
	}
	if !slices.Contains(ids(d, User), "u3") || !slices.Contains(linked(d, "g1"), "u3") {
		t.Error("it is not listed")
	}
}

// TestManyAtOnce writes and reads from many goroutines; positions of what stays do not move.
func TestManyAtOnce(t *testing.T) {
	d := small(t, time.Now)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for k := range 50 {
				id := fmt.Sprintf("n%d-%d", i, k)
				if err := d.Create(Object{Kind: User, ID: id, Properties: map[string]any{"userPrincipalName": id + "@x"}}, Lag{}); err != nil {
					t.Error(err)
				}
				if err := d.Link("g1", Members, id); err != nil {
					t.Error(err)
				}
				if k%2 == 0 {
					if err := d.Delete(id); err != nil {
						t.Error(err)
					}
				}
				linked(d, "g1")
			}
		})
	}
	group.Wait()
	all := ids(d, User)
	if len(all) != 2+8*25 || len(linked(d, "g1")) != 3+8*25 {
		t.Errorf("%d users, %d members", len(all), len(linked(d, "g1")))
	}
	var position int
	for at, o := range d.All(User, 0) {
		if o.ID == all[100] {
			position = at
		}
	}
	if err := d.Delete(all[50]); err != nil {
		t.Fatal(err)
	}
	for _, o := range d.All(User, position) {
		if o.ID != all[100] {
			t.Errorf("%s stands where %s stood", o.ID, all[100])
		}
		break
	}
}
