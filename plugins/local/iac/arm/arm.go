// Package arm writes ARM JSON templates from the template model: one template and one parameter file for each stage, with
// a nested deployment for each resource group, and a script that deploys them in order.
//
// What is an expression in a template, and what only looks like one, follows the rules of Azure's own engine: a string that
// begins with '[' and ends with ']' is one, whether it is a value or the name of a member; such a string is written
// with a second '[' before it, and every other string as it is.
package arm

import (
	"context"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// Options are what a caller may choose. There is nothing to choose yet that the template does not say.
type Options struct{}

// The files that are always written.
const (
	onlyTemplate = "azuredeploy" // the base name if there is one stage, as Azure's own samples have it
	scriptName   = "deploy.sh"
)

// Write writes the templates of t, whose Split is SplitDeployment. The same template gives the same bytes. A template that would
// be over one of Azure's limits is a fault, and its file is not written. What is in memory at a time is bounded by
// the files that are being made: one for each processor, each of at most 4 MB.
func Write(ctx context.Context, t *template.Template, files *output.Files, _ Options) error {
	written := make([]*stageFile, len(t.Stages))
	buffers := &pool{}
	workers := runtime.GOMAXPROCS(0)
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for i, stage := range t.Stages {
		g.Go(func() error {
			if err := context.Cause(group); err != nil {
				return err
			}
			s := newStageFile(t, stage, buffers)
			if err := s.make(group, max(1, workers/len(t.Stages))); err != nil {
				return err
			}
			written[i] = s
			return s.write(files)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return files.WriteProgram(scriptName, func(w io.Writer) error { return writeScript(w, t, written) })
}
