package export

import (
	"cmp"
	"context"
	"iter"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// stateOutside is the state of a node that is only there because an edge of the filter's choice leads to it.
const stateOutside = "outside"

// source reads a graph into a sink.
type source struct {
	reader   *graph.Reader
	chosen   *choice // nil is everything
	content  *content
	keys     bool // edges need the keys of their nodes
	bare     bool // nothing but the nodes themselves is written
	progress func(backend.Progress)
	head     head

	resources, nodes, edges int64
}

// run writes nodes, then edges.
func (s *source) run(ctx context.Context, to sink) error {
	if err := s.eachNode(ctx, func(n *node) error {
		s.nodes++
		if n.kind == graph.NodeResource && n.state == string(graph.IdentityPresent) {
			s.resources++
		}
		s.tell("nodes", s.nodes)
		return to.node(n)
	}); err != nil {
		return err
	}
	edges := func(e graph.Edge, source, target string) error {
		if !s.chosen.edge(e.Source, e.Target) {
			return nil
		}
		s.edges++
		s.tell("relationships", s.edges)
		return to.edge(s.content.edge(&e, source, target))
	}
	var err error
	if s.keys {
		err = s.reader.Relationships(ctx, edges)
	} else {
		err = s.reader.Edges(ctx, func(e graph.Edge) error { return edges(e, "", "") })
	}
	if err != nil {
		return err
	}
	return to.end()
}

func (s *source) tell(phase string, done int64) {
	if s.progress != nil && done%1024 == 0 {
		s.progress(backend.Progress{Phase: "export", Message: phase, Done: done, Unit: "rows"})
	}
}

// merge reads the rows of nodes beside them: both are in the order of their keys.
type merge struct {
	tables     map[graph.NodeKind]*table
	identities func() (graph.Identity, error, bool)
	stop       func()
	held       graph.Identity
	more       bool
}

// table is a table whose next row is held.
type table struct {
	cursor *graph.Cursor
	row    graph.Row
	key    string
	more   bool
}

func newMerge(ctx context.Context, r *graph.Reader) (*merge, error) {
	m := &merge{tables: map[graph.NodeKind]*table{}, stop: func() {}}
	for kind, t := range map[graph.NodeKind]graph.Table{graph.NodeResource: graph.Resources, graph.NodeRoleDefinition: graph.RoleDefinitions, graph.NodeSubscription: graph.Containers} {
		cursor, err := r.Cursor(ctx, t)
		if err != nil {
			m.close()
			return nil, err
		}
		m.tables[kind] = &table{cursor: cursor, more: true}
	}
	m.tables[graph.NodeManagementGroup], m.tables[graph.NodeResourceGroup] = m.tables[graph.NodeSubscription], m.tables[graph.NodeSubscription]
	m.identities, m.stop = iter.Pull2(func(yield func(graph.Identity, error) bool) {
		err := r.Identities(ctx, func(i graph.Identity) error {
			if !yield(i, nil) {
				return errStopped
			}
			return nil
		})
		if err != nil && err != errStopped { //nolint:errorlint // it is yielded here alone
			yield(graph.Identity{}, err)
		}
	})
	m.more = true
	return m, nil
}

func (m *merge) close() {
	m.stop()
	for _, t := range m.tables {
		t.cursor.Close()
	}
}

// row is that of a node; nil if there is none.
func (m *merge) row(kind graph.NodeKind, key string) (*graph.Row, error) {
	t := m.tables[kind]
	for t.more && t.key < key {
		var err error
		if t.row, t.more, err = t.cursor.Next(); err != nil {
			return nil, err
		}
		t.key = strings.ToLower(t.row.ID)
	}
	if !t.more || t.key != key {
		return nil, nil
	}
	return &t.row, nil
}

// identity is that of a node; nil if there is none.
func (m *merge) identity(key string) (*graph.Identity, error) {
	for m.more && m.held.ObjectID < key {
		var err error
		if m.held, err, m.more = m.identities(); err != nil {
			return nil, err
		}
	}
	if !m.more || m.held.ObjectID != key {
		return nil, nil
	}
	return &m.held, nil
}

// node is a node without what its row says.
func (c *content) node(n *graph.Node) *node {
	made := &node{
		number: n.Number, kind: n.Kind, key: n.Key, id: n.ID, state: n.State, name: n.Name, typ: n.Type, location: n.Location,
		resourceGroup: n.ResourceGroup, subscriptionID: n.SubscriptionID,
	}
	if c.hidden != nil {
		made.id = c.id(n.ID)
		made.key = strings.ToLower(made.id)
		made.name = c.nodeName(n)
		if made.resourceGroup != "" {
			made.resourceGroup = strings.ToLower(c.hidden.Name("resourcegroups", n.ResourceGroup))
		}
		if made.subscriptionID != "" {
			made.subscriptionID = c.hidden.GUID(n.SubscriptionID)
		}
	}
	return made
}

// edge is an edge as it is written.
func (c *content) edge(e *graph.Edge, source, target string) *edge {
	made := &edge{source: e.Source, target: e.Target, sourceKey: source, targetKey: target, kind: identifier(e.Kind), rule: e.Rule, property: e.Property, detail: e.Detail, reversed: e.Reversed}
	if c.hidden != nil {
		if source != "" {
			made.sourceKey, made.targetKey = strings.ToLower(c.id(source)), strings.ToLower(c.id(target))
		}
		made.property = c.path(e.Property)
		if e.Kind == "HAS_ROLE" {
			made.detail = c.role(e.Detail)
		}
	}
	return made
}

// addRow adds what the row of a node says.
func (c *content) addRow(n *node, row *graph.Row) {
	texts := []struct {
		column int
		text   string
	}{{colResourceKind, row.Kind}, {colManagedBy, row.ManagedBy}, {colAPIVersion, row.APIVersion}}
	for _, t := range texts {
		if t.text == "" {
			continue
		}
		if c.hidden != nil && t.column == colManagedBy {
			t.text = c.id(t.text)
		}
		n.more = append(n.more, attribute{column: t.column, text: t.text})
	}
	name := row.Name
	for _, j := range []struct {
		column int
		json   []byte
	}{
		{colSKU, row.SKU}, {colPlan, row.Plan}, {colTags, row.Tags}, {colIdentity, row.Identity}, {colZones, row.Zones}, {colExtendedLocation, row.ExtendedLocation},
		{colExtra, row.Extra}, {colProperties, row.Properties},
	} {
		if made := c.json(columns[j.column].name, strings.ToLower(row.Type), name, j.json); made != nil {
			n.more = append(n.more, attribute{column: j.column, json: made})
		}
	}
}

// addIdentity adds what is known of an identity.
func (c *content) addIdentity(n *node, i *graph.Identity) {
	login, app, resource := i.Login, i.AppID, i.ResourceID
	if c.hidden != nil {
		login, app, resource = c.login(login), c.guid(app), c.id(resource)
	}
	for _, t := range []struct {
		column int
		text   string
	}{{colLogin, login}, {colAppID, app}, {colResourceID, resource}} {
		if t.text != "" {
			n.more = append(n.more, attribute{column: t.column, text: t.text})
		}
	}
	if i.Enabled != nil {
		n.more = append(n.more, attribute{column: colEnabled, truth: *i.Enabled})
	}
	if made := c.json("raw", "", cmp.Or(i.Name, i.ObjectID), i.Raw); made != nil {
		n.more = append(n.more, attribute{column: colRaw, json: made})
	}
}
