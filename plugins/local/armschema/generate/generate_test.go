package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// describe writes a body, a line for each property.
func describe(m *model, at int, indent string, seen map[int]bool) string {
	d, out := m.defs[at], ""
	if seen[at] {
		return indent + "again\n"
	}
	if d.kind == kindObject {
		seen[at] = true
	}
	for _, p := range d.props {
		out += fmt.Sprintf("%s%s %d", indent, p.name, m.defs[p.ref].kind)
		for i, flag := range []string{"read-only", "write-only", "required", "secret"} {
			if p.flags&(1<<i) != 0 {
				out += " " + flag
			}
		}
		if enum := m.defs[p.ref].enum; enum != nil {
			out += " " + strings.Join(enum, "|")
		}
		out += "\n" + describe(m, p.ref, indent+"  ", seen)
	}
	if d.items >= 0 && m.defs[d.items].kind != kindAny {
		out += fmt.Sprintf("%s* %d\n", indent, m.defs[d.items].kind) + describe(m, d.items, indent+"  ", seen)
	}
	for _, value := range slices.Sorted(maps.Keys(d.variants)) {
		out += fmt.Sprintf("%s%s=%s\n", indent, d.property, value) + describe(m, d.variants[value], indent+"  ", seen)
	}
	return out
}

const wantShop = `kind 1 required Large|Small
location 1 required
properties 4
  adminPassword 1 write-only secret
  anything 0 write-only
  certificate 1 write-only
  endpoint 1 read-only
  lit 2 write-only
  one-time-code 1 write-only
  opened 1 write-only
  opening 1
  owner 4 write-only
    kind 1 required
    name 1
    kind=customer
      accessToken 1 secret
  parent 4 write-only
    adminPassword 1 write-only secret
    anything 0
    certificate 1
    lit 2
    one-time-code 1
    opened 1
    opening 1
    owner 4
      again
    parent 4
      again
    provisioningState 1 read-only
    shelves 6
      * 4
        name 1
        * 3
    size 3
    taggedInJSON 1
  provisioningState 1 read-only
  shelves 6
    * 4
      again
  size 3 write-only
  taggedInJSON 1 write-only
tags 5
  * 1
`

func example(t *testing.T) (*catalog, *model, []resource) {
	t.Helper()
	s, err := parse(&module{path: "example/armexample", version: "v1.0.0", dir: "testdata/armexample"})
	if err != nil {
		t.Fatal(err)
	}
	c, m := newCatalog(), newModel()
	c.read(s)
	return c, m, c.resources(m)
}

func TestResources(t *testing.T) {
	_, m, resources := example(t)
	var got []string
	for _, r := range resources {
		got = append(got, fmt.Sprint(r.name, " ", r.version, " ", r.scopes, " ", r.writable, r.listed, r.names))
	}
	want := []string{
		"Microsoft.Example/doors/in 2024-01-01-preview 16 true false [Large Small]",
		"Microsoft.Example/doors/out 2024-01-01-preview 16 true false [Large Small]",
		"Microsoft.Example/shops 2025-01-01 8 true true []",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	shop := describe(m, resources[2].body, "", map[int]bool{})
	for name, line := range map[string]string{"id": "id 1 read-only\n", "name": "name 1 read-only\n"} {
		if !strings.Contains(shop, line) {
			t.Errorf("no %s", name)
		}
		shop = strings.Replace(shop, line, "", 1)
	}
	if shop != wantShop {
		t.Errorf("%s\nnot\n%s", shop, wantShop)
	}
}

func TestMinimizeMergesCircles(t *testing.T) {
	circle := func(to int, flags byte) def {
		return def{kind: kindObject, items: -1, props: []prop{{name: "next", flags: flags, ref: to}}}
	}
	defs, number := minimize([]def{circle(1, 0), circle(0, 0), circle(3, 0), circle(2, flagReadOnly), circle(0, 0)})
	if len(defs) != 3 || number[0] != number[1] || number[0] != number[4] || number[2] == number[0] || number[3] == number[2] {
		t.Errorf("%d definitions, %v", len(defs), number)
	}
}

func TestChildrenAreCompared(t *testing.T) {
	c, m, resources := example(t)
	defs, number := minimize(m.defs)
	for name, test := range map[string]struct {
		child child
		want  string
	}{
		"as it is":      {child{parent: "Microsoft.Example", segment: "shops"}, ""},
		"no such type":  {child{parent: "Microsoft.Example/shops", segment: "tills"}, "type"},
		"spelling":      {child{parent: "Microsoft.Example", segment: "Shops"}, "spelling"},
		"not listed":    {child{parent: "Microsoft.Example/doors", segment: "in"}, "list"},
		"no such name":  {child{parent: "Microsoft.Example/doors", segment: "in", names: []string{"Medium"}}, "names"},
		"no such array": {child{parent: "Microsoft.Example/doors", segment: "in", embedded: "in"}, "embedded"},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(slices.Sorted(maps.Keys(c.checkChild(test.child, resources, defs, number))), " ")
			if got != test.want {
				t.Errorf("%q, not %q", got, test.want)
			}
		})
	}
}

func TestSecrecy(t *testing.T) {
	for name, want := range map[string][2]bool{
		"adminpassword": {true, true}, "protectedsettings": {true, true}, "connectionstring": {true, false}, "primarykey": {true, false},
		"publickey": {}, "secretname": {}, "secreturi": {}, "keyname": {}, "value": {}, "disablepasswordauthentication": {}, "keyvaultsecretid": {},
		"tokenstore": {}, "key": {}, "partitionkey": {}, "routingkey": {},
	} {
		secret, writeOnly := secrecy("Owner", name, kindString)
		if [2]bool{secret, writeOnly} != want {
			t.Errorf("%s: %v %v", name, secret, writeOnly)
		}
	}
	if secret, _ := secrecy("SecureString", "value", kindString); !secret {
		t.Error("the value of a SecureString is none")
	}
	if secret, _ := secrecy("Owner", "resetpassword", kindBool); secret {
		t.Error("a switch is secret")
	}
}

func TestSupplement(t *testing.T) {
	m := newModel()
	obsolete := []resource{{name: "Microsoft.Insights/workbooks", version: "2015-05-01"}}
	resources, err := supplement("supplement.txt", m, slices.Clone(obsolete))
	if err != nil || len(resources) < 10 {
		t.Fatal(len(resources), err)
	}
	at := slices.IndexFunc(resources, func(r resource) bool { return r.name == "Microsoft.ContainerService/fleets/updateStrategies" })
	want := `id 1 read-only
name 1 read-only
properties 4
  provisioningState 1 read-only
  strategy 4 required
    stages 6 required
      * 4
        afterStageWaitInSeconds 3
        groups 6
          * 4
            name 1 required
        name 1 required
type 1 read-only
`
	if got := describe(m, resources[at].body, "", map[int]bool{}); got != want {
		t.Errorf("%s\nnot\n%s", got, want)
	}
	if _, err := supplement("supplement.txt", m, nil); err == nil {
		t.Error("a type is replaced that no module has")
	}
	if _, err := supplement("supplement.txt", m, append(obsolete, resource{name: "Microsoft.Web/connections"})); err == nil {
		t.Error("a type that a module has is added")
	}
}
