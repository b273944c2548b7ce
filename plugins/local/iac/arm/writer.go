package arm

import (
	"context"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// writer writes the resources of one unit into its document, and gathers what their template has to have beside them.
type writer struct {
	document
	title     string
	unit      int // Index of the unit, -1 for none
	resources resourceIDs
	known     map[string]*template.Parameter // that resources refer to, whether or not the text has them
	used      map[string]*template.Parameter
	variables [][]byte // JSON strings; text_1 is the first
	err       error    // the first one
	limit     int      // of bytes

	node         template.Node // the resource that is being written
	source       string        // its id where it was scanned
	member       string        // of its top level, that is being written
	waits        []template.Node
	dependencies []string                 // expressions
	ids          map[string]string        // by flat id: its expression
	waitedFor    map[template.Node]string // dependencies by resource
	stack        []frame
	scratch      []byte
}

func newWriter(title string, unit int, scope *template.Scope, compact bool, limit int, b []byte) *writer {
	return &writer{
		title: title, unit: unit, limit: limit, document: document{b: b, compact: compact, empty: true},
		resources: resourceIDs{kind: scope.Kind, scope: scopeText(scope)},
		known:     map[string]*template.Parameter{}, used: map[string]*template.Parameter{},
		ids: map[string]string{}, waitedFor: map[template.Node]string{},
	}
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// know remembers a parameter by its name.
func (w *writer) know(p *template.Parameter) {
	if known, ok := w.known[p.Name]; ok && known.Secret != p.Secret {
		w.fail(fault.Newf(fault.Internal, "the parameter %s of %s is both a secret and none", p.Name, w.title))
	}
	w.known[p.Name] = p
}

// use remembers the parameters that an expression has.
func (w *writer) use(e string) {
	const call = "parameters('"
	for {
		i := strings.Index(e, call)
		if i < 0 {
			return
		}
		e = e[i+len(call):]
		end := strings.IndexByte(e, '\'')
		if end < 0 {
			return
		}
		// Within a string of the expression the quote is doubled, so that no name follows.
		if p, ok := w.known[e[:end]]; ok {
			w.used[p.Name] = p
		}
	}
}

// depend remembers that the resource being written needs another one of the same template.
func (w *writer) depend(ref *template.Ref) {
	if ref.Node == template.NoNode || ref.Unit != w.unit || ref.Node == w.node || slices.Contains(w.waits, ref.Node) {
		return
	}
	w.waits = append(w.waits, ref.Node)
	e, ok := w.waitedFor[ref.Node]
	if !ok {
		e = w.dependency(ref.ID)
		w.waitedFor[ref.Node] = e
	}
	w.dependencies = append(w.dependencies, e)
}

// dependency is the expression by which a dependsOn names the resource with an id.
func (w *writer) dependency(id []template.Part) string {
	for i := range id {
		w.note(&id[i])
	}
	flat, ok := appendFlat(nil, id)
	if !ok {
		return w.expression(id)
	}
	return w.resources.dependency(string(flat))
}

// all writes the resources of a unit as the items of a list that is open. before gives the expressions of what else a resource has
// to wait for; made is told each resource.
func (w *writer) all(ctx context.Context, t *template.Template, u *template.Unit, before func(template.Node) []string, made func(*template.Resource)) error {
	return t.Each(ctx, u, func(r *template.Resource) error {
		if made != nil {
			made(r)
		}
		var wait []string
		if before != nil {
			wait = before(r.Node)
		}
		start := len(w.b)
		w.resource(r, wait)
		if size := len(w.b) - start; size > maxResource {
			return tooLarge("the resource "+r.ID, size, maxResource)
		}
		if w.err != nil {
			return w.err
		}
		if len(w.b) > w.limit {
			return tooLarge(w.title, len(w.b), w.limit)
		}
		return nil
	})
}

func (w *writer) resource(r *template.Resource, wait []string) {
	w.node, w.source, w.waits, w.dependencies = r.Node, r.ID, w.waits[:0], append(w.dependencies[:0], wait...)
	if w.compact {
		w.nextResource()
	} else {
		w.next()
	}
	w.open('{')
	w.plain("type", r.Type)
	w.plain("apiVersion", r.APIVersion)
	w.begin("name")
	w.text(r.FullName)
	w.scope(r)
	if len(r.Location) > 0 {
		w.begin("location")
		w.text(r.Location)
	}
	if r.Tags.Kind == template.Map {
		w.begin("tags")
		w.value(&r.Tags)
	}
	if r.Identity.Kind == template.Map {
		w.begin("identity")
		w.identity(r)
	}
	for i := range r.Body {
		w.member = r.Body[i].Name
		w.key(w.member)
		w.value(&r.Body[i].Value)
	}
	if r.Parent != nil {
		w.depend(r.Parent)
	}
	for _, ref := range r.DependsOn {
		w.depend(ref)
	}
	w.dependsOn(w.dependencies)
	w.close('}')
}

// begin writes the name of a member of the top level.
func (w *writer) begin(member string) {
	w.member = member
	w.name(member)
}

// nextResource gives each resource a line of its own where there are no others.
func (w *writer) nextResource() {
	if !w.empty {
		w.b = append(w.b, ',')
	}
	w.empty = false
	w.newline()
}

// scope says what an extension extends, unless it is what the template is deployed to.
func (w *writer) scope(r *template.Resource) {
	if r.ParentKind == template.ParentScope {
		return
	}
	for i := range r.ParentID {
		w.note(&r.ParentID[i])
	}
	flat, ok := appendFlat(nil, r.ParentID)
	if !ok {
		return
	}
	if e := w.resources.extended(string(flat), r.ParentKind == template.ParentTarget); e != "" {
		w.use(e)
		w.name("scope")
		w.b = appendResult(w.b, e)
	}
}

func (w *writer) dependsOn(expressions []string) {
	if len(expressions) == 0 {
		return
	}
	slices.Sort(expressions)
	w.name("dependsOn")
	w.open('[')
	for _, e := range slices.Compact(expressions) {
		w.use(e)
		w.next()
		w.b = appendResult(w.b, e)
	}
	w.close(']')
}

// identity writes an identity with the ids of user-assigned ones as references.
func (w *writer) identity(r *template.Resource) {
	w.open('{')
	for i := range r.Identity.Fields {
		f := &r.Identity.Fields[i]
		w.key(f.Name)
		if f.Name != "userAssignedIdentities" || len(r.IdentityIDs) == 0 {
			w.value(&f.Value)
			continue
		}
		w.open('{')
		for _, id := range r.IdentityIDs {
			w.next()
			w.text(id)
			w.colon()
			w.open('{')
			w.close('}')
		}
		w.close('}')
	}
	w.close('}')
}

// key writes the name of a member, which Azure reads by the same rules as a value.
func (w *writer) key(name string) {
	w.next()
	w.b = appendLiteral(w.b, name)
	w.colon()
}

// frame is a list or map that is being written.
type frame struct {
	v *template.Value
	i int
}

// value writes a value, without recursion: the depth of what Azure holds is not ours to bound. What grows over the limit ends
// there, for indentation makes a deep value many times as long.
func (w *writer) value(v *template.Value) {
	w.stack = append(w.stack[:0], frame{})
	w.enter(v)
	for len(w.stack) > 1 {
		if len(w.b) > w.limit {
			w.fail(tooLarge(w.title, len(w.b), w.limit))
			return
		}
		top := &w.stack[len(w.stack)-1]
		i := top.i
		top.i++
		switch {
		case top.v.Kind == template.List && i < len(top.v.Items):
			w.next()
			w.enter(&top.v.Items[i])
		case top.v.Kind == template.Map && i < len(top.v.Fields):
			f := &top.v.Fields[i]
			if f.Value.Kind == template.List && strings.EqualFold(f.Name, "copy") {
				// A list of this name is Azure's loop, unless the name is the outcome of an expression.
				w.next()
				w.b = appendExpression(w.b, "string("+quote(f.Name)+")")
				w.colon()
			} else {
				w.key(f.Name)
			}
			w.enter(&f.Value)
		case top.v.Kind == template.List:
			w.close(']')
			w.stack = w.stack[:len(w.stack)-1]
		default:
			w.close('}')
			w.stack = w.stack[:len(w.stack)-1]
		}
	}
}

// enter writes a value that has no others in it, and begins one that has.
func (w *writer) enter(v *template.Value) {
	switch v.Kind {
	case template.Null:
		w.b = append(w.b, "null"...)
	case template.Bool:
		if v.Bool {
			w.b = append(w.b, "true"...)
		} else {
			w.b = append(w.b, "false"...)
		}
	case template.Number:
		digits := "0"
		if len(v.Text) > 0 {
			digits = v.Text[0].Literal
		}
		w.b = appendNumber(w.b, digits)
	case template.String:
		w.text(v.Text)
	case template.List:
		w.open('[')
		w.stack = append(w.stack, frame{v: v})
	case template.Map:
		w.open('{')
		w.stack = append(w.stack, frame{v: v})
	}
}
