package walk

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestPaths(t *testing.T) {
	r := town().open(t)
	for _, tc := range []struct {
		from, to string
		hops     int
		want     []string
	}{
		{"ada", "rg-web", 0, []string{"ada -HAS_ROLE:Reader> Production -CONTAINS> rg-web"}}, // shorter than by the groups
		{"ada@CONTOSO.com", "Inner", 0, []string{"ada -MEMBER_OF> Admins -MEMBER_OF> Inner"}},
		{"vm-one", "safe", 0, []string{"vm-one -USES_IDENTITY> vm-one -HAS_ACCESS_POLICY:secrets: get, list> safe"}},
		{"rg-data", "bob", 0, []string{"rg-data <HAS_ROLE:Reader- vm-two <USES_IDENTITY- vm-two <CONTAINS- rg-web <HAS_ROLE:VM Operator- bob"}},
		{"vm-one", "bob", 0, []string{"vm-one <CONTAINS- rg-web <HAS_ROLE:VM Operator- bob"}}, // all against the edges
		{"vm-one", "vm-two", 0, []string{
			"vm-one -HAS_INTERFACE> nic-one -USES_SUBNET> front <USES_SUBNET- nic-two <HAS_INTERFACE- vm-two",
			"vm-one -USES_IDENTITY> vm-one -HAS_ACCESS_POLICY:secrets: get, list> safe <HAS_ACCESS_POLICY:keys: get, delete- eve -HAS_ROLE:VM Runner> vm-two",
		}},
		{"vm-one", "loose", 0, []string{"vm-one <CONTAINS- rg-web -CONTAINS> loose"}}, // nothing but their group
		{"loose", "far", 0, []string{"loose <CONTAINS- rg-web <CONTAINS- Production <CONTAINS- Contoso -CONTAINS> Test -CONTAINS> rg-test -CONTAINS> far"}},
		{"loose", "far", 5, []string{}},
		{"loose", "loose", 0, []string{}},
		{"front", "hub", 0, []string{"front <CONTAINS- hub"}},
	} {
		t.Run(fmt.Sprint(tc.from, " ", tc.to, tc.hops), func(t *testing.T) {
			got, err := Path(t.Context(), r, &backend.SnapshotPathRequest{From: tc.from, To: tc.to, MaxHops: tc.hops})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, arrows(got)); diff != "" {
				t.Error(diff)
			}
			if !got.Complete || got.From == "" || got.To == "" || got.Truncated {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestPathsOfOneLengthAreAFew(t *testing.T) {
	w := &world{}
	g := w.group(sub, "rg")
	ada := w.identity(1, graph.KindUser, "ada")
	w.role("Reader", "*/read")
	w.role("Writer", "*")
	for i := range 9 {
		group := w.identity(10+i, graph.KindGroup, fmt.Sprintf("g%d", i))
		w.member(group, ada)
		w.assign(group, "Reader", g)
		w.assign(group, "Writer", g) // the same step says both
	}
	got, err := Path(t.Context(), w.open(t), &backend.SnapshotPathRequest{From: "ada", To: "rg"})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range MaxPaths {
		want = append(want, fmt.Sprintf("ada -MEMBER_OF> g%d -HAS_ROLE:Reader, Writer> rg", i))
	}
	if diff := cmp.Diff(want, arrows(got)); diff != "" || !got.Truncated {
		t.Error(diff, got.Truncated)
	}
}

func TestNames(t *testing.T) {
	r := town().open(t)
	group := "/subscriptions/" + sub + "/resourceGroups/rg-web"
	for _, tc := range []struct{ name, want, hint string }{
		{"/SUBSCRIPTIONS/" + sub + "/RESOURCEGROUPS/RG-WEB/", group, ""},
		{sub, "/subscriptions/" + sub, ""},
		{strings.ToUpper(tenant), "/tenants/" + tenant, ""},
		{"Contoso", "/tenants/" + tenant, ""},
		{"production", "/subscriptions/" + sub, ""},
		{guid(1), guid(1), ""},
		{"Ada@Contoso.com", guid(1), ""},
		{guid(900), guid(21), ""}, // the application's id means its principal
		{"shop", guid(21), ""},
		{"application/shop", guid(20), ""},
		{"vm-one", group + "/providers/Microsoft.Compute/virtualMachines/vm-one", ""},
		{"managed_identity/vm-one", guid(101), ""},
		{"rg-test/same", "/subscriptions/" + other + "/resourceGroups/rg-test/providers/Microsoft.Compute/disks/same", ""},
		{"microsoft.compute/disks/loose", group + "/providers/Microsoft.Compute/disks/loose", ""},
		{"hub/front", group + "/providers/Microsoft.Network/virtualNetworks/hub/subnets/front", ""},
		{"same", "", group + "/providers/Microsoft.Compute/disks/same (microsoft.compute/disks), /subscriptions/" + other},
		{"disks/same", "", "GROUP/NAME"},
		{"vm-onne", "", "did you mean vm-one?"},
		{"rg-web/nothing-like-it", "", "atg snapshot show"},
		{"/subscriptions/" + sub + "/resourceGroups/none", "", "atg snapshot show"},
		{"disks/", "", ""}, {"/", "", ""}, {"//", "", ""}, {guid(77), "", ""}, {"%", "", ""}, {"' OR 1=1 --", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := find(t.Context(), r, tc.name)
			f := fault.As(err)
			if got.ID != tc.want || (tc.want == "") != (f != nil && f.Code == fault.InvalidArgument && strings.Contains(f.Hint, tc.hint)) {
				t.Errorf("%q, %v, %+v", got.ID, err, f)
			}
		})
	}
}

func TestReach(t *testing.T) {
	r := town().open(t)
	for _, tc := range []struct {
		node string
		hops int
		want []string
	}{
		// Who may run commands on a machine acts as it; who may start it does not.
		{"eve", 0, []string{
			"1 write safe by HAS_ACCESS_POLICY of eve as keys: get, delete", "1 write vm-two by HAS_ROLE of eve as VM Runner",
			"2 acts_as vm-two by USES_IDENTITY of vm-two", "3 read rg-data by HAS_ROLE of vm-two as Reader",
			"5 read sign by CONTAINS of safe as Reader", "5 read password by CONTAINS of safe as Reader",
		}},
		// A role is about the types that it speaks of, whatever else is below its scope.
		{"dan", 0, []string{"1 write rg-data by HAS_ROLE of dan as Secrets Writer", "3 write password by CONTAINS of safe as Secrets Writer"}},
		{"bob", 1, []string{"1 write rg-web by HAS_ROLE of bob as VM Operator"}},
		{"shop", 0, []string{"1 read rg-test by HAS_ROLE of Shop as Reader", "2 read far by CONTAINS of rg-test as Reader", "2 read same by CONTAINS of rg-test as Reader"}},
		{"application/shop", 1, []string{"1 acts_as Shop by INSTANCE_OF of Shop"}},
		{"vm-one", 0, []string{
			"1 depends nic-one by HAS_INTERFACE of vm-one", "1 acts_as vm-one by USES_IDENTITY of vm-one",
			"2 read safe by HAS_ACCESS_POLICY of vm-one as secrets: get, list", "2 depends front by USES_SUBNET of nic-one",
		}},
		{"far", 0, nil},
	} {
		t.Run(fmt.Sprint(tc.node, tc.hops), func(t *testing.T) {
			if diff := cmp.Diff(tc.want, reached(t, r, tc.node, tc.hops)); diff != "" {
				t.Error(diff)
			}
		})
	}
	// By her groups, in a ring, she may change rg-web, and so act as its machines; of the rest she is a reader.
	ada := strings.Join(reached(t, r, "ada", 0), "\n") + "\n"
	for _, want := range []string{
		"1 read Production by HAS_ROLE of ada as Reader\n", "2 acts_as Inner by MEMBER_OF of Admins\n", "3 write rg-web by HAS_ROLE of Inner as Contributor\n",
		"4 write vm-one by CONTAINS of rg-web as Contributor\n", "5 acts_as vm-one by USES_IDENTITY of vm-one\n", "2 read rg-data by CONTAINS of Production as Reader\n",
	} {
		if !strings.Contains(ada, want) {
			t.Errorf("%q is not in\n%s", want, ada)
		}
	}
	if n := strings.Count(ada, " ada "); strings.Contains(ada, "acts_as ada") {
		t.Errorf("she reaches herself: %d\n%s", n, ada)
	}
	if bob := strings.Join(reached(t, r, "bob", 2), "\n"); !strings.Contains(bob, "2 write vm-one by") || !strings.Contains(bob, "2 read loose by") {
		t.Errorf("who starts machines and reads the rest:\n%s", bob)
	}
	if bob := strings.Join(reached(t, r, "bob", 0), "\n"); strings.Contains(bob, "acts_as") {
		t.Errorf("who may start a machine acts as it:\n%s", bob)
	}
}
