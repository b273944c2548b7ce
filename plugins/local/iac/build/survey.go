package build

import (
	"context"
	"encoding/json"
	"math"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/form"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// chunkSize is how many rows are read by one goroutine at a time.
const chunkSize = 128

// finding is what a row's body says.
type finding struct {
	at         int32
	deps       []int32
	secrets    int
	empty      bool
	unreadable bool
	arrays     map[arrayItem]bool
	id         string   // of a resource with an identity
	owns       []owned  // ids of its identity
	names      []string // GUIDs that it names, which may be such ids
	changed    []report.Entry
}

// readBodies reads the bodies of what may be generated, to know what refers to what. Chunks of rows are read side by side, and what
// they say is taken in the order of the rows.
func (b *builder) readBodies(ctx context.Context) error {
	b.parameters()
	b.principals = &principals{owners: map[string]owner{}}
	var wanted []int32
	for i := range b.nodes {
		if b.nodes[i].state == generated {
			wanted = append(wanted, int32(i))
		}
	}
	for len(wanted) > 0 {
		if err := b.survey(ctx, wanted); err != nil {
			return err
		}
		wanted, b.alone = b.alone, nil // children that turned out to stand alone
	}
	b.dropEmpty()
	b.principals.settle(b)
	return nil
}

// chunk are some rows of one survey, and what they say.
type chunk struct {
	at    []int32
	rows  []*graph.Row // nil where it is still to be looked up
	found chan []finding
}

// chunks sends rows in pieces, each to every channel. Where most resources are wanted they are read in one go.
func (b *builder) chunks(ctx context.Context, wanted []int32, channels ...chan chunk) error {
	var cursor *graph.Cursor
	if len(wanted) > len(b.nodes)/2 {
		var err error
		if cursor, err = b.r.Cursor(ctx, graph.Resources); err != nil {
			return err
		}
		defer cursor.Close()
	}
	for from := 0; from < len(wanted); from += chunkSize {
		c := chunk{at: wanted[from:min(from+chunkSize, len(wanted))], found: make(chan []finding, 1)}
		c.rows = make([]*graph.Row, len(c.at))
		for i, at := range c.at {
			if n := &b.nodes[at]; cursor != nil && n.table == graph.Resources {
				row, ok, err := cursor.To(int64(n.row))
				if err != nil {
					return err
				}
				if ok {
					c.rows[i] = &row
				}
			}
		}
		for _, to := range channels {
			select {
			case to <- c:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
	}
	return nil
}

// survey reads rows, and keeps what they say.
func (b *builder) survey(ctx context.Context, wanted []int32) error {
	g, gctx := errgroup.WithContext(ctx)
	work, order := make(chan chunk), make(chan chunk, 4*runtime.GOMAXPROCS(0))
	g.Go(func() error {
		defer close(work)
		defer close(order)
		return b.chunks(gctx, wanted, order, work)
	})
	for range runtime.GOMAXPROCS(0) {
		g.Go(func() error {
			m, err := b.maker(gctx, true)
			if err != nil {
				return err
			}
			defer m.lookup.Close()
			defer func() { b.report.Properties(m.counted()) }()
			for c := range work {
				found := make([]finding, 0, len(c.at))
				for i, at := range c.at {
					f, err := m.look(gctx, at, c.rows[i])
					if err != nil {
						return err
					}
					found = append(found, f)
				}
				c.found <- found
			}
			return nil
		})
	}
	g.Go(func() error {
		done := 0
		for c := range order {
			select {
			case found := <-c.found:
				for i := range found {
					b.keep(&found[i])
				}
				done += len(found)
				b.progress("reading", int64(done), int64(len(wanted)))
			case <-gctx.Done():
				return context.Cause(gctx)
			}
		}
		return nil
	})
	return g.Wait()
}

// arrayItem is a child in an array of its parent: by the array's name, and a hash of its own.
type arrayItem struct {
	array string
	name  uint32
}

// look reads one row.
func (m *maker) look(ctx context.Context, at int32, row *graph.Row) (finding, error) {
	if row == nil {
		found, err := m.lookup.Row(ctx, m.b.nodes[at].place())
		if err != nil {
			return finding{}, err
		}
		row = &found
	}
	m.arrays = nil
	m.unit = newUnitNames()
	r, err := m.make(at, row)
	if err != nil {
		return finding{at: at, unreadable: true}, nil
	}
	f := finding{at: at, deps: append([]int32(nil), m.deps...), secrets: len(r.Secrets), arrays: m.arrays, changed: m.changed, empty: nothing(r)}
	for i := range f.changed {
		f.changed[i].Resource, f.changed[i].Type = r.ID, r.Type
	}
	if f.owns = identityIDs(&r.Identity, row.Identity, row.Properties, m.typ.lower); len(f.owns) > 0 {
		f.id = r.ID
	}
	f.names = append(f.names, m.ids...)
	return f, nil
}

// owned is an id of a resource's identity, and where it stands.
type owned struct{ id, property string }

// identityIDs are the ids of the identity that a resource will have once it is made, or is.
func identityIDs(made *template.Value, identity, properties []byte, lower string) (ids []owned) {
	var is, has struct {
		PrincipalID string `json:"principalId"`
		ClientID    string `json:"clientId"`
	}
	if strings.HasPrefix(said(made, "type"), "systemassigned") {
		_ = json.Unmarshal(identity, &has) // what does not fit says nothing of it
	}
	if lower == "microsoft.managedidentity/userassignedidentities" {
		_ = json.Unmarshal(properties, &is)
	}
	for _, o := range []owned{{has.PrincipalID, "identity.principalId"}, {is.PrincipalID, "properties.principalId"}, {is.ClientID, "properties.clientId"}} {
		if form.IsGUID(o.id) {
			ids = append(ids, owned{strings.ToLower(o.id), o.property})
		}
	}
	return ids
}

// nothing says that a resource says nothing but that it is there.
func nothing(r *template.Resource) bool {
	if len(r.Tags.Fields) > 0 || r.Identity.Kind == template.Map || len(r.Secrets) > 0 {
		return false
	}
	for _, f := range r.Body {
		if f.Name != "sku" && f.Name != "kind" { // a part of an account repeats its account's
			return false
		}
	}
	return true
}

// keep keeps what a row's body says.
func (b *builder) keep(f *finding) {
	n := &b.nodes[f.at]
	if f.unreadable {
		n.state, n.reason = omitted, report.Unreadable
		b.standAlone(f)
		return
	}
	slices.Sort(f.deps)
	f.deps = slices.Compact(f.deps)
	if len(f.deps) > math.MaxUint16 { // more references than a body of Azure's can hold
		n.state, n.reason = omitted, report.Unreadable
		b.standAlone(f)
		return
	}
	m := &b.measures[f.at]
	m.depsAt, m.deps = int32(len(b.deps)), uint16(len(f.deps)) //nolint:gosec // a snapshot's references are fewer than 2^31
	b.deps = append(b.deps, f.deps...)
	m.secret = uint16(min(f.secrets, math.MaxUint16)) //nolint:gosec // bounded
	n.empty = f.empty
	for _, o := range f.owns {
		b.principals.owners[o.id] = owner{f.at, o.property, f.id}
	}
	for _, id := range f.names {
		b.principals.named = append(b.principals.named, naming{from: f.at, id: id})
	}
	for _, e := range f.changed {
		b.report.Change(e)
	}
	b.standAlone(f)
}

// standAlone generates the children that a parent's body does not have after all, or whose parent has none.
func (b *builder) standAlone(f *finding) {
	for _, child := range b.inParent[f.at] {
		c := &b.nodes[child.node]
		if !f.arrays[arrayItem{b.types[c.typ].array, child.name}] {
			if b.unwanted[child.node] {
				c.state, c.reason = left, report.OutsideFilter
				continue
			}
			c.state, c.reason = generated, report.None
			b.alone = append(b.alone, child.node)
		}
	}
}

// dropEmpty trims the resources that have one fixed name, say nothing, and have nothing below them: the service makes them.
func (b *builder) dropEmpty() {
	if b.o.IncludeDefaults {
		return
	}
	below := make([]bool, len(b.nodes)) // something generated hangs below
	for i := len(b.nodes) - 1; i >= 0; i-- {
		n := &b.nodes[i]
		if n.state == generated && n.empty && !below[i] && b.fixedName(n) {
			n.state, n.reason = trimmed, report.DefaultsOnly
		}
		if n.up >= 0 && (n.state == generated || n.state == inBody || below[i]) {
			below[n.up] = true
		}
	}
}

// fixedName says that the type is that of a part that its parent has exactly once, or once for each of a few names.
func (b *builder) fixedName(n *node) bool {
	t := &b.types[n.typ]
	return t.schema != nil && len(t.schema.Names) > 0 && strings.Count(t.lower, "/") > 1
}
