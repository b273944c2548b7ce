package arm

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// stageFile is the template of one stage and what its parameter file and the script have to say of it.
type stageFile struct {
	t       *template.Template
	stage   *template.Stage
	buffers *pool
	base    string    // of the files' names
	prefix  string    // of the names of nested deployments
	body    [3][]byte // the template: what stands before the resources, the resources, and the end

	compact    bool
	parameters []*template.Parameter // those of the template that are no secrets, by name
	secrets    []secret
	// grouped says that the secrets of nested deployments are members of one parameter, for there are too many.
	grouped bool
}

// secret is a parameter of a stage that has to be given.
type secret struct {
	name        string // of the stage's parameter, or of the member of the one that has them all
	description string
	grouped     bool
	parameter   *template.Parameter // in its unit
	unit        string              // the unit's name; empty is the stage's own
}

const (
	groupedName = "secrets"
	// What a unit and what surrounds it may be like, in bytes: guesses, so that memory is seldom moved.
	unitSize   = 1 << 16
	nestedSize = 1 << 12

	parameterSuffix = ".parameters.json"
	deploymentType  = "Microsoft.Resources/deployments"
	deploymentAPI   = "2022-09-01"
	groupAPI        = "2021-04-01"
	contentVersion  = "1.0.0.0"
	schemas         = "https://schema.management.azure.com/schemas/"
	groupSchema     = schemas + "2019-04-01/deploymentTemplate.json#"
	parameterSchema = schemas + "2019-04-01/deploymentParameters.json#"
)

// schema is the schema of templates that are deployed to a scope.
func schema(kind template.ScopeKind) string {
	switch kind {
	case template.ScopeTenant:
		return schemas + "2019-08-01/tenantDeploymentTemplate.json#"
	case template.ScopeManagementGroup:
		return schemas + "2019-08-01/managementGroupDeploymentTemplate.json#"
	case template.ScopeSubscription:
		return schemas + "2018-05-01/subscriptionDeploymentTemplate.json#"
	}
	return groupSchema
}

func newStageFile(t *template.Template, stage *template.Stage, buffers *pool) *stageFile {
	base := stage.Name
	if len(t.Stages) == 1 {
		base = onlyTemplate
	}
	return &stageFile{t: t, stage: stage, base: base, buffers: buffers}
}

// make makes the template, with at most so many units at a time.
func (s *stageFile) make(ctx context.Context, workers int) error {
	err := s.render(ctx, workers)
	if errors.Is(err, errTooLarge) {
		s.release()
		s.compact = true
		err = s.render(ctx, workers)
	}
	return err
}

func (s *stageFile) render(ctx context.Context, workers int) error {
	stage := s.stage
	nested := make([]*writer, len(stage.Units))
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for i, u := range stage.Units {
		g.Go(func() error {
			if err := context.Cause(group); err != nil {
				return err
			}
			w := newWriter(u.Title, u.Index, &u.Scope, s.compact, maxResource, s.buffers.get(unitSize))
			w.depth = 6
			nested[i] = w
			return w.all(group, s.t, u, nil, nil)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	unit, count := -1, len(stage.Units)
	if stage.Main != nil {
		unit, count = stage.Main.Index, count+len(stage.Main.Nodes)
	}
	if count > maxResources {
		return overLimit("the template of "+stage.Title, count, maxResources, "resources")
	}
	size := unitSize
	for _, w := range nested {
		size += len(w.b) + nestedSize
	}
	outer := newWriter("the template of "+stage.Title, unit, &stage.Scope, s.compact, maxTemplate, s.buffers.get(size))
	outer.depth = 2
	o := &outerFile{stageFile: s, writer: outer, mains: map[template.Node]string{}, wanted: map[template.Node]bool{}}
	if err := o.main(ctx); err != nil {
		return err
	}
	names := o.secretNames(nested)
	for i, u := range stage.Units {
		if err := o.nested(u, nested[i], names[i]); err != nil {
			return err
		}
		s.buffers.put(nested[i].b)
		nested[i] = nil
	}
	return s.assemble(outer)
}

// release gives back the memory of the template.
func (s *stageFile) release() {
	s.buffers.put(s.body[1])
	s.body = [3][]byte{}
}

// assemble puts what stands before the resources before them.
func (s *stageFile) assemble(outer *writer) error {
	s.parameters = nil
	for _, name := range slices.Sorted(maps.Keys(outer.used)) {
		if p := outer.used[name]; !p.Secret {
			s.parameters = append(s.parameters, p)
		}
	}
	d := &document{compact: s.compact}
	d.open('{')
	d.plain("$schema", schema(s.stage.Scope.Kind))
	d.plain("contentVersion", contentVersion)
	s.describe(d)
	n := s.declare(d)
	if n > maxParameters {
		return overLimit(outer.title, n, maxParameters, "parameters")
	}
	if err := outer.declareVariables(d); err != nil {
		return err
	}
	d.name("resources")
	d.open('[')
	d.empty = len(outer.b) == 0
	end := &document{compact: s.compact, depth: d.depth, empty: d.empty}
	end.close(']')
	end.close('}')
	end.b = append(end.b, '\n')
	s.body = [3][]byte{d.b, outer.b, end.b}
	if size := len(d.b) + len(outer.b) + len(end.b); size > maxTemplate {
		return tooLarge(outer.title, size, maxTemplate)
	}
	return nil
}

// list appends a list whose items were written elsewhere.
func (d *document) list(items []byte) {
	d.open('[')
	if len(items) > 0 {
		d.b = append(d.b, items...)
		d.empty = false
	}
	d.close(']')
}

// declare writes the parameters of the stage, by name, and says how many there are.
func (s *stageFile) declare(d *document) int {
	type declared struct {
		name, kind, description string
		p                       *template.Parameter
	}
	var all []declared
	for _, p := range s.parameters {
		all = append(all, declared{p.Name, "string", p.Description, p})
	}
	for _, x := range s.secrets {
		if !x.grouped {
			all = append(all, declared{x.name, "secureString", x.description, nil})
		}
	}
	if s.grouped {
		all = append(all, declared{groupedName, "secureObject", "The secrets of the resource groups, by name.", nil})
	}
	slices.SortFunc(all, func(a, b declared) int { return strings.Compare(a.name, b.name) })
	d.name("parameters")
	d.open('{')
	for _, p := range all {
		d.next()
		d.b = appendLiteral(d.b, p.name)
		d.colon()
		d.open('{')
		d.plain("type", p.kind)
		if p.p != nil && p.p.HasDefault {
			d.name("defaultValue")
			d.b = appendLiteral(d.b, p.p.Default)
		}
		if p.description != "" {
			d.name("metadata")
			d.open('{')
			d.name("description")
			d.b = appendLiteral(d.b, p.description)
			d.close('}')
		}
		d.close('}')
	}
	d.close('}')
	return len(all)
}

// declareVariables writes the variables, if there are any.
func (w *writer) declareVariables(d *document) error {
	if len(w.variables) == 0 {
		return nil
	}
	if len(w.variables) > maxVariables {
		return overLimit(w.title, len(w.variables), maxVariables, "variables")
	}
	d.name("variables")
	d.open('{')
	for i, text := range w.variables {
		d.name(variableName(i))
		d.b = append(d.b, text...)
	}
	d.close('}')
	return nil
}

// write writes the template and its parameter file.
func (s *stageFile) write(files *output.Files) error {
	defer s.release()
	if err := files.Write(s.base+".json", func(w io.Writer) error {
		for _, piece := range s.body {
			if _, err := w.Write(piece); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	d := &document{}
	d.open('{')
	d.plain("$schema", parameterSchema)
	d.plain("contentVersion", contentVersion)
	d.name("parameters")
	d.open('{')
	for _, p := range s.parameters {
		if p.HasDefault {
			d.next()
			d.b = appendString(d.b, p.Name)
			d.colon()
			d.open('{')
			d.plain("value", p.Default) // parameter files have no expressions
			d.close('}')
		}
	}
	d.close('}')
	d.close('}')
	d.b = append(d.b, '\n')
	return files.Write(s.parameterFile(), func(w io.Writer) error { _, err := w.Write(d.b); return err })
}

// order is the stage's place among the others, from 1.
func (s *stageFile) order() string { return strconv.Itoa(slices.Index(s.t.Stages, s.stage) + 1) }

func (s *stageFile) parameterFile() string { return s.base + parameterSuffix }
