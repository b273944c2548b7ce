package arm

import (
	"context"
	"encoding/json"
	"runtime"
	"slices"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// Document is the template of one stage, for whoever deploys it without files.
type Document struct {
	Template   [][]byte              // JSON, without spaces, in pieces: it may be some megabytes
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

// Group is a resource group.
type Group struct{ Name, Location string }

// Make makes the document of a stage of t, whose Split is SplitDeployment. The names of nested deployments begin with prefix. The same template
// gives the same bytes. A template over one of Azure's limits is a fault.
//
// Groups are resource groups that the document makes beside the stage: those of a stage before, where Azure is to look at this one before that
// is deployed.
func Make(ctx context.Context, t *template.Template, stage *template.Stage, prefix string, groups ...Group) (*Document, error) {
	s := newStageFile(t, stage, &pool{})
	s.prefix, s.compact = prefix, true
	if err := s.make(ctx, runtime.GOMAXPROCS(0)); err != nil {
		return nil, err
	}
	d := &Document{Parameters: s.parameters}
	pieces := [][]byte{s.body[0]}
	for i, group := range groups {
		resource, err := json.Marshal(map[string]string{"type": "Microsoft.Resources/resourceGroups", "apiVersion": groupAPI, "name": group.Name, "location": group.Location})
		if err != nil {
			return nil, err
		}
		if pieces = append(pieces, resource); i < len(groups)-1 || len(s.body[1]) > 0 {
			pieces = append(pieces, []byte{','})
		}
	}
	d.Template = slices.Concat(pieces, s.body[1:])
	for _, x := range s.secrets {
		given := Secret{Name: x.name, Unit: x.unit, Parameter: x.parameter}
		if x.grouped {
			given.Group = groupedName
		}
		d.Secrets = append(d.Secrets, given)
	}
	return d, nil
}
