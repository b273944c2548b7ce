// Package bicep writes Bicep: for each stage a main file with what its scope itself has, a module for each unit, a file of parameters,
// and a script that deploys them in order.
package bicep

import (
	"context"
	"io"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// Options are what a user may choose.
type Options struct {
	// Location is where Azure keeps the records of deployments, which resources do not depend on. Empty takes the target's, or else
	// that of the first parameter for a location.
	Location string
}

// Write writes a template whose units are cut for deployment:
//
//	main.bicep, main.bicepparam     one stage; with several NAME.bicep and NAME.bicepparam for each
//	modules/UNIT.bicep              what is in a resource group
//	deploy.sh                       previews and deploys the stages in their order
//
// The same template gives the same bytes. Units are written at the same time, as many as there are processors, and the text of each
// is in memory until it is whole.
func Write(ctx context.Context, t *template.Template, files *output.Files, o Options) error {
	w := &writer{
		t: t, files: files, options: o, used: make([]*used, len(t.Units)), main: make([]bool, len(t.Units)),
		environment: make([][]string, len(t.Stages)), subscriptions: map[string]string{},
	}
	variables := names{}
	if len(t.Stages) > 1 {
		taken := names{}
		for _, s := range t.Stages {
			w.prefixes = append(w.prefixes, taken.take(shout(s.Name)))
		}
	}
	for _, s := range t.Stages {
		if p := s.Scope.Subscription; p != nil && w.subscriptions[p.Name] == "" {
			w.subscriptions[p.Name] = variables.take("ATG_" + shout(p.Name))
		}
		if s.Main != nil {
			w.main[s.Main.Index] = true
		}
	}
	if err := t.ForEachUnit(ctx, w.module); err != nil {
		return err
	}
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range t.Stages {
		g.Go(func() error { return w.stage(inner, i) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return w.script()
}

type writer struct {
	buffers sync.Pool // of *[]byte: texts of modules that have been written

	t       *template.Template
	files   *output.Files
	options Options
	used    []*used // by a unit's index; nil for those that are a stage's main
	main    []bool  // by a unit's index

	prefixes    []string   // of the environment variables of a stage's secrets; nil where there is one stage
	environment [][]string // those variables, by stage
	// subscriptions are the environment variables of subscriptions that are deployed to, by the names of their parameters.
	subscriptions map[string]string
}

// buffer is an empty text.
func (w *writer) buffer() []byte {
	if b, ok := w.buffers.Get().(*[]byte); ok {
		return (*b)[:0]
	}
	return nil
}

// used is what a module takes from its main.
type used struct{ parameters []*parameter }

// module writes the file of a unit that is a module.
func (w *writer) module(ctx context.Context, u *template.Unit) error {
	if w.main[u.Index] {
		return nil
	}
	f := newFile(w.t, u, u.Scope)
	f.body = w.buffer()
	defer func() { w.buffers.Put(&f.body) }()
	if err := w.t.Each(ctx, u, func(r *template.Resource) error { return f.resource(r, nil) }); err != nil {
		return err
	}
	parameters := f.sorted()
	w.used[u.Index] = &used{parameters}
	head := w.head("", u.Title)
	for _, p := range parameters {
		head = appendParameter(head, p.Description, p.symbol, "string", "", p.Secret)
	}
	return w.write("modules/"+u.Name+".bicep", f, head)
}

// head begins a file.
func (w *writer) head(scope, title string) []byte {
	b := w.notice("//")
	if scope != "" {
		b = append(appendQuoted(append(b, "targetScope = "...), scope), "\n\n"...)
	}
	if title != "" {
		b = append(appendQuoted(append(b, "metadata description = "...), title), "\n\n"...)
	}
	return b
}

// notice is what every file begins with, and an empty line.
func (w *writer) notice(comment string) []byte {
	var b []byte
	for _, line := range w.t.Notice() {
		b = append(append(append(append(b, comment...), ' '), line...), '\n')
	}
	return append(b, '\n')
}

// write writes a file whose parts end with an empty line each, but that none is at its end.
func (w *writer) write(name string, f *file, head []byte) error {
	parts := [][]byte{head, f.variables, f.existing, f.body}
	for i := len(parts) - 1; i >= 0; i-- {
		if n := len(parts[i]); n > 0 {
			parts[i] = parts[i][:n-1]
			break
		}
	}
	return w.files.Write(name, func(to io.Writer) error {
		for _, part := range parts {
			if _, err := to.Write(part); err != nil {
				return err
			}
		}
		return nil
	})
}
