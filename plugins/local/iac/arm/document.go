package arm

import (
	"bytes"
	"context"
	"runtime"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// Document is the template of one stage, for whoever deploys it without files.
type Document struct {
	Template   []byte                // JSON
	Parameters []*template.Parameter // those that the template declares and that are no secrets; each has a default
	Secrets    []Secret
}

// Secret is a value that a document has to be given.
type Secret struct {
	Name      string              // of the document's parameter; in Group, of the member
	Group     string              // the parameter that holds it as a member of an object, where there are too many; empty is that it is one by itself
	Unit      string              // the name of the unit that needs it; empty is what is deployed to the stage's own scope
	Parameter *template.Parameter // as the unit has it
}

// Make makes the document of a stage of t, whose Split is SplitDeployment. The names of nested deployments begin with prefix. The same template
// gives the same bytes. A template over one of Azure's limits is a fault.
func Make(ctx context.Context, t *template.Template, stage *template.Stage, prefix string) (*Document, error) {
	s := newStageFile(t, stage, &pool{})
	s.prefix = prefix
	if err := s.make(ctx, runtime.GOMAXPROCS(0)); err != nil {
		return nil, err
	}
	defer s.release()
	d := &Document{Template: bytes.Join(s.body[:], nil), Parameters: s.parameters}
	for _, x := range s.secrets {
		given := Secret{Name: x.name, Unit: x.unit, Parameter: x.parameter}
		if x.grouped {
			given.Group = groupedName
		}
		d.Secrets = append(d.Secrets, given)
	}
	return d, nil
}
