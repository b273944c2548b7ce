package create

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/build"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// desired is what a specification asks for, as a temporary snapshot.
type desired struct {
	dir    string
	reader *graph.Reader
	in     *Input
}

// rowsAtOnce is how many rows are handed to the snapshot together.
const rowsAtOnce = 128

// open writes the rows of a specification into a snapshot of the work folder. It has to be closed.
func (r *run) open(ctx context.Context, parsed *spec.Spec, places spec.Places, ps *people) (*desired, error) {
	dir, err := os.MkdirTemp(r.WorkDir, "specification-")
	if err != nil {
		return nil, fault.New(fault.ExecutionFailed, "cannot make a folder for the specification", fault.Because(err))
	}
	d := &desired{dir: dir}
	if err := d.write(ctx, r, func(take func(graph.Row) error) (err error) {
		d.in, err = r.input(ctx, parsed, places, ps, take)
		return err
	}); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *desired) write(ctx context.Context, r *run, rows func(take func(graph.Row) error) error) error {
	store, err := graph.OpenStore(filepath.Join(d.dir, "store"))
	if err != nil {
		return err
	}
	w, err := store.NewWriter(ctx, graph.Meta{TenantID: r.tenant, CreatedAt: time.Unix(0, 0), Scratch: true})
	if err != nil {
		return err
	}
	defer w.Abort()
	subscriptions := make([]graph.Subscription, 0, len(r.subscriptions))
	for _, s := range r.subscriptions {
		subscriptions = append(subscriptions, graph.Subscription{ID: s.ID, Name: s.Name, State: s.State, TenantID: s.TenantID})
	}
	if err := w.AddSubscriptions(subscriptions); err != nil {
		return err
	}
	if err := d.fill(w, rows); err != nil {
		return err
	}
	snapshot, err := w.Finish(ctx, backend.Coverage{Complete: true})
	if err != nil {
		return err
	}
	d.reader, err = store.Open(ctx, snapshot.ID)
	return err
}

// fill writes rows, some at once, while the next ones are made.
func (d *desired) fill(w *graph.Writer, rows func(take func(graph.Row) error) error) error {
	var g errgroup.Group
	full, failed := make(chan []graph.Row, 2), make(chan struct{})
	g.Go(func() error {
		for some := range full {
			if err := w.Add(some); err != nil {
				close(failed)
				return err
			}
		}
		return nil
	})
	errFailed := errors.New("the rows cannot be written")
	var some []graph.Row
	hand := func() error {
		select {
		case full <- some:
			some = nil
			return nil
		case <-failed:
			return errFailed
		}
	}
	err := rows(func(row graph.Row) error {
		if some == nil {
			some = make([]graph.Row, 0, rowsAtOnce)
		}
		if some = append(some, row); len(some) < rowsAtOnce {
			return nil
		}
		return hand()
	})
	if err == nil && len(some) > 0 {
		err = hand()
	}
	close(full)
	if written := g.Wait(); written != nil {
		return written
	}
	return err
}

// close removes the snapshot.
func (d *desired) close() {
	if d.reader != nil {
		d.reader.Close()
	}
	_ = os.RemoveAll(d.dir) // the job's folder goes with the job
}

// build makes the template of what is desired; only are ids in lower case, nil is all.
func (d *desired) build(ctx context.Context, only map[string]bool) (*build.Plan, error) {
	return build.Build(ctx, d.reader, build.Options{IncludeDefaults: true, Split: template.SplitDeployment, Only: only, After: d.in.After}, report.New())
}

// info is what a run keeps of a desired resource, beside its line of the plan.
type info struct {
	version string
	needs   []template.Node // what has to be there before
	unit    *template.Unit
}

// infoOf is that of a resource.
func infoOf(u *template.Unit, res *template.Resource) info {
	i := info{version: res.APIVersion, unit: u}
	need := func(ref *template.Ref) {
		if ref != nil && ref.Node != template.NoNode && ref.Node != res.Node && !slices.Contains(i.needs, ref.Node) {
			i.needs = append(i.needs, ref.Node)
		}
	}
	parts := func(p []template.Part) {
		for j := range p {
			need(p[j].Ref)
		}
	}
	need(res.Parent)
	for _, ref := range res.DependsOn {
		need(ref)
	}
	for _, id := range res.IdentityIDs {
		parts(id)
	}
	if u.Scope.Group != template.NoNode && u.Scope.Group != res.Node {
		need(&template.Ref{Node: u.Scope.Group})
	}
	texts(&res.Tags, parts)
	for j := range res.Body {
		texts(&res.Body[j].Value, parts)
	}
	slices.Sort(i.needs)
	return i
}

// texts calls yield for every text in a value.
func texts(v *template.Value, yield func([]template.Part)) {
	switch v.Kind {
	case template.String:
		yield(v.Text)
	case template.List:
		for i := range v.Items {
			texts(&v.Items[i], yield)
		}
	case template.Map:
		for i := range v.Fields {
			texts(&v.Fields[i].Value, yield)
		}
	}
}

// plain is a text with the defaults of its parameters. known is false where a deployment alone can tell what it will be, or a secret is in it.
func plain(parts []template.Part) (text string, known bool) {
	var b strings.Builder
	known = true
	for i := range parts {
		switch p := &parts[i]; {
		case p.Parameter != nil:
			known = known && !p.Parameter.Secret
			b.WriteString(p.Parameter.Default)
		case p.Ref != nil && p.Ref.Property != "":
			known = false
		case p.Ref != nil && p.Ref.Existing != nil && len(p.Ref.ID) == 0:
			inner, ok := plain(p.Ref.Existing.ID)
			known = known && ok
			b.WriteString(inner)
		case p.Ref != nil:
			inner, ok := plain(p.Ref.ID)
			known = known && ok
			b.WriteString(inner)
		default:
			b.WriteString(p.Literal)
		}
	}
	return b.String(), known
}

// levels says of each resource how many have to be there before it, one after the other.
func levels(all []info) []int {
	level := make([]int, len(all))
	state := make([]uint8, len(all)) // 1 is on the way: a cycle that the template has not
	var visit func(n template.Node) int
	visit = func(n template.Node) int {
		if state[n] != 0 {
			return level[n]
		}
		state[n] = 1
		for _, need := range all[n].needs {
			level[n] = max(level[n], visit(need)+1)
		}
		return level[n]
	}
	for n := range all {
		visit(template.Node(n))
	}
	return level
}
