package walk

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// FuzzNode: whatever somebody calls a node, and however many hops they ask for, the answer is ways and things that have
// a JSON form, or a fault that says what is wrong with the question.
func FuzzNode(f *testing.F) {
	var w world
	group := w.group(sub, "rg-web")
	ada, web := w.identity(1, graph.KindUser, "ada"), w.identity(2, graph.KindGroup, "web")
	w.member(web, ada)
	w.role("reader", "*/read")
	w.assign(web, "reader", group)
	w.resource(group, "Microsoft.Compute/virtualMachines/vm-1", `{"storageProfile":{"osDisk":{"managedDisk":{"id":"`+group+`/providers/Microsoft.Compute/disks/d"}}}}`)
	w.resource(group, "Microsoft.Compute/disks/d", `{}`)
	r := w.open(f)
	for _, name := range []string{
		"ada", "ada@contoso.com", "rg-web/vm-1", sub, strings.ToUpper(sub), group + "/", "/", "", "//", "*", "%", "vm_1", "user/ada", "microsoft.compute/virtualmachines/vm-1", "\x00", "\xff", "İ", "'; DROP TABLE nodes; --",
		guid(900), "/subscriptions/" + sub + "/../..", strings.Repeat("a/", 500),
	} {
		f.Add(name, "vm-1", 3)
		f.Add("ada", name, -1)
	}
	f.Fuzz(func(t *testing.T, from, to string, n int) {
		check := func(answer any, err error) {
			if err != nil {
				if f := fault.As(err); f == nil || f.Code != fault.InvalidArgument || f.Message == "" {
					t.Errorf("%v", err)
				}
				return
			}
			if _, err := json.Marshal(answer); err != nil {
				t.Error(err)
			}
		}
		path := &backend.SnapshotPathRequest{From: from, To: to, MaxHops: n}
		if err := CheckPath(path); err != nil {
			check(nil, err)
		} else {
			result, err := Path(t.Context(), r, path)
			check(result, err)
		}
		reach := &backend.SnapshotReachRequest{Node: from, MaxHops: n}
		if err := CheckReach(reach); err != nil {
			check(nil, err)
		} else {
			result, err := Reach(t.Context(), r, reach, io.Discard)
			check(result, err)
		}
	})
}
