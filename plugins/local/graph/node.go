package graph

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Node is a node of the graph: something of Azure or Microsoft Entra.
type Node struct {
	Number         int64 // from 1, in the order of Key; what is only named comes behind the rest
	Key            string
	ID             string // an ARM id, cased as Azure did, or the object id of an identity
	Kind           NodeKind
	State          string // present, missing, platform; of identities also deleted, unreadable
	Name           string
	Type           string // of resources, in lower case
	Location       string
	ResourceGroup  string // in lower case
	SubscriptionID string // in lower case
}

// NodeKind is what a node is: one of these, or an IdentityKind.
type NodeKind string

// The kinds of nodes.
const (
	NodeTenant          NodeKind = "tenant"
	NodeManagementGroup NodeKind = "management_group"
	NodeSubscription    NodeKind = "subscription"
	NodeResourceGroup   NodeKind = "resource_group"
	NodeResource        NodeKind = "resource"
	NodeRoleDefinition  NodeKind = "role_definition"
	NodeIdentity        NodeKind = "identity" // of which only the object id is known
	NodeHost            NodeKind = "host"     // an account that is named by its address, and not in the snapshot
)

// NodeMissing is the state of what is named, and not in the snapshot: it does not exist, or was not in scope, or could not be read.
const NodeMissing = "missing"

// NodePlatform is the state of what Azure itself has in every tenant, and no scan reads: built-in policies, images of the marketplace.
const NodePlatform = "platform"

// Edge is an edge of the graph. docs/relationships.md has the kinds and rules.
type Edge struct {
	Source, Target int64 // numbers of nodes
	Kind           string
	Rule           string // what derived it
	Property       string // the path of the property that says it
	Detail         string // the role of HAS_ROLE, the permissions of HAS_ACCESS_POLICY
	Reversed       bool   // the property is the target's
}

const nodeColumns = "node, key, id, kind, state, name, type, location, resource_group, subscription_id"

func scanNode(scan func(...any) error) (n Node, err error) {
	err = scan(&n.Number, &n.Key, &n.ID, &n.Kind, &n.State, &n.Name, &n.Type, &n.Location, &n.ResourceGroup, &n.SubscriptionID)
	return n, err
}

// Nodes yields the nodes in the order of their numbers. A snapshot of a format without them is fault.Unsupported: see WithGraph.
func (r *Reader) Nodes(ctx context.Context, yield func(Node) error) error {
	if err := r.hasGraph(); err != nil {
		return err
	}
	rows, err := r.db.QueryContext(ctx, "SELECT "+nodeColumns+" FROM nodes ORDER BY node")
	if err != nil {
		return readFault(r.path, err)
	}
	defer discard(rows)
	for rows.Next() {
		n, err := scanNode(rows.Scan)
		if err != nil {
			return readFault(r.path, err)
		}
		if err := yield(n); err != nil {
			return err
		}
	}
	return readFault(r.path, rows.Err())
}

// Edges yields the edges by source; those of one source by kind, target and property, so that the order depends on the content
// alone. See Nodes.
func (r *Reader) Edges(ctx context.Context, yield func(Edge) error) error {
	if err := r.hasGraph(); err != nil {
		return err
	}
	labels, err := r.EdgeLabels(ctx)
	if err != nil {
		return err
	}
	rows, err := r.db.QueryContext(ctx, "SELECT source, label, target FROM edges ORDER BY source")
	if err != nil {
		return readFault(r.path, err)
	}
	defer discard(rows)
	var held []Edge // those of one source
	flush := func() error {
		slices.SortFunc(held, compareEdges)
		for _, e := range held {
			if err := yield(e); err != nil {
				return err
			}
		}
		held = held[:0]
		return nil
	}
	for rows.Next() {
		var source, label, target int64
		if err := rows.Scan(&source, &label, &target); err != nil {
			return readFault(r.path, err)
		}
		if len(held) > 0 && held[0].Source != source {
			if err := flush(); err != nil {
				return err
			}
		}
		e := labels[label]
		e.Source, e.Target = source, target
		held = append(held, e)
	}
	if err := rows.Err(); err != nil {
		return readFault(r.path, err)
	}
	return flush()
}

func compareEdges(a, b Edge) int {
	return cmp.Or(cmp.Compare(a.Source, b.Source), strings.Compare(a.Kind, b.Kind), cmp.Compare(a.Target, b.Target),
		strings.Compare(a.Property, b.Property), strings.Compare(a.Detail, b.Detail), strings.Compare(a.Rule, b.Rule))
}

// EdgeLabels are what the labels of Links stand for: edges without their nodes.
func (r *Reader) EdgeLabels(ctx context.Context) (map[int64]Edge, error) {
	rows, err := r.db.QueryContext(ctx, "SELECT label, kind, rule, property, detail, reversed FROM edge_labels")
	if err != nil {
		return nil, readFault(r.path, err)
	}
	defer discard(rows)
	labels := map[int64]Edge{}
	for rows.Next() {
		var label int64
		var e Edge
		if err := rows.Scan(&label, &e.Kind, &e.Rule, &e.Property, &e.Detail, &e.Reversed); err != nil {
			return nil, readFault(r.path, err)
		}
		labels[label] = e
	}
	return labels, readFault(r.path, rows.Err())
}

func (r *Reader) hasGraph() error {
	if r.snapshot.SchemaVersion >= firstWithIdentities {
		return nil
	}
	return fault.Newf(fault.Unsupported, "the snapshot %s is of format %d, which has no graph", r.snapshot.ID, r.snapshot.SchemaVersion)
}
