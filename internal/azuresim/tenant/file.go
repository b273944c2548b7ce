package tenant

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// Load reads a tenant from JSON lines: each {"table": NAME, "row": {…}} with a row as Resource
// Graph returns it. Table names are Resource Graph's, or "arm" for resources that only Resource
// Manager shows. A line {"directory": COLLECTION, "object": {…}, "members": […], "owners": […]} adds
// an object to the directory, COLLECTION being one of Graph's (users, groups, applications,
// servicePrincipals). Blank lines are skipped; any other fault is an error with its line number.
// The tenant's id is that of the first row that names one, else fallbackID. Subscriptions and
// resource groups that rows name but no row describes are added.
func Load(r io.Reader, fallbackID string) (*Tenant, error) {
	l := &loader{tables: map[string]*memoryTable{}, directory: directory.NewList()}
	lines := bufio.NewReaderSize(r, 1<<20)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read tenant: %w", err)
		}
		if addErr := l.add(line); addErr != nil {
			return nil, fmt.Errorf("line %d: %w", number, addErr)
		}
		if err != nil {
			break
		}
	}
	id := l.tenantID
	if id == "" {
		id = fallbackID
	}
	tables := map[string]Table{}
	for name, table := range l.tables {
		tables[name] = table
	}
	return newTenant(id, tables, l.directory)
}

type loader struct {
	tables    map[string]*memoryTable
	directory *directory.List
	tenantID  string
}

func (l *loader) add(line []byte) error {
	if line = bytes.TrimSpace(line); len(line) == 0 {
		return nil
	}
	var entry struct {
		Table string                     `json:"table"`
		Row   map[string]json.RawMessage `json:"row"`
		directoryLine
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, line); err != nil {
		return fmt.Errorf("not a JSON object: %w", err)
	}
	decoder := json.NewDecoder(&compact)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&entry); err != nil {
		return fmt.Errorf(`not of the form {"table": …, "row": {…}}: %w`, err)
	}
	if entry.Directory != "" {
		return l.addObject(entry.directoryLine)
	}
	name := strings.ToLower(entry.Table)
	if name != tableARM && !slices.Contains(documented, name) {
		return fmt.Errorf("unknown table %q", entry.Table)
	}
	for _, required := range []string{"id", "type"} {
		if value := entry.Row[required]; len(value) < 3 || value[0] != '"' {
			return fmt.Errorf("the row has no %s", required)
		}
	}
	if !bytes.HasPrefix(entry.Row["id"], []byte(`"/`)) {
		return fmt.Errorf("%s is no resource id: it must start with /", entry.Row["id"])
	}
	table, ok := l.tables[name]
	if !ok {
		table = &memoryTable{columns: columns}
		l.tables[name] = table
	}
	if err := table.append(entry.Row); err != nil {
		return err
	}
	if l.tenantID == "" {
		l.tenantID = table.Text(uint32(table.Len()-1), slices.IndexFunc(columns, isTenantID))
	}
	return nil
}

// directoryLine is a line of a tenant file that is no row but an object of the directory.
type directoryLine struct {
	Directory string         `json:"directory"`
	Object    map[string]any `json:"object"`
	Members   []string       `json:"members"`
	Owners    []string       `json:"owners"`
}

func (l *loader) addObject(line directoryLine) error {
	kind, ok := directory.OfCollection(line.Directory)
	if !ok {
		return fmt.Errorf("unknown collection of the directory %q", line.Directory)
	}
	object := directory.Object{Kind: kind, Properties: line.Object}
	if object.ID = strings.ToLower(object.Text("id")); object.ID == "" {
		return fmt.Errorf("the object has no id")
	}
	delete(object.Properties, "id")
	if !l.directory.Add(object, lower(line.Members), lower(line.Owners)) {
		return fmt.Errorf("the directory has two objects %s, or two of its name", object.ID)
	}
	return nil
}

func lower(ids []string) []string {
	for i, id := range ids {
		ids[i] = strings.ToLower(id)
	}
	return ids
}
