package docs

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/host/cli"
	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/plugins/local"
	"github.com/azure-tenant-grapher/atg/plugins/remote"
	"github.com/azure-tenant-grapher/atg/service"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// configurationPage has the keys of atg's file, the variables, the settings of the bundled backends, and the keys of
// the service's file.
func configurationPage(ctx context.Context, root string) ([]Page, error) {
	m := page("Configuration", "Every key, variable and setting. [Configuration](../configuration.md) tells which wins, where the file is, and how profiles and keys work; [operations](../operations.md) how to run a service.",
		"the structs and schemas that the programs check configurations with")
	m.heading(2, "Keys of the file")
	host, err := readComments(source(root, "host", "config"))
	if err != nil {
		return nil, err
	}
	file := keys{comments: host, names: map[string]string{"backends": "NAME"}, skip: map[string]bool{"profiles": true}}
	file.of(reflect.TypeOf(config.Form()), "", config.Defaults())
	m.table([]string{"key", "default", ""}, file.rows)

	m.heading(2, "Environment")
	m.para("A variable wins over the profile and the file, and a flag over a variable. An empty variable counts as absent.")
	for _, group := range cli.Environment() {
		m.heading(3, group.Title)
		var rows [][]string
		for _, row := range group.Rows {
			rows = append(rows, []string{tickedAll(strings.Split(row[0], ", ")), prose(row[1])})
		}
		m.table([]string{"variable", ""}, rows)
	}

	for _, b := range []struct {
		name, text string
		backend    backend.Backend
	}{
		{"local", "In `backends.local.settings`, and as `backend.settings` or `tenants.ID.settings` of a service. `atg backend info local` prints them.", local.New()},
		{"remote", "In `backends.remote.settings`. `atg backend info remote` prints them.", remote.New()},
	} {
		m.heading(2, "Settings of the "+b.name+" backend")
		m.para(b.text)
		rows, err := settingRows(ctx, b.backend)
		if err != nil {
			return nil, err
		}
		m.table([]string{"setting", "default", "takes", ""}, rows)
	}

	m.heading(2, "Keys of the service's file")
	m.para("The file of `atg-server start --config FILE`. Flags and variables of [`atg-server`](cli/atg-server.md) stand above it. Unknown keys are errors. Durations are numbers of seconds or texts like `5m`.")
	comments, err := readComments(source(root, "service"))
	if err != nil {
		return nil, err
	}
	of := keys{comments: comments, names: map[string]string{"tenants": "ID"}}
	of.of(reflect.TypeFor[service.Config](), "", service.Defaults())
	m.table([]string{"key", "default", ""}, of.rows)
	return []Page{{"configuration.md", m.end()}}, nil
}

// settingRows are the settings of a backend, as its schema has them.
func settingRows(ctx context.Context, b backend.Backend) ([][]string, error) {
	d, err := b.Describe(ctx)
	if err != nil {
		return nil, err
	}
	var schema struct {
		Properties map[string]struct {
			Type        any
			Format      string
			Description string
			Default     any
			Enum        []any
			Minimum     *float64
			Maximum     *float64
			WriteOnly   bool
		}
	}
	if err := json.Unmarshal(d.SettingsSchema, &schema); err != nil {
		return nil, fmt.Errorf("the schema of %s: %w", d.Name, err)
	}
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		p := schema.Properties[name]
		takes := map[any]string{"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false", "array": "a list"}[p.Type]
		switch {
		case p.WriteOnly:
			takes = "a secret"
		case p.Format == "duration":
			takes = "a duration"
		case len(p.Enum) > 0:
			var texts []string
			for _, e := range p.Enum {
				texts = append(texts, fmt.Sprint(e))
			}
			takes = tickedAll(texts)
		}
		if p.Minimum != nil && p.Maximum != nil {
			takes += fmt.Sprintf(", %v to %v", *p.Minimum, *p.Maximum)
		}
		value := ""
		if p.Default != nil {
			value = ticked(fmt.Sprint(p.Default))
		}
		rows = append(rows, []string{ticked(name), value, takes, prose(p.Description)})
	}
	return rows, nil
}
