package armschema_test

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
)

//go:embed children.txt
var table string

//go:embed testdata/tracked.txt
var trackedTypes string

// lines are what stands in a text's lines without its comments.
func lines(text string) [][]string {
	var all [][]string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if fields := strings.Fields(line); len(fields) > 0 {
			all = append(all, fields)
		}
	}
	return all
}

// every child of the table, once for each line.
func every(t *testing.T) []armschema.Child {
	t.Helper()
	var all []armschema.Child
	seen := map[string]bool{}
	for _, line := range lines(table) {
		if parent := strings.ToLower(line[0]); !seen[parent] {
			seen[parent] = true
			all = append(all, armschema.Children(parent)...)
		}
	}
	if len(all) != len(lines(table)) || len(all) < 60 {
		t.Fatalf("%d children of %d lines", len(all), len(lines(table)))
	}
	return all
}

func tracked() map[string]bool {
	known := map[string]bool{}
	for _, line := range lines(trackedTypes) {
		known[line[0]] = true
	}
	return known
}

func TestEachChildCanBeRead(t *testing.T) {
	known, all := tracked(), every(t)
	types := map[string]bool{}
	for _, c := range all {
		types[c.Type] = true
	}
	var (
		parent  = regexp.MustCompile(`^microsoft\.[a-z]+(/[a-z0-9]+)+$`)
		segment = regexp.MustCompile(`^[A-Za-z0-9]+$`)
		version = regexp.MustCompile(`^20[12]\d-[01]\d-[0-3]\d(-preview)?$`)
		kind    = regexp.MustCompile(`^[a-z0-9.,]+$`)
		of      = regexp.MustCompile(`^[a-z]+resources$`)
	)
	for _, c := range all {
		wrong := func(format string, args ...any) { t.Helper(); t.Errorf(c.Type+": "+format, args...) }
		if !parent.MatchString(c.Parent) || !segment.MatchString(c.Segment) || c.Type != c.Parent+"/"+strings.ToLower(c.Segment) {
			wrong("parent %q, segment %q", c.Parent, c.Segment)
		}
		if !version.MatchString(c.Version) {
			wrong("version %q", c.Version)
		}
		if !known[c.Parent] && !types[c.Parent] {
			wrong("nothing leads to its parent")
		}
		if known[c.Type] {
			wrong("Resource Graph has it in its table resources")
		}
		if c.Embedded != "" && (len(c.Names) > 0 || c.Table != "" || types[c.Parent] || armschema.HasChildren(c.Type)) {
			wrong("embedded, and yet there is something to call for")
		}
		if c.Table != "" && !of.MatchString(c.Table) {
			wrong("table %q", c.Table)
		}
		if len(c.Kinds) > 0 && len(c.ExceptKinds) > 0 {
			wrong("both kinds and except")
		}
		for _, k := range slices.Concat(c.Kinds, c.ExceptKinds) {
			if !kind.MatchString(k) {
				wrong("kind %q", k)
			}
		}
		for _, below := range armschema.Children(c.Type) {
			if c.Table != "" && below.Table != c.Table {
				wrong("it is not listed where %s is read, but %s must be", c.Table, below.Type)
			}
		}
	}
}

func TestNoChildIsReadTwice(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range every(t) {
		keys := []string{c.Type}
		if len(c.Names) > 0 {
			keys = nil
		}
		for _, name := range c.Names {
			keys = append(keys, c.Type+"/"+strings.ToLower(name))
			if seen[c.Type] {
				t.Errorf("%s is listed, and %s read by its name", c.Type, name)
			}
		}
		for _, key := range keys {
			if seen[key] {
				t.Errorf("%s is there twice", key)
			}
			seen[key] = true
		}
	}
}

func TestChildrenInAnyCase(t *testing.T) {
	for _, parent := range []string{"Microsoft.Storage/storageAccounts/blobServices", "microsoft.storage/storageaccounts/blobservices", "MICROSOFT.STORAGE/STORAGEACCOUNTS/BLOBSERVICES"} {
		var segments []string
		for _, c := range armschema.Children(parent) {
			segments = append(segments, c.Segment)
		}
		if d := cmp.Diff([]string{"containers"}, segments); d != "" || !armschema.HasChildren(parent) {
			t.Errorf("%s:\n%s", parent, d)
		}
	}
	for _, parent := range []string{"", "microsoft.storage", "microsoft.storage/storageaccounts/blobservices/containers", "microsoft.compute/disks"} {
		if found := armschema.Children(parent); len(found) > 0 || armschema.HasChildren(parent) {
			t.Errorf("%q has %v", parent, found)
		}
	}
}

func TestChildrenSayHowTheyAreRead(t *testing.T) {
	for _, c := range []armschema.Child{
		{Type: "microsoft.network/virtualnetworks/subnets", Segment: "subnets", Embedded: "subnets"},
		{Type: "microsoft.storage/storageaccounts/blobservices", Segment: "blobServices", Names: []string{"default"}, ExceptKinds: []string{"filestorage"}},
		{Type: "microsoft.storage/storageaccounts/queueservices", Segment: "queueServices", Names: []string{"default"}, Kinds: []string{"storagev2", "storage"}},
		{Type: "microsoft.sql/servers/databases/transparentdataencryption", Segment: "transparentDataEncryption", Names: []string{"current"}, ExceptKinds: []string{"v12.0,system"}},
		{Type: "microsoft.network/dnszones/a", Segment: "A", Table: "dnsresources"},
		{Type: "microsoft.web/sites/config", Segment: "config", Names: []string{"web"}, Table: "appserviceresources"},
	} {
		at := strings.LastIndexByte(c.Type, '/')
		c.Parent = c.Type[:at]
		all := armschema.Children(c.Parent)
		i := slices.IndexFunc(all, func(found armschema.Child) bool { return found.Type == c.Type })
		if i < 0 {
			t.Errorf("no %s", c.Type)
			continue
		}
		c.Version = all[i].Version
		if d := cmp.Diff(c, all[i]); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.Type, d)
		}
	}
}

func TestAncestors(t *testing.T) {
	for child, want := range map[string][]string{
		"Microsoft.Storage/storageAccounts/blobServices/containers":         {"microsoft.storage/storageaccounts/blobservices", "microsoft.storage/storageaccounts"},
		"microsoft.network/virtualnetworks/subnets":                         {"microsoft.network/virtualnetworks"},
		"microsoft.servicebus/namespaces/topics/subscriptions/rules":        {"microsoft.servicebus/namespaces/topics/subscriptions", "microsoft.servicebus/namespaces/topics", "microsoft.servicebus/namespaces"},
		"microsoft.sql/servers/databases/transparentdataencryption":         {"microsoft.sql/servers/databases"},
		"microsoft.cdn/profiles/afdendpoints/routes":                        {"microsoft.cdn/profiles/afdendpoints"},
		"microsoft.sql/servers/databases":                                   nil,
		"microsoft.storage/storageaccounts":                                 nil,
		"microsoft.storage/storageaccounts/blobservices/containers/unknown": nil,
		"": nil,
	} {
		if d := cmp.Diff(want, armschema.Ancestors(child)); d != "" {
			t.Errorf("%s (-want +got):\n%s", child, d)
		}
	}
}

func TestExtensions(t *testing.T) {
	for _, e := range armschema.Extensions() {
		if typ, ok := strings.CutPrefix(e.Segment, "providers/"); !ok || strings.ToLower(typ) != e.Type {
			t.Errorf("%+v", e)
		}
	}
	if len(armschema.Extensions()) == 0 {
		t.Error("none")
	}
}
