package walk

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/nearest"
	"github.com/azure-tenant-grapher/atg/plugins/local/form"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// mostCandidates is how many nodes are listed where a name stands for several.
const mostCandidates = 10

// find is the node that somebody means: by its id, in any case; by the GUID of a subscription, a tenant or an application; by the login of
// a user; by its name; or by its name behind others that lead to it, such as the group's: rg-web/vm-1. The fault of a name that no node
// has, or several have, is fault.InvalidArgument and says which there are.
func find(ctx context.Context, r *graph.Reader, name string) (graph.Node, error) {
	name = strings.TrimSpace(name)
	l, err := r.NodeLookup(ctx)
	if err != nil {
		return graph.Node{}, err
	}
	defer l.Close()
	ids := []string{strings.TrimRight(name, "/")}
	if form.IsGUID(name) {
		ids = append(ids, "/subscriptions/"+name, "/tenants/"+name)
	}
	known, err := r.Known(ctx, name)
	if err != nil {
		return graph.Node{}, err
	}
	if len(known) > 0 && form.IsGUID(name) {
		known = known[:1] // the application's id: its principal is first
	}
	if len(known) > 1 {
		return graph.Node{}, ambiguous(ctx, l, name, known)
	}
	for _, id := range append(ids, known...) {
		if n, ok, err := l.ID(ctx, id); ok || err != nil {
			return n, err
		}
	}
	if strings.HasPrefix(name, "/") && len(name) > 1 {
		return graph.Node{}, fault.New(fault.InvalidArgument, "the snapshot has no node "+name, fault.On(name),
			fault.Hint("`atg snapshot show %s` says what the scan has read", r.Snapshot().ID))
	}
	return findNamed(ctx, r, l, name)
}

// findNamed looks through the names of all nodes.
func findNamed(ctx context.Context, r *graph.Reader, l *graph.NodeLookup, name string) (graph.Node, error) {
	var found []graph.Node
	names := map[string]bool{}
	segments := strings.Split(strings.ToLower(name), "/")
	err := r.Nodes(ctx, func(n graph.Node) error {
		names[n.Name] = true
		if strings.EqualFold(n.Name, name) || named(&n, segments) {
			found = append(found, n)
		}
		return nil
	})
	if err != nil {
		return graph.Node{}, err
	}
	found = meant(ctx, r, found, len(segments) > 1)
	switch len(found) {
	case 0:
		return graph.Node{}, unknown(r, name, names)
	case 1:
		return found[0], nil
	}
	ids := make([]string, len(found))
	for i, n := range found {
		ids[i] = n.Key
	}
	return graph.Node{}, ambiguous(ctx, l, name, ids)
}

// named says that the last segment is the name of a node, and those before it lead to it, in their order: segments of its id, or its kind.
func named(n *graph.Node, segments []string) bool {
	path := strings.Split(n.Key, "/")
	last := segments[len(segments)-1]
	if last == "" || !strings.EqualFold(n.Name, last) && path[len(path)-1] != last {
		return false
	}
	if path[0] = string(n.Kind); len(path) == 1 { // an identity, whose id is no path
		path = []string{string(n.Kind), n.Key}
	}
	above, want := path[:len(path)-1], segments[:len(segments)-1]
	if len(want) == 0 {
		return true
	}
	// A type may be given whole: microsoft.compute/virtualmachines.
	for _, segment := range above {
		if len(want) > 0 && segment == want[0] {
			want = want[1:]
		}
	}
	return len(want) == 0
}

// meant are those of several nodes with a name that somebody most likely means: what is there before what is only named; a resource, and
// not the identity of its own, which Azure calls like it; a principal, and not the application that it is an instance of. Who wants
// another says so: whole keeps them all.
func meant(ctx context.Context, r *graph.Reader, found []graph.Node, whole bool) []graph.Node {
	keep := func(want func(graph.Node) bool) {
		if slices.ContainsFunc(found, want) {
			found = slices.DeleteFunc(found, func(n graph.Node) bool { return !want(n) })
		}
	}
	keep(func(n graph.Node) bool { return n.State != graph.NodeMissing })
	if whole || len(found) < 2 {
		return found
	}
	owners := map[string]bool{}
	for _, n := range found {
		owners[n.Key] = n.Kind == graph.NodeResource
	}
	managed := map[string]bool{}
	_ = r.Identities(ctx, func(i graph.Identity) error { // without them, the name is ambiguous
		if owners[strings.ToLower(i.ResourceID)] {
			managed[i.ObjectID] = true
		}
		return nil
	})
	found = slices.DeleteFunc(found, func(n graph.Node) bool { return managed[n.Key] })
	if slices.ContainsFunc(found, func(n graph.Node) bool { return n.Kind == graph.NodeKind(graph.KindServicePrincipal) }) {
		found = slices.DeleteFunc(found, func(n graph.Node) bool { return n.Kind == graph.NodeKind(graph.KindApplication) })
	}
	return found
}

// ambiguous is the fault of a name that stands for several nodes.
func ambiguous(ctx context.Context, l *graph.NodeLookup, name string, ids []string) error {
	f := fault.New(fault.InvalidArgument, fmt.Sprintf("%d nodes are called %q", len(ids), name), fault.On(name))
	var lines []string
	for _, id := range ids[:min(len(ids), mostCandidates)] {
		n, ok, err := l.ID(ctx, id)
		if err != nil {
			return err
		}
		if ok {
			lines = append(lines, fmt.Sprintf("%s (%s)", n.ID, cmp.Or(n.Type, string(n.Kind))))
		}
	}
	if more := len(ids) - mostCandidates; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	fault.Hint("give more of it, such as GROUP/NAME, TYPE/NAME or the id: %s", strings.Join(lines, ", "))(f)
	return f
}

// unknown is the fault of a name that no node has.
func unknown(r *graph.Reader, name string, names map[string]bool) error {
	f := fault.New(fault.InvalidArgument, fmt.Sprintf("nothing in the snapshot is called %q", name), fault.On(name))
	all := make([]string, 0, len(names))
	for n := range names {
		all = append(all, n)
	}
	slices.Sort(all)
	if near := nearest.To(name[strings.LastIndexByte(name, '/')+1:], all); near != "" {
		fault.Hint("did you mean %s?", near)(f)
	} else {
		fault.Hint("`atg snapshot show %s` says what is there; a user is also known by the login, anything by its id", r.Snapshot().ID)(f)
	}
	return f
}
