// Package terraform writes a template as Terraform code for the azapi provider, and has terraform check it.
//
// Every resource is an azapi_resource whose body is the model's. With SplitNone all stands in the root; else each unit is a
// module in a folder, and the root wires ids from one to the other: one output for each resource that another module refers
// to, one variable for each that a module needs, never a whole module, because two modules may need each other.
//
// What a resource refers to is known only once it was made, so the files with resources are written first, all units side by
// side, and then those that declare what was referred to.
package terraform

import (
	"context"
	"errors"
	"io"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// What the code needs. Write-only attributes came with Terraform 1.11, sensitive_body with azapi 2.4.0; 2.5.0 no longer
// refuses it where the body has what is known only after apply. terraform init takes the newest azapi 2.x, which knows most types.
const (
	requiredTerraform = ">= 1.11"
	requiredAzapi     = "~> 2.5"
)

// Options of the writer.
type Options struct {
	Import bool // also write import blocks, which take the scanned resources into Terraform's state
}

// Write writes all of a template. Faults are those of the template's resources and of files.
func Write(ctx context.Context, t *template.Template, files *output.Files, o Options) (err error) {
	units := make([]*unit, len(t.Units))
	for i, u := range t.Units {
		units[i] = newUnit(t, u)
	}
	var imports *spool
	if o.Import {
		if imports, err = newSpool(len(units)); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, imports.close()) }()
	}
	err = t.ForEachUnit(ctx, func(ctx context.Context, u *template.Unit) error {
		unit := units[u.Index]
		if err := unit.resources(ctx, files, imports); err != nil {
			return err
		}
		if imports != nil {
			if err := imports.done(u.Index); err != nil {
				return err
			}
		}
		return unit.sources(files)
	})
	if err != nil {
		return err
	}
	r := newRoot(t, units)
	if t.Split != template.SplitNone {
		err := t.ForEachUnit(ctx, func(_ context.Context, u *template.Unit) error { return r.module(files, units[u.Index]) })
		if err != nil {
			return err
		}
	}
	if imports != nil {
		err := files.Write("imports.tf", func(to io.Writer) error {
			return errors.Join(begin(to, t), imports.copy(to))
		})
		if err != nil {
			return err
		}
	}
	return r.write(files)
}

// begin writes the lines that every file begins with.
func begin(to io.Writer, t *template.Template) error {
	for _, line := range t.Notice() {
		if _, err := io.WriteString(to, "# "+oneLine(line)+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// write writes a file of HCL whose content does not grow with the resources.
func write(files *output.Files, name string, t *template.Template, content []byte) error {
	return files.Write(name, func(to io.Writer) error {
		if err := begin(to, t); err != nil {
			return err
		}
		_, err := to.Write(content)
		return err
	})
}
