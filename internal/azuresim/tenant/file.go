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
)

// Load reads a tenant from JSON lines: each {"table": NAME, "row": {…}} with a row as Resource
// Graph returns it. Table names are Resource Graph's, or "arm" for resources that only Resource
// Manager shows. Blank lines are skipped; any other fault is an error with its line number.
// The tenant's id is that of the first row that names one, else fallbackID. Subscriptions and
// resource groups that rows name but no row describes are added.
func Load(r io.Reader, fallbackID string) (*Tenant, error) {
	l := &loader{tables: map[string]*memoryTable{}}
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
	return newTenant(id, tables)
}

type loader struct {
	tables   map[string]*memoryTable
	tenantID string
}

func (l *loader) add(line []byte) error {
	if line = bytes.TrimSpace(line); len(line) == 0 {
		return nil
	}
	var entry struct {
		Table string                     `json:"table"`
		Row   map[string]json.RawMessage `json:"row"`
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
